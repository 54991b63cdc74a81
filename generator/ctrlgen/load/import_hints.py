"""What to do about an exception that the import of a module of models raises, for ``importing``."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from types import FrameType

import sqlmodel

from ctrlgen.errors import message_of
from ctrlgen.load.model_classes import mapped_classes
from ctrlgen.source_locations import SourceFile, Sources

DEFINED_TWICE = "is already defined for this MetaData"
_TABLE = re.compile(rf"Table '(.+?)' {DEFINED_TWICE}")


def hint_for(error: BaseException, sources: Sources) -> str | None:
    """Return what to do about an exception, if it is a known mistake."""
    message = message_of(error)
    match error:
        case ImportError() if _needs_package(error, sources):
            return f"models must not import `{sources.package}`, because it is generated from them"
        case SystemExit():
            return 'move the code of the script into `if __name__ == "__main__":`'
        case ModuleNotFoundError(name=str(name)):
            return f"is `{name}` installed in the environment of ctrlgen ({sys.executable})?"
        case NameError(name=str(name)) if name in _classes_of_module(error):
            return f'`{name}` is declared later: quote it, as in `"{name}"` or `list["{name}"]`'
        case NameError(name=str(name)) if name in vars(sqlmodel):
            return f"add `from sqlmodel import {name}`"
        case _ if match := _TABLE.search(message):
            return _other_class(match[1], error, sources)
        case _ if "could not assemble any primary key columns" in message:
            return "declare a primary key: `id: int = Field(default=None, primary_key=True)`"
        case _ if "has no matching SQLAlchemy type" in message:
            return "set the column type of the field: Field(sa_type=...) or Field(sa_column=Column(...))"
        case _ if "No inspection system is available" in message and (link := _link_model(error)):
            return f"the class of `link_model` must be a table: `class {link}(SQLModel, table=True)`"
        case _:
            return None


def _frames(error: BaseException) -> list[FrameType]:
    return [frame for frame, _ in traceback.walk_tb(error.__traceback__)]


def _needs_package(error: ImportError, sources: Sources) -> bool:
    """Return whether the import failed because a model imports the generated package."""
    modules = [str(frame.f_globals.get("__name__")) for frame in _frames(error)]
    return bool(sources.package) and any(
        f"{module}.".startswith(f"{sources.package}.") for module in [*modules, str(error.name)]
    )


def _classes_of_module(error: BaseException) -> set[str]:
    """Return the classes of the module that failed, including those after the line that failed."""
    frames = _frames(error)
    return {*SourceFile(Path(frames[-1].f_code.co_filename)).classes} if frames else set()


def _other_class(table: str, error: BaseException, sources: Sources) -> str:
    """Return the hint for a table that is declared twice."""
    declared = (model for model in mapped_classes() if str(getattr(model, "__table__", "")) == table)
    executed = [frame for frame in _frames(error) if frame.f_code.co_name == "<module>"]
    other = next(declared, None)
    if other is None or not executed:
        return "two classes have the same table name, or one file is imported under two module names"
    files = {str(frame.f_globals.get("__name__")): frame.f_code.co_filename for frame in executed}
    module, file = [*files.items()][-1]
    location = sources.of_class(other, files.get(other.__module__))
    if sources.place(file, 0).file == location.file and module != other.__module__:
        return f"the file is imported under two names, `{other.__module__}` and `{module}`: use one of them everywhere"
    return f"`{other.__name__}` ({location}) has the same table: set another `__tablename__`"


def _link_model(error: BaseException) -> str | None:
    """Return the class that SQLModel was using as a table of links."""
    for frame in _frames(error):
        link: object = getattr(frame.f_locals.get("rel_info"), "link_model", None)
        if isinstance(link, type):
            return link.__name__
    return None
