"""Chooses the values that tests store in a column: candidates are tried against the column itself.

A value is accepted that the model's field validates, the column's type can store, and the CHECK constraints allow.
This runs in the child process, because only there are the models.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import sqlalchemy
from pydantic import BaseModel, TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator, core_schema
from sqlalchemy import Column as SAColumn
from sqlmodel import SQLModel

from ctrlgen.inspect.annotations import (
    NotImportableError,
    item_annotation,
    rendered,
    runtime_class,
    unwrapped,
)
from ctrlgen.inspect.check_constraints import UNKNOWN, Check
from ctrlgen.inspect.column_types import bounds_of, kind_of
from ctrlgen.inspect.index_sql import POSTGRESQL, NotUnderstoodError
from ctrlgen.inspect.sample_candidates import changed_values, fixed_values, members, new_values
from ctrlgen.schema import Bounds, Column, Imported, Samples, Value
from ctrlgen.source_locations import Sources

_NUMBERS = (1, 23, 456, 7890)
"""Counts for which a value that varies must be accepted."""

_DEPTH = 6
"""Levels of classes within classes that are filled."""

_COMBINATIONS = 2000
"""Combinations of values that are tried where a CHECK is about several columns."""

_NO_CALL = frozenset({"builtins", "datetime", "decimal", "typing", "uuid"})
"""Modules whose types are written as literals or calls of their own."""

_NONE = Value(("None",))


@dataclass(frozen=True, slots=True)
class _Refused:
    """A value that was not accepted."""


REFUSED = _Refused()


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
        cls = runtime_class(annotation)
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
        elif fields := _fields_of(cls):
            yield from self._call(annotation, cls, fields, depth)
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

    def _builtin(self, annotation: object, cls: type, depth: int) -> Iterator[Value]:
        """Yield values of Python's own types, and of classes that are made from a string or a number."""
        arguments = get_args(annotation)
        kind = kind_of(cls, "")
        plain = [*fixed_values(kind, Bounds())]
        if issubclass(cls, dict) or cls.__name__ in {"Mapping", "MutableMapping"}:
            yield Value(("{}",))
            if len(arguments) == 2:
                for key, value in zip(self.of(arguments[0], depth - 1), self.of(arguments[1], depth - 1), strict=False):
                    yield Value(("{", *key.pieces, ": ", *value.pieces, "}"))
        elif issubclass(cls, tuple) and arguments and arguments[-1] is not Ellipsis:
            items = [self._first(argument, depth - 1) for argument in arguments]
            if None not in items:
                pieces = (piece for item in items if item for piece in (*item.pieces, ", "))
                yield Value(("(", *pieces, ")"))
        elif issubclass(cls, (list, tuple, set, frozenset)) or cls.__name__ in {"Sequence", "Iterable", "Collection"}:
            opened, closed = {set: ("{", "}"), tuple: ("(", ",)")}.get(cls, ("[", "]"))
            yield Value(({set: "set()", tuple: "()", frozenset: "frozenset()"}.get(cls, "[]"),))
            for item in self.of(item_annotation(annotation) if arguments else str, depth - 1):
                yield Value((opened, *item.pieces, closed))
        elif kind == "other":
            strings = [*fixed_values("str", Bounds())]
            yield from self.calls(annotation, (*strings, Value(("1",)), Value(("",))))
            yield from strings
        else:
            yield from self.calls(annotation, plain)
            yield from plain

    def _call(self, annotation: object, cls: type, fields: Mapping[str, object], depth: int) -> Iterator[Value]:
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
            adapter = TypeAdapter[Any](annotation)
        except Exception:  # noqa: BLE001 - a type that pydantic has no schema for
            return next(self.of(annotation, depth), None)
        python, metadata = unwrapped(annotation)
        bounds = bounds_of(metadata, "")
        near = fixed_values(kind_of(python, ""), bounds) if metadata else ()
        for value in itertools.islice(itertools.chain(near, self.of(annotation, depth)), 200):
            try:
                if _is_equal(adapter.validate_python(self._evaluation.of(value)), self._evaluation.of(value)):
                    return value
            except Exception:  # noqa: BLE001, S112 - a candidate that is refused, by whatever error
                continue
        return None


def _fields_of(cls: type) -> dict[str, object] | None:
    """Return the annotations of what an object of a class requires; None for a class that does not say."""
    if issubclass(cls, BaseModel):
        fields = cls.model_fields.items()
        return {
            field.alias or name: _annotated(field.annotation, field.metadata)
            for name, field in fields
            if field.is_required()
        } or ({} if cls is not BaseModel else None)
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
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        defaults: dict[str, object] = getattr(cls, "_field_defaults", {})
        return {name: hint for name, hint in get_type_hints(cls).items() if name not in defaults}
    return None


def _annotated(annotation: object, metadata: Sequence[object]) -> object:
    return Annotated[annotation, *metadata] if metadata else annotation  # type: ignore[valid-type]  # made at run time


class FieldTrial:
    """What one column accepts.

    Parameters
    ----------
    model
        The mapped class.
    column
        The column as it is mapped.
    checks
        The CHECK constraints that are about this column alone.
    """

    def __init__(
        self, model: type[SQLModel], attribute: str, column: SAColumn[Any], validator: SchemaValidator | None
    ) -> None:
        self._model, self._attribute, self._validator = model, attribute, validator
        self._orm = attribute in sqlalchemy.inspect(model).validators
        self._type: Any = column.type.dialect_impl(POSTGRESQL)
        self._bind: Any = self._type.bind_processor(POSTGRESQL)
        self._result: Any = self._type.result_processor(POSTGRESQL, None)
        self._converts = isinstance(column.type, sqlalchemy.TypeDecorator)

    def stored(self, value: object, *, same: bool) -> object:
        """Return what the database is sent for a value; ``REFUSED`` where the column does not accept it.

        Parameters
        ----------
        same
            Whether the value must also be read as it was written.
        """
        try:
            checked = self._checked(value)
            stored = checked if self._bind is None else self._bind(checked)
        except Exception:  # noqa: BLE001 - validators and types may raise anything
            return REFUSED
        if same and not (_is_equal(checked, value) and self._is_read_as(stored, checked)):
            return REFUSED
        return stored

    def _checked(self, value: object) -> object:
        if self._validator is not None:
            value = self._validator.validate_python({self._attribute: value})[self._attribute]
        if self._orm:
            probe: object = sqlalchemy.inspect(self._model).class_manager.new_instance()
            setattr(probe, self._attribute, value)
            value = vars(probe).get(self._attribute, value)
        return value

    def _is_read_as(self, stored: object, value: object) -> bool:
        if not self._converts or self._result is None:
            return True
        try:
            return _is_equal(self._result(stored), value)
        except Exception:  # noqa: BLE001 - it may expect what only the driver returns
            return True


def _is_equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - of the author's own
        return False


class Sampler:
    """Chooses the samples of one model.

    Parameters
    ----------
    model
        The mapped class.
    mapped
        Its columns as they are mapped, by attribute.
    annotations
        The columns' types as they were declared, by attribute.
    checks
        The CHECK constraints of its table.
    """

    def __init__(
        self,
        model: type[SQLModel],
        mapped: Mapping[str, SAColumn[Any]],
        annotations: Mapping[str, object],
        checks: Sequence[Check],
        sources: Sources,
    ) -> None:
        self._model, self._mapped, self._checks = model, mapped, checks
        self._annotations = {attribute: unwrapped(annotation)[0] for attribute, annotation in annotations.items()}
        self._evaluation = Evaluation()
        self._typed = TypedValues(self._evaluation, sources)
        self._fields, self._definitions, self._config = _pydantic_fields(model)

    def sampled(self, columns: Sequence[Column]) -> tuple[tuple[Column, ...], tuple[str, ...]]:
        """Return the columns with their samples, and the names of the CHECK constraints that these may violate."""
        sampled = {column.attribute: self._with_samples(column) for column in columns if not column.is_computed}
        unsettled = [check.name for check in self._checks if check.condition is None and check.attributes]
        wide = [check for check in self._checks if check.condition is not None and len(check.attributes) > 1]
        if wide:
            unsettled += self._settle(wide, sampled)
        return tuple(sampled.get(column.attribute, column) for column in columns), tuple(unsettled)

    def _with_samples(self, column: Column) -> Column:
        attribute = column.attribute
        own = [check for check in self._checks if check.attributes == {attribute}]
        constants = [constant for check in own for constant in check.constants]
        trial = self._trial(attribute)

        def first(candidates: Iterable[Value], *, same: bool = True) -> Value | None:
            return next((value for value in candidates if self._is_accepted(value, attribute, trial, own, same)), None)

        candidates = self._candidates(column, constants)
        new, fixed = [*itertools.islice(candidates["new"], 3000)], [*itertools.islice(candidates["fixed"], 3000)]
        steady = first(fixed) or first(fixed, same=False)
        varying = first(new) or (None if steady else first(new, same=False))
        shared = any(len(check.attributes) > 1 and attribute in check.attributes for check in self._checks)
        changed = None if shared else first(itertools.islice(candidates["changed"], 3000))
        return replace(
            column, samples=Samples(varying or steady, steady or varying, changed, self._is_refused(column, trial, own))
        )

    def _candidates(self, column: Column, constants: Sequence[str]) -> dict[str, Iterator[Value]]:
        python = self._annotations[column.attribute]
        words = column.attribute.replace("_", " ")
        names = {
            "new": partial(new_values, column.kind, column.bounds, words),
            "fixed": partial(fixed_values, column.kind, column.bounds, constants),
            "changed": partial(changed_values, column.kind, column.bounds, constants),
        }
        return {name: self._wrapped(python, column, values, name) for name, values in names.items()}

    def _wrapped(
        self, python: object, column: Column, values: Callable[[], Iterator[Value]], name: str
    ) -> Iterator[Value]:
        try:
            yield from self._typed.calls(python, values())
            yield from values()
            if column.kind in {"array", "json", "enum", "other"} and name == "fixed":
                yield from self._typed.of(python)
            elif column.kind == "other" and name == "new":
                strings = [*new_values("str", column.bounds, column.attribute.replace("_", " "))]
                yield from self._typed.calls(python, strings)
                yield from strings
        except NotImportableError:
            return

    def _is_accepted(
        self, value: Value, attribute: str, trial: FieldTrial, checks: Sequence[Check], same: bool
    ) -> bool:
        for number in _NUMBERS if value.varies else _NUMBERS[:1]:
            try:
                sample = self._evaluation.of(value, number)
            except Exception:  # noqa: BLE001 - a class that is not made this way
                return False
            stored = trial.stored(sample, same=same)
            if stored is REFUSED or not _all_hold(checks, {attribute: stored}):
                return False
        return True

    def _is_refused(self, column: Column, trial: FieldTrial, checks: Sequence[Check]) -> bool:
        """Whether a new row is refused that leaves the value out."""
        if column.is_required:
            return False
        if column.kind == "datetime" and self._is_naive_by_default(column.attribute):
            return True
        stored = self._default(column, trial)
        return stored is not UNKNOWN and not _all_hold(checks, {column.attribute: stored})

    def _is_naive_by_default(self, attribute: str) -> bool:
        field = dict(self._model.model_fields).get(attribute)
        if field is None or field.default_factory is None or field.default_factory_takes_validated_data:
            return False
        try:
            value: object = field.get_default(call_default_factory=True)
        except Exception:  # noqa: BLE001 - of the author's own
            return False
        return isinstance(value, datetime.datetime) and value.tzinfo is None

    def _default(self, column: Column, trial: FieldTrial) -> object:
        """Return what the database is sent for a row that leaves the value out, as far as it is known."""
        if column.default in {None, "None"}:
            return None if column.default else UNKNOWN
        if column.kind == "enum":
            cls = runtime_class(self._annotations[column.attribute])
            member = getattr(cls, str(column.default).strip("'\""), UNKNOWN)
            return UNKNOWN if member is UNKNOWN else trial.stored(member, same=False)
        return trial.stored(self._evaluation.of(Value((str(column.default),))), same=False)

    def _trial(self, attribute: str) -> FieldTrial:
        validator = None
        if field := self._fields.get(attribute):
            declared: Any = field
            schema: CoreSchema = declared["schema"] if declared["type"] == "default" else declared
            if self._mapped[attribute].nullable:
                schema = core_schema.nullable_schema(schema)
            fields = {attribute: core_schema.typed_dict_field(schema)}
            typed = core_schema.typed_dict_schema(fields, config=self._config)
            validator = SchemaValidator(core_schema.definitions_schema(typed, self._definitions), self._config)
        return FieldTrial(self._model, attribute, self._mapped[attribute], validator)

    def _settle(self, checks: Sequence[Check], sampled: dict[str, Column]) -> list[str]:
        """Let new rows satisfy the CHECK constraints of several columns; return the names of those they may violate."""
        attributes = sorted({each for check in checks for each in check.attributes if each in sampled})
        options = [self._options(sampled[attribute]) for attribute in attributes]
        for combination in itertools.islice(itertools.product(*options), _COMBINATIONS):
            row = {attribute: stored for attribute, (_, stored) in zip(attributes, combination, strict=True)}
            if _all_hold(checks, row):
                for attribute, (samples, _) in zip(attributes, combination, strict=True):
                    sampled[attribute] = replace(sampled[attribute], samples=samples)
                return []
        return [check.name for check in checks]

    def _options(self, column: Column) -> list[tuple[Samples, object]]:
        """Return the samples a column may have, with what is stored for a new row, the most natural first."""
        trial, samples = self._trial(column.attribute), column.samples
        options = list[tuple[Samples, object]]()
        if not column.is_required and not samples.needed:
            options.append((samples, self._default(column, trial)))
        constants = [constant for check in self._checks for constant in check.constants]
        more = (value for value in itertools.islice(self._candidates(column, constants)["fixed"], 12))
        for value in dict.fromkeys(value for value in (samples.new, samples.fixed, *more) if value):
            own = [check for check in self._checks if check.attributes == {column.attribute}]
            if self._is_accepted(value, column.attribute, trial, own, same=False):
                stored = trial.stored(self._evaluation.of(value), same=False)
                fixed = samples.fixed if value == samples.new else value
                options.append((replace(samples, new=value, fixed=fixed, needed=True), stored))
        if column.nullable:
            options.append((replace(samples, new=_NONE, fixed=_NONE), None))
        return options


def _all_hold(checks: Iterable[Check], row: Mapping[str, object]) -> bool:
    try:
        return all(check.holds(row) for check in checks)
    except NotUnderstoodError:
        return False


def _pydantic_fields(model: type[SQLModel]) -> tuple[dict[str, Any], list[Any], Any]:
    """Return the schemas of the model's fields, the definitions they refer to, and the model's configuration.

    The runtime validates by the same schemas: validators of the whole model are left out.
    """
    if model.model_rebuild(raise_errors=False) is False:
        return {}, [], None
    schema = cast("Any", model.__pydantic_core_schema__)
    definitions, config = list[Any](), None
    while schema["type"] != "model-fields":
        definitions, config = schema.get("definitions", definitions), schema.get("config", config)
        reference = schema.get("schema_ref")
        schema = next((each for each in definitions if each.get("ref") == reference), None) or schema["schema"]
    return {name: field["schema"] for name, field in schema["fields"].items()}, definitions, config
