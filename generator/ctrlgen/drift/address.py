"""The address of a database, as asyncpg reads it and as it may be printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from ctrlgen.errors import AddressError

_SECRET = {"password", "sslpassword", "passfile"}
_EXAMPLE = "write `postgresql://user:password@host/name`"


@dataclass(frozen=True, slots=True)
class Address:
    """An address. ``shown`` is its printable form, and ``secrets`` are the strings that must not be printed."""

    url: str
    shown: str
    secrets: tuple[str, ...] = ()

    def hide(self, text: str) -> str:
        """Return a text with the secrets replaced."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def read_address(url: str | None) -> Address:
    """Parse an address.

    Raises
    ------
    AddressError
        The address is missing, or is not the address of a PostgreSQL database. The message does not contain what may
        be a password.
    """
    if not url:
        raise AddressError("no database address is set", hint=f"{_EXAMPLE} after `--database`, or set DATABASE_URL")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise AddressError(f"the database address `{_masked(url)}` is not a valid URL", hint=_EXAMPLE) from error
    if "://" not in url:
        raise AddressError("the database address does not begin with `postgresql://`", hint=_EXAMPLE)
    if parts.scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise AddressError(f"`{_masked(url)}` is not the address of a PostgreSQL database", hint=_EXAMPLE)
    if "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        hint = "percent-encode it: `/` is %2F, `?` is %3F, `#` is %23, `@` is %40"
        message = f"the user or password in `{_masked(url)}` contains an unencoded `/`, `?`, `#` or `@`"
        raise AddressError(message, hint=hint)
    credentials, at, host = parts.netloc.rpartition("@")
    if not re.fullmatch(r"[^:]*(:\d*)?|\[[^]]*\](:\d*)?", host.rpartition(",")[2]):
        raise AddressError(f"the port in `{_masked(url)}` is not a number", hint=_EXAMPLE)
    query = parse_qsl(parts.query, keep_blank_values=True)
    password = credentials.partition(":")[2]
    secrets = {password, unquote(password), *(value for name, value in query if name in _SECRET)} - {""}
    shown = re.sub(":.*", ":***", credentials) + at + host
    public = urlencode([(name, value) for name, value in query if name not in _SECRET], safe="/")
    return Address(
        urlunsplit(("postgresql", parts.netloc, parts.path, parts.query, "")),
        urlunsplit(("postgresql", shown, parts.path, public, "")),
        tuple(sorted(secrets)),
    )


def _masked(url: str) -> str:
    """Return an invalid address without anything that may be a password, wherever it is."""
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    if at:
        rest = f"{credentials.partition(':')[0]}:***@{host}" if ":" in credentials else f"***@{host}"
    else:
        rest = re.sub(r":(?!\d*(?:[/?,]|$)).*", ":***", rest)  # without a host, this may be the password
    return scheme + separator + re.sub(rf"\b({'|'.join(sorted(_SECRET))})=[^&]*", r"\1=***", rest)
