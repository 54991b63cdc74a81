"""Finds the line in the body of a model that SQLModel or SQLAlchemy rejects while it builds the class.

The traceback of such an exception ends at the ``class`` line, and the message names a column, an argument or a value.
Called by ``importing``.
"""

from __future__ import annotations

import ast
import inspect as inspection
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import cast

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeMeta
from sqlmodel.main import SQLModelMetaclass

from ctrlgen.errors import did_you_mean, message_of
from ctrlgen.load.reserved_names import rename, reserved_by
from ctrlgen.source_locations import SourceFile, is_source

_MISSING_COLUMN = re.compile(r"Can't create (\w+) on table .*?: no column named '(.+?)' is present")
_SECOND_COLUMN = re.compile(r"A column with name '(.+?)' is already present")
_QUOTED = re.compile(r"['`](\w+)[ '`]")
_VALIDATOR = re.compile(r"Decorators defined with incorrect fields: \S+\.(\w+) ")
_TUPLE = "__table_args__ value must be a tuple"


@dataclass(frozen=True, slots=True)
class Culprit:
    """The rejected line, the part of it to underline, and what to do."""

    file: str
    line: int
    mark: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Body:
    """The body of the class that was being built, or of one of its base classes."""

    file: str
    node: ast.ClassDef

    def at(self, node: ast.AST | None, hint: str | None = None) -> Culprit | None:
        """Return the culprit at a node of the body, which it underlines if it is one word."""
        if node is None:
            return None
        mark = ast.unparse(node) if isinstance(node, ast.Constant) else None
        mark = mark and f'"{mark[1:-1]}"'  # a string, most likely in double quotes
        line: int = getattr(node, "lineno", 1)
        return Culprit(self.file, line, mark if mark and mark in _text(self.file, line) else None, hint)

    def declaration(self, name: str) -> ast.stmt | None:
        """Return the statement that declares an attribute."""
        line = SourceFile(Path(self.file)).attribute_line(self.node.name, name)
        return next((each for each in self.node.body if each.lineno == line), None)

    def string(self, text: str, call: str | None = None) -> ast.Constant | None:
        """Return a string in the body, in a call of the function with the name ``call`` if one is given."""
        calls = (node for node in ast.walk(self.node) if isinstance(node, ast.Call) and _name(node.func) == call)
        places = calls if call else iter([self.node])
        nodes = [node for place in places for node in ast.walk(place)]
        found = [node for node in nodes if isinstance(node, ast.Constant) and node.value == text]
        return min(found, key=lambda node: (node.lineno, node.col_offset), default=None)


def culprit_in_class(error: BaseException) -> Culprit | None:
    """Return the line of a model that made the creation of its class fail, or None if something else failed."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    building = [number for number, frame in enumerate(frames) if frame.f_code in _BUILDERS]
    if not building or any(is_source(frame.f_code.co_filename) for frame in frames[building[0] :]):
        return None  # code of the user, such as a function of the class, failed
    bodies = list(_bodies(frames[building[0]]))
    if not bodies:
        return None
    return (
        _reserved(bodies)
        or _field(frames, bodies[0])
        or _named_in_message(message_of(error), frames, bodies)
        or bodies[0].at(bodies[0].node)
    )


_BUILDERS = frozenset({SQLModelMetaclass.__new__.__code__, SQLModelMetaclass.__init__.__code__})
_MAPPING = DeclarativeMeta.__init__.__code__


def _bodies(builder: FrameType) -> Iterator[_Body]:
    """Yield the body of the class, followed by those of its base classes in files of the user."""
    names: Mapping[str, object] = builder.f_locals.get("class_dict") or builder.f_locals.get("dict_") or {}
    file = inspection.getsourcefile(builder.f_back) if builder.f_back else None
    module, qualname = names.get("__module__"), names.get("__qualname__")
    files = {str(module): file}
    bases: tuple[type, ...] = builder.f_locals.get("bases", ())
    classes = [(str(module), str(qualname))]
    classes += [(base.__module__, base.__qualname__) for each in bases for base in each.__mro__]
    for owner, name in dict.fromkeys(classes):
        path = files.get(owner) or getattr(sys.modules.get(owner), "__file__", None)
        if path and is_source(path) and (node := SourceFile(Path(path)).classes.get(name)):
            yield _Body(path, node)


def _reserved(bodies: list[_Body]) -> Culprit | None:
    """Return the field whose name a library reserves."""
    for body in bodies:
        for node in body.node.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and reserved_by(node.target.id):
                return body.at(node, rename(node.target.id, ast.unparse(node)))
    return None


def _field(frames: list[FrameType], body: _Body) -> Culprit | None:
    """Return the field or relationship that SQLModel was processing.

    Its loops end before SQLAlchemy maps the class, so that the last relationship is not to blame then.
    """
    if any(frame.f_code is _MAPPING for frame in frames):
        return None
    for frame in frames:
        values = frame.f_locals
        field = values.get("k") if isinstance(values.get("new_cls"), type) else values.get("rel_name")
        if frame.f_code in _BUILDERS and isinstance(field, str):
            return body.at(body.declaration(field))
    return None


def _named_in_message(message: str, frames: list[FrameType], bodies: list[_Body]) -> Culprit | None:
    """Return the line with a name or string that the message quotes."""
    if match := _MISSING_COLUMN.search(message):
        hint = did_you_mean(match[2], _columns(frames))
        return next(filter(None, (body.at(body.string(match[2], match[1]), hint) for body in bodies)), None)
    if match := _SECOND_COLUMN.search(message):
        hint = "two attributes have this column: give one of them another name, or declare only one"
        return next(filter(None, (body.at(body.string(match[1], "Column"), hint) for body in bodies)), None)
    if _TUPLE in message:
        hint = "write a tuple, also around a single object: `__table_args__ = (Index(...),)`"
        return next(filter(None, (body.at(body.declaration("__table_args__"), hint) for body in bodies)), None)
    if match := _VALIDATOR.search(message):
        hint = f"`{match[1]}` validates a field that `{bodies[0].node.name}` does not have"
        functions = (body.declaration(match[1]) for body in bodies)
        decorators = (each.decorator_list[0] for each in functions if isinstance(each, ast.FunctionDef))
        return bodies[0].at(next(decorators, None), hint)
    words = list(dict.fromkeys(_QUOTED.findall(message)))
    places = ((body, body.declaration(word) or body.string(word)) for word in words for body in bodies)
    return next(filter(None, (body.at(node) for body, node in places)), None)


def _columns(frames: list[FrameType]) -> list[str]:
    """Return the columns of the table that SQLAlchemy was creating."""
    values = (value for frame in frames for value in frame.f_locals.values())
    tables = [cast("Table", value) for value in values if isinstance(value, Table)]
    return [str(column.key) for column in tables[-1].columns] if tables else []


def _name(function: ast.expr) -> str | None:
    return getattr(function, "id", None) or getattr(function, "attr", None)


def _text(file: str, line: int) -> str:
    lines = Path(file).read_text("utf-8", "replace").splitlines()
    return lines[line - 1] if line <= len(lines) else ""
