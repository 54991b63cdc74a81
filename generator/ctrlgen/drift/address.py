"""The address of the database: as the emitted package reads it, and as it may be printed.

The emitted runtime decides which addresses are valid, which options they may have, and what to write instead, so that
an address is either accepted by both or refused by both.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ctrlgen.errors import AddressError
from ctrlgen.render.templates import templates_folder

_RUNTIME = "ctrlgen_runtime"
"""The import name of the runtime, which no module of a project has."""
_SECRET = {"password", "sslpassword"}
_EXAMPLE = (
    "write `postgresql://user:password@host:5432/name`, and `/`, `?`, `#`, `@` in the password as %2F, %3F, %23, %40"
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address, its printable form, the arguments of ``asyncpg.connect``, and strings that must not be printed."""

    url: str
    shown: str
    arguments: Mapping[str, Any]
    secrets: tuple[str, ...] = ()

    def hide(self, text: str) -> str:
        """Return a text with the secrets replaced."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def read_address(url: str, further: Mapping[str, Any]) -> Address:
    """Parse an address. ``further`` are arguments of ``asyncpg.connect`` that do not depend on it.

    Raises
    ------
    AddressError
        The address is not the address of a PostgreSQL database, or has an option that is not supported. The message
        does not contain what may be a password.
    """
    service: Any = _runtime("service")
    try:
        server = service.server_at(url, further)
        secrets = _secrets(server.address)
    except ValueError as error:
        raise AddressError(str(error), hint=_EXAMPLE) from error
    return Address(server.address, server.url, server.arguments, secrets)


def _secrets(address: str) -> tuple[str, ...]:
    parts = urlsplit(address)
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    options = [value for name, value in parse_qsl(parts.query) if name in _SECRET]
    return tuple(sorted({password, unquote(password), *options} - {""}))


@cache
def _runtime(module: str) -> ModuleType:
    """Import a module of the runtime from the templates, without leaving bytecode among them."""
    folder = templates_folder() / "runtime"
    spec = spec_from_file_location(_RUNTIME, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec
    assert spec.loader
    package = sys.modules[_RUNTIME] = module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(package)
        return import_module(f"{_RUNTIME}.{module}")
    finally:
        sys.dont_write_bytecode = before
