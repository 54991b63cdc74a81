"""Turns what happens while a user's module is imported into an error that shows their line, not ours."""

from __future__ import annotations

import inspect as inspection
import re
import sys
import traceback
from pathlib import Path

from ctrlgen.errors import LoadError
from ctrlgen.load.source import Sources
from ctrlgen.load.syntax import SourceFile

_ADVERTISEMENT = re.compile(r"\s*(\(Background on this error at: .*\)|For further information visit .*)")


def import_error(module: str, error: BaseException, sources: Sources) -> LoadError:
    """Return the failed import of ``module`` as an error of ctrlgen.

    The location is the last line of the user's own on the way to where it was raised, or the line that does
    not parse.
    """
    where = _syntax_place(error) or _field_place(error) or _last_place(error, sources)
    location = sources.place(*where) if where else None
    source = sources.text(location) if location else None
    return LoadError(f"`{module}` can not be imported: {described(error)}", location, _hint(error, sources), source)


def described(error: BaseException) -> str:
    """Return type and message, as on the last line of a traceback."""
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = _ADVERTISEMENT.sub("", said(error)).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def said(error: BaseException) -> str:
    """Return an exception's text; nothing where the exception is broken itself."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - their __str__ may raise whatever it likes
        return ""


def _syntax_place(error: BaseException) -> tuple[str, int] | None:
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_absolute():
        return error.filename, error.lineno or 1
    return None


def _field_place(error: BaseException) -> tuple[str, int] | None:
    """Return the field SQLModel was at; where a class fails as a whole, its traceback ends at ``class``."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        model, field = frame.f_locals.get("new_cls"), frame.f_locals.get("k")
        if isinstance(model, type) and isinstance(field, str):
            file = inspection.getsourcefile(frame.f_back) if frame.f_back else None
            line = SourceFile(Path(file)).attribute_line(model.__qualname__, field) if file else None
            return (file, line) if file and line else None
    return None


def _last_place(error: BaseException, sources: Sources) -> tuple[str, int] | None:
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    theirs = [frame for frame in frames if sources.is_theirs(frame[0])]
    return theirs[-1] if theirs else None


def _needs_package(error: BaseException, sources: Sources) -> bool:
    """Whether the import failed because a model needs what is made from it: it is not there yet, or half imported."""
    name = getattr(error, "name", None) if isinstance(error, ImportError) else None
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    modules = [str(frame.f_globals.get("__name__")) for frame in frames]
    return bool(sources.package) and any(
        f"{module}.".startswith(f"{sources.package}.") for module in [*modules, str(name)]
    )


def _hint(error: BaseException, sources: Sources) -> str | None:
    match error:
        case ImportError() if _needs_package(error, sources):
            return f"models must not import `{sources.package}`, which is made from them"
        case SystemExit():
            return 'put what a script does under `if __name__ == "__main__":`'
        case ModuleNotFoundError(name=str(name)):
            return f"is `{name}` installed where ctrlgen runs ({sys.executable})?"
        case _ if "is already defined for this MetaData" in said(error):
            return "two classes have one table name, or one file is imported under two module names"
        case _ if "has no matching SQLAlchemy type" in said(error):
            return "give the field a column type: Field(sa_type=...) or Field(sa_column=Column(...))"
        case _:
            return None
