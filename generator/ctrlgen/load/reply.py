"""What the child says to its parent: a ``Schema`` or an error, pickled into a private file.

Only ctrlgen's own frozen data may cross, so that the parent never imports what the models import.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import cast

from ctrlgen.errors import CtrlgenError
from ctrlgen.schema import Schema

Reply = Schema | CtrlgenError

_ALLOWED = frozenset({"ctrlgen.errors", "ctrlgen.schema"})


def write_reply(path: Path, reply: Reply) -> None:
    """Leave ``reply`` at ``path``; it is there completely or not at all."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        _Pickler(file).dump(reply)
    unfinished.replace(path)


def read_reply(path: Path) -> Reply | None:
    """Return what the child left at ``path``, or None if it never came so far."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        reply: object = _Unpickler(file).load()
    assert isinstance(reply, Schema | CtrlgenError), reply
    return reply


class _Pickler(pickle.Pickler):
    """Writes SQLAlchemy's and the models' own kinds of text (``quoted_name``) as plain text."""

    def reducer_override(self, obj: object, /) -> tuple[type[str], tuple[str]]:
        if isinstance(obj, str):  # never a plain one: those take a shorter way
            return str, (str.__str__(obj),)
        return cast("tuple[type[str], tuple[str]]", NotImplemented)  # as the protocol wants it: go the usual way


class _Unpickler(pickle.Unpickler):
    """Makes instances of ctrlgen's data and of nothing else."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if module_name not in _ALLOWED and (module_name, global_name) != ("builtins", "str"):
            raise pickle.UnpicklingError(f"{module_name}.{global_name} must not leave the loading process")
        found: object = super().find_class(module_name, global_name)
        return found
