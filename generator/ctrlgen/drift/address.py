"""The address of a database: how asyncpg reads it, and how it may be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from ctrlgen.errors import AddressError

_SECRET = {"password", "sslpassword", "passfile"}
_EXAMPLE = "write `postgresql://user:password@host/name`"


@dataclass(frozen=True, slots=True)
class Address:
    """An address; ``shown`` is without its password, and ``secrets`` is what nobody may see."""

    url: str
    shown: str
    secrets: tuple[str, ...] = ()

    def hide(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def read_address(given: str | None) -> Address:
    """Return an address as it was given.

    Raises
    ------
    AddressError
        It is missing, or not the address of a PostgreSQL; the message does not repeat it.
    """
    if not given:
        raise AddressError("no database is given", hint=f"{_EXAMPLE} behind `--database`, or set DATABASE_URL")
    try:
        parts = urlsplit(given)
    except ValueError as error:
        raise AddressError("the database's address cannot be read", hint=_EXAMPLE) from error
    if parts.scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise AddressError("this is not the address of a PostgreSQL database", hint=_EXAMPLE)
    if "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        hint = "percent-encode it: `/` is %2F, `?` is %3F, `#` is %23, `@` is %40"
        raise AddressError("the database's address has a / ? # or @ that belongs to its user or password", hint=hint)
    credentials, at, host = parts.netloc.rpartition("@")
    if not re.fullmatch(r"[^:]*(:\d*)?|\[[^]]*\](:\d*)?", host.rpartition(",")[2]):
        raise AddressError("the database's address has a port that is no number", hint=_EXAMPLE)
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
