"""Imports what is configured; runs in the child, called by ``worker``."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from ctrlgen.errors import LoadError
from ctrlgen.load.discover import suggestion, table_modules
from ctrlgen.load.failures import described, import_error
from ctrlgen.load.source import Sources
from ctrlgen.schema import Finding

Report = Callable[[str], None]


def import_configured(names: Sequence[str], sources: Sources, report: Report) -> list[ModuleType]:
    """Import each configured module; ``report`` is told what is about to happen.

    Raises
    ------
    LoadError
        If one of them does not exist or its import fails.
    """
    return [_import(name, sources, report) for name in dict.fromkeys(names)]


def import_submodules(modules: Sequence[ModuleType], sources: Sources, report: Report) -> Iterator[Finding]:
    """Import those submodules that declare tables and are not imported yet; yield the ones that fail."""
    for module in modules:
        paths: list[str] = list(getattr(module, "__path__", ()))
        for name in table_modules(paths, module.__name__):
            if name not in sys.modules and (failure := _try(name, paths, sources, report)):
                gc.collect()  # of the classes it left half made, which SQLAlchemy knows by weak references
                yield failure


def _import(name: str, sources: Sources, report: Report) -> ModuleType:
    report(f"importing `{name}`")
    try:
        return importlib.import_module(name)
    except BaseException as error:  # KeyboardInterrupt too: theirs is as likely as yours, and no traceback helps
        raise _missing(name, error, sources) or import_error(name, error, sources) from error


def _missing(name: str, error: BaseException, sources: Sources) -> LoadError | None:
    """Return the error for a module that is not there, as opposed to one that fails."""
    absent = isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")
    if not absent and all(part.isidentifier() for part in name.split(".")):
        return None
    return LoadError(f"there is no module `{name}` in {sources.root}", None, suggestion(name, sources.root))


def _try(name: str, paths: Sequence[str], sources: Sources, report: Report) -> Finding | None:
    report(f"importing `{name}`")
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - sys.exit() too: whatever it is, the other models can be served
        failure = import_error(name, error, sources)
        location = failure.location or sources.place(str(Path(paths[0], "__init__.py")), 1)
        return Finding(location, "CG201", f"`{name}` is left out: {described(error)}")
    return None
