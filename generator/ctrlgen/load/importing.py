"""Imports the configured modules, and converts exceptions to errors at the line in the user's code.

Called by ``load``, in the child process.
"""

from __future__ import annotations

import gc
import importlib
import linecache
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from ctrlgen.errors import ImportFailedError, LoadError, described
from ctrlgen.findings import FAILED_IMPORT, Finding, Location
from ctrlgen.load.class_bodies import culprit_in_class
from ctrlgen.load.import_hints import DEFINED_TWICE, hint_for
from ctrlgen.source_locations import Sources, is_source
from ctrlgen.table_modules import missing_module, table_modules

Cause = tuple[Location | None, str]
"""The module whose import failed, and the exception."""

Failure = tuple[Location, str, LoadError]
"""A submodule whose import failed, with the exception and the error."""

Progress = Callable[[str], None]
"""A function that records the next step."""


def import_configured(names: Sequence[str], sources: Sources, progress: Progress) -> list[ModuleType]:
    """Import each configured module; ``progress`` is called before each.

    Raises
    ------
    LoadError
        If one of them does not exist or its import fails.
    """
    modules: list[ModuleType] = []
    errors: dict[Cause, LoadError] = {}
    for name in dict.fromkeys(names):
        try:
            modules.append(_import(name, sources, progress))
        except LoadError as error:
            reason = error.message.partition(": ")[2] if error.location else error.message
            errors.setdefault(_cause(error.location, reason, errors), error)
    if errors:
        first, *others = errors.values()
        raise replace(first, others=tuple(others)) from first.__cause__
    return modules


def import_submodules(modules: Sequence[ModuleType], sources: Sources, progress: Progress) -> Iterator[Finding]:
    """Import the submodules that declare tables and are not imported yet, and yield the failures, each cause once."""
    left_out: dict[Cause, list[str]] = {}
    errors: dict[Cause, LoadError] = {}
    for module in modules:
        paths: list[str] = list(getattr(module, "__path__", ()))
        for name in table_modules(paths, module.__name__):
            if name not in sys.modules and (failure := _try(name, paths, sources, progress)):
                gc.collect()  # removes partly defined classes, to which SQLAlchemy has weak references
                place, why, error = failure
                cause = _cause(place, why, left_out)
                left_out.setdefault(cause, []).append(name)
                errors.setdefault(cause, error)
    for (location, reason), names in left_out.items():
        assert location  # the module itself is known
        finding, error = FAILED_IMPORT.at(location, modules=_listed(names), error=reason), errors[location, reason]
        yield replace(finding, import_chain=error.import_chain, traceback=error.traceback)


def _cause(location: Location | None, reason: str, known: Iterable[Cause]) -> Cause:
    """Return a key that identifies the cause of a failure.

    A failed module is executed again when another one imports it. Its tables then exist already, which is not a
    separate cause.
    """
    for place, earlier in known if DEFINED_TWICE in reason else ():
        if place and location and place.file == location.file:
            return place, earlier
    return location, reason


def _listed(names: Sequence[str]) -> str:
    """Return the modules that one error leaves out, as the beginning of a sentence."""
    quoted = [f"`{name}`" for name in names]
    return f"{quoted[0]} is" if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]} are"


def _import(name: str, sources: Sources, progress: Progress) -> ModuleType:
    progress(f"importing `{name}`")
    try:
        return importlib.import_module(name)
    except BaseException as error:  # also KeyboardInterrupt, which the module may raise itself
        raise _missing(name, error, sources) or import_error(name, error, sources) from error


def _missing(name: str, error: BaseException, sources: Sources) -> LoadError | None:
    """Return the error for a module that does not exist, as opposed to one whose import fails."""
    absent = isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")
    if not absent and all(part.isidentifier() for part in name.split(".")):
        return None
    missing = missing_module(name, sources.root)
    separator = " If" if str(missing.hint).endswith("?") else "; if"
    hint = f"{missing.hint}{separator} you deleted the module, remove it from `models`"
    return replace(missing, hint=hint, setting="models", mark=name)


def _try(name: str, paths: Sequence[str], sources: Sources, progress: Progress) -> Failure | None:
    """Import a module, and return the failure, if any."""
    progress(f"importing `{name}`")
    try:
        importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - also sys.exit(): the other models can still be loaded
        failure = import_error(name, error, sources)
        location = failure.location or sources.place(str(Path(paths[0], "__init__.py")), 1)
        return location, described(error), failure
    return None


def import_error(module: str, error: BaseException, sources: Sources) -> LoadError:
    """Return the error for the failed import of ``module``.

    The location is the line of a model that its class cannot be created with, the line with the syntax error, or the
    last line of the project in the traceback.
    """
    culprit = culprit_in_class(error)
    where = (culprit.file, culprit.line) if culprit else _syntax_error_line(error) or _last_line(error, sources)
    location = sources.place(*where) if where else None
    source = sources.text(location) if location else None
    return ImportFailedError(
        f"`{module}` cannot be imported: {described(error)}",
        location,
        (culprit and culprit.hint) or hint_for(error, sources),
        source,
        import_chain=tuple(_import_chain(error, sources)),
        traceback="".join(traceback.format_exception(error)),
        mark=culprit.mark if culprit else _marked(error, where) if where else None,
    )


def failed_at(error: BaseException, sources: Sources) -> Location | None:
    """Return the line with the syntax error, or the last line of the project in the traceback."""
    where = _syntax_error_line(error) or _last_line(error, sources)
    return sources.place(*where) if where else None


def _marked(error: BaseException, where: tuple[str, int]) -> str | None:
    """Return the part of the line that failed, as marked in a traceback."""
    if isinstance(error, SyntaxError) and error.text and error.offset and (error.filename, error.lineno) == where:
        end = error.end_offset if error.end_lineno == error.lineno and error.end_offset else error.offset + 1
        return error.text[error.offset - 1 : max(end, error.offset + 1) - 1].strip() or None
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if (frame.filename, frame.lineno) == where and frame.colno is not None and frame.end_lineno == where[1]:
            line = linecache.getline(*where).encode()
            return line[frame.colno : frame.end_colno].decode(errors="replace").strip() or None
    return None


def _import_chain(error: BaseException, sources: Sources) -> Iterator[str]:
    """Yield the project's lines that the import executed, outermost first, ending with the one that failed."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_name == "<module>" and is_source(code.co_filename):
            yield _line(code.co_filename, line, sources)
    if where := _syntax_error_line(error):
        yield _line(*where, sources)


def _line(file: str, line: int, sources: Sources) -> str:
    location = sources.place(file, line)
    text = sources.text(location)
    return f"{location}: {text}" if text else str(location)


def _syntax_error_line(error: BaseException) -> tuple[str, int] | None:
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_absolute():
        return error.filename, error.lineno or 1
    return None


def _last_line(error: BaseException, sources: Sources) -> tuple[str, int] | None:
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [frame for frame in frames if is_source(frame[0])]
    return own[-1] if own else None
