"""Values of any annotation as Python source, down to what the classes in it require, and their evaluation."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter
from typing_extensions import is_typeddict

from ctrlgen.inspect.annotations import item_annotation, rendered, runtime_class, unwrapped
from ctrlgen.inspect.column_types import bounds_of, kind_of
from ctrlgen.inspect.sample_candidates import fixed_values, members
from ctrlgen.schema import Bounds, Imported, Value
from ctrlgen.source_locations import Sources

_DEPTH = 6
"""Levels of classes within classes that are filled."""

_TRIES = 200
"""Candidates that are tried for a part of a value."""

_NO_CALL = frozenset({"builtins", "datetime", "decimal", "typing", "uuid"})
"""Modules whose types are written as literals or calls of their own."""

_EMPTY = {"frozenset": "frozenset()", "set": "set()", "tuple": "()"}
_BRACKETS = {"frozenset": ("frozenset([", "])"), "set": ("{", "}"), "tuple": ("(", ",)")}
_COLLECTIONS = frozenset({"Collection", "Iterable", "MutableSequence", "Sequence"})
_MAPPINGS = frozenset({"Mapping", "MutableMapping"})


class Evaluation:
    """Evaluates the source of values, as the tests will."""

    def __init__(self) -> None:
        self._items: dict[Imported, object] = {}

    def of(self, value: Value, number: int = 1) -> object:
        """Return what the source is where the count has come to ``number``; raises whatever it raises."""
        names: dict[str, object] = {"numbers": itertools.count(number)}

        def name(item: Imported) -> str:
            local = f"item_{len(names)}"
            names[local] = self._item(item)
            return local

        source = value.source(name)
        return eval(source, names)  # noqa: S307 - source of ours, with classes of the models

    def _item(self, item: Imported) -> object:
        if item not in self._items:
            resolved: object = importlib.import_module(item.module)
            for part in item.name.split("."):
                resolved = getattr(resolved, part)
            self._items[item] = resolved
        return self._items[item]


class TypedValues:
    """Yields values of an annotation, down to what the classes in it require."""

    def __init__(self, evaluation: Evaluation, sources: Sources) -> None:
        self._evaluation, self._sources = evaluation, sources

    def of(self, annotation: object, depth: int = _DEPTH) -> Iterator[Value]:
        """Yield candidates; some may be refused."""
        annotation, _ = unwrapped(annotation)
        origin, arguments = get_origin(annotation), get_args(annotation)
        cls: type[Any] | None = runtime_class(annotation)
        if depth == 0:
            return
        if origin is Literal:
            yield from self._literals(arguments)
        elif origin is Union or type(annotation).__name__ == "UnionType":
            for member in arguments:
                yield from self.of(member, depth)
        elif cls is None or annotation is Any or isinstance(annotation, TypeVar):
            yield from (Value(("{}",)), Value(("[]",)), Value(('"x"',)))
        elif issubclass(cls, enum.Enum):
            yield from self.members(cls)
        elif issubclass(cls, BaseModel):
            for by_alias in (False, True):
                yield from self._call(annotation, cls, _model_fields(cls, by_alias=by_alias), depth)
        elif (declared := _fields_of(cls)) is not None:
            yield from self._call(annotation, cls, declared, depth)
        else:
            yield from self._builtin(annotation, cls, depth)

    def members(self, cls: type[enum.Enum]) -> Iterator[Value]:
        """Yield the members of an enum."""
        yield from (self._named(cls, f".{name}") for name in members(cls))

    def calls(self, annotation: object, values: Iterable[Value]) -> Iterator[Value]:
        """Yield each value as it is made of a named type: ``UserId(1)``."""
        pieces = rendered(annotation, self._sources).pieces
        match pieces:
            case (Imported() as item,) if item.module not in _NO_CALL:
                yield from (replace(value, pieces=(item, "(", *value.pieces, ")")) for value in values)
            case _:
                return

    def _named(self, cls: object, behind: str) -> Value:
        return Value((*rendered(cls, self._sources).pieces, behind))

    def _literals(self, constants: Iterable[object]) -> Iterator[Value]:
        for constant in constants:
            yield (
                self._named(type(constant), f".{constant.name}")
                if isinstance(constant, enum.Enum)
                else Value((repr(constant),))
            )

    def _builtin(self, annotation: object, cls: type[Any], depth: int) -> Iterator[Value]:
        """Yield values of Python's own types, and of classes that are made from a string or a number."""
        arguments = get_args(annotation)
        kind = kind_of(cls, "")
        plain = [*fixed_values(kind, Bounds())]
        if issubclass(cls, dict) or cls.__name__ in _MAPPINGS:
            yield Value(("{}",))
            if len(arguments) == 2:
                for key, value in zip(self.of(arguments[0], depth - 1), self.of(arguments[1], depth - 1), strict=False):
                    yield Value(("{", *key.pieces, ": ", *value.pieces, "}"))
        elif issubclass(cls, tuple) and arguments and arguments[-1] is not Ellipsis:
            items = [self._first(argument, depth - 1) for argument in arguments]
            if None not in items:
                pieces = (piece for item in items if item for piece in (*item.pieces, ", "))
                yield Value(("(", *pieces, ")"))
        elif issubclass(cls, (list, tuple, set, frozenset)) or cls.__name__ in _COLLECTIONS:
            opened, closed = _BRACKETS.get(cls.__name__, ("[", "]"))
            yield Value((_EMPTY.get(cls.__name__, "[]"),))
            for item in self.of(item_annotation(annotation) if arguments else str, depth - 1):
                yield Value((opened, *item.pieces, closed))
        elif kind == "other":
            strings = [*fixed_values("str", Bounds())]
            yield from self.calls(annotation, (*strings, Value(("1",)), Value(("",))))
            yield from strings
        else:
            yield from self.calls(annotation, plain)
            yield from plain

    def _call(self, annotation: object, cls: type[Any], fields: Mapping[str, object], depth: int) -> Iterator[Value]:
        """Yield an object with a value for each required field; a TypedDict is written as a dict."""
        written = is_typeddict(cls)
        pieces: list[str | Imported] = ["{"] if written else [*rendered(annotation, self._sources).pieces, "("]
        for number, (name, field) in enumerate(fields.items()):
            value = self._first(field, depth - 1)
            if value is None:
                return
            pieces += [", " if number else "", f'"{name}": ' if written else f"{name}=", *value.pieces]
        yield Value((*pieces, "}" if written else ")"))

    def _first(self, annotation: object, depth: int) -> Value | None:
        """Return the first value that pydantic accepts for an annotation."""
        try:
            adapter = TypeAdapter[Any](cast("Any", annotation))
        except Exception:  # noqa: BLE001 - a type that pydantic has no schema for
            return next(self.of(annotation, depth), None)
        python, metadata = unwrapped(annotation)
        bounds = bounds_of(metadata, "")
        near = fixed_values(kind_of(python, ""), bounds) if metadata else ()
        for value in itertools.islice(itertools.chain(near, self.of(annotation, depth)), _TRIES):
            try:
                if is_equal(adapter.validate_python(self._evaluation.of(value)), self._evaluation.of(value)):
                    return value
            except Exception:  # noqa: BLE001, S112 - a candidate that is refused, by whatever error
                continue
        return None


def _model_fields(cls: type[BaseModel], *, by_alias: bool) -> dict[str, object]:
    """Return the annotations of the fields that a model requires, by what its constructor may call them."""
    return {
        (field.alias or name) if by_alias else name: _annotated(field.annotation, field.metadata)
        for name, field in cls.model_fields.items()
        if field.is_required()
    }


def _fields_of(cls: type[Any]) -> dict[str, object] | None:
    """Return the annotations of what an object of a class requires; None for a class that does not say."""
    if dataclasses.is_dataclass(cls):
        hints = get_type_hints(cls, include_extras=True)
        missing = dataclasses.MISSING
        return {
            field.name: hints[field.name]
            for field in dataclasses.fields(cls)
            if field.init and field.default is missing and field.default_factory is missing
        }
    if is_typeddict(cls):
        hints = get_type_hints(cls, include_extras=False)
        required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
        return {name: hint for name, hint in hints.items() if name in required}
    defaults: dict[str, object] | None = getattr(cls, "_field_defaults", None)  # of a NamedTuple
    if defaults is None:
        return None
    return {name: hint for name, hint in get_type_hints(cls).items() if name not in defaults}


def _annotated(annotation: object, metadata: Iterable[object]) -> object:
    return cast("Any", Annotated)[annotation, *metadata] if metadata else annotation


def is_equal(one: object, other: object) -> bool:
    """Whether two values are equal, and willing to say so."""
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - of the author's own
        return False
