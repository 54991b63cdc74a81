"""Where emitted code imports a class or another named type from."""

from __future__ import annotations

import keyword
import sys

from ctrlgen.load.source import Sources
from ctrlgen.schema import Imported


class NotImportableError(Exception):
    """A type has no name by which a module could import it."""


def reference(cls: type) -> Imported:
    """Return the place of a mapped class: where it was declared."""
    return Imported(str(cls.__module__), str(cls.__qualname__))


def public_name(item: object, sources: Sources) -> Imported:
    """Return the public place of a named type.

    The project's own are imported from where they are declared, a library's from the shortest path that has
    them (``pydantic.EmailStr``, not ``pydantic.networks.EmailStr``; ``pathlib.Path`` on every Python).

    Raises
    ------
    NotImportableError
        If it was made in a function, or its module does not have it.
    """
    module = str(getattr(item, "__module__", ""))
    name = str(getattr(item, "__qualname__", getattr(item, "__name__", "")))
    homes = [home for home in _homes(module, sources) if _lookup(home, name) is item]
    if not homes or any(keyword.iskeyword(part) for part in f"{homes[0]}.{name}".split(".")):
        raise NotImportableError(f"{module}.{name}")
    return Imported(homes[0], name)


def _homes(module: str, sources: Sources) -> list[str]:
    file: object = getattr(sys.modules.get(module), "__file__", None)
    if isinstance(file, str) and sources.is_theirs(file):
        return [module]
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _lookup(module: str, name: str) -> object:
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
