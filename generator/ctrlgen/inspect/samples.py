"""Chooses the values that tests store in a column, by trying candidates against the column itself.

A value is accepted if it passes the validation of the field, the column type can store it, and the CHECK constraints
allow it. This runs in the child process, which has the models.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy
from pydantic_core import CoreSchema, SchemaValidator, core_schema, to_jsonable_python
from sqlalchemy import Column as SAColumn
from sqlmodel import SQLModel

from ctrlgen.inspect.accepted_values import only_values, parser_of
from ctrlgen.inspect.annotations import NotImportableError, runtime_class, unwrapped
from ctrlgen.inspect.column_types import overrides
from ctrlgen.inspect.index_sql import POSTGRESQL, NotUnderstoodError
from ctrlgen.inspect.sample_candidates import changed_values, fixed_values, new_values
from ctrlgen.inspect.typed_values import Evaluation, TypedValues, is_equal
from ctrlgen.schema import NULL, Column, Index, Samples, Value
from ctrlgen.source_locations import Sources

if TYPE_CHECKING:
    from ctrlgen.inspect.check_constraints import Check

_NUMBERS = (1, 23, 456, 7890)
"""The counter values for which a varying value must be accepted."""

_TRIES = 3000
"""The number of candidates that are tried for a sample."""

_OPTIONS = 12
"""The number of candidates that are combined with those of other columns."""

_TYPED = frozenset({"array", "enum", "json", "other"})
"""Kinds whose values are determined only by the annotation."""

_COMBINATIONS = 20_000
"""The number of combinations that are tried for a CHECK on several columns."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """The result for a rejected value."""


REFUSED = _Refused()

UNKNOWN = object()
"""A value that is unknown before the row is stored, such as a default of the database."""


class FieldTrial:
    """Checks which values one column accepts.

    Parameters
    ----------
    model
        The mapped class.
    column
        The mapped column.
    checks
        The CHECK constraints on this column only.
    """

    def __init__(
        self, model: type[SQLModel], attribute: str, column: SAColumn[Any], validator: SchemaValidator | None
    ) -> None:
        self._model, self._attribute, self._validator = model, attribute, validator
        self._orm = attribute in sqlalchemy.inspect(model).validators
        self._type: Any = column.type.dialect_impl(POSTGRESQL)
        self._bind: Any = self._type.bind_processor(POSTGRESQL)
        self._result: Any = self._type.result_processor(POSTGRESQL, None)
        self._driver_types = _driver_types(column.type)
        self._parse = parser_of(column)
        self.only = only_values(model, column)
        self._converts = isinstance(column.type, sqlalchemy.TypeDecorator)
        inner = column.type.impl_instance if isinstance(column.type, sqlalchemy.TypeDecorator) else column.type
        self._dumps = isinstance(inner, sqlalchemy.JSON) and not overrides(column.type, "process_bind_param")

    def stored(self, value: object, *, same: bool) -> object:
        """Return the value that is sent to the database, or ``REFUSED`` if the column does not accept the value.

        Parameters
        ----------
        same
            Whether reading the value must return it unchanged.
        """
        try:
            checked = self._checked(value)
            sent = to_jsonable_python(checked) if self._dumps else checked
            stored = sent if self._bind is None else self._bind(sent)
        except Exception:  # noqa: BLE001 - validators and types may raise anything
            return REFUSED
        if stored is not None and not self._is_stored(stored, checked):
            return REFUSED
        if same and not (is_equal(checked, value) and self._is_read_as(stored, checked)):
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

    def _is_stored(self, stored: object, checked: object) -> bool:
        """Return whether the driver and PostgreSQL accept a value, as far as the type of the column tells."""
        if not isinstance(stored, self._driver_types) or (self.only is not None and checked not in self.only):
            return False
        return self._parsed(stored, checked) is not REFUSED

    def _parsed(self, stored: object, value: object) -> object:
        """Return what the driver reads for a string of the model, or ``REFUSED``."""
        if self._parse is None or not (isinstance(stored, str) and isinstance(value, str)):
            return stored
        try:
            return self._parse(stored)
        except ValueError:
            return REFUSED

    def _is_read_as(self, stored: object, value: object) -> bool:
        read = self._parsed(stored, value)
        if not self._converts:
            return read is stored or is_equal(read, value)
        try:
            return is_equal(read if self._result is None else self._result(read), value)
        except Exception:  # noqa: BLE001 - it may require a value returned by the driver
            return True


_DRIVER_TYPES: dict[type, type | tuple[type, ...]] = {
    sqlalchemy.String: str,
    sqlalchemy.Integer: int,
    sqlalchemy.LargeBinary: (bytes, bytearray, memoryview),
}


def _driver_types(kind: sqlalchemy.types.TypeEngine[Any]) -> type | tuple[type, ...]:
    """Return the classes that the driver accepts for a type; ``object`` if they are not known."""
    if isinstance(kind, sqlalchemy.TypeDecorator):
        return _driver_types(kind.impl_instance)
    for sql, taken in _DRIVER_TYPES.items():
        if isinstance(kind, sql):
            return taken
    return object


class Sampler:
    """Chooses the samples of one model.

    Parameters
    ----------
    model
        The mapped class.
    mapped
        Its mapped columns, by attribute.
    annotations
        The declared types of the columns, by attribute.
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
        """Return the columns with samples, and the names of the CHECK constraints that the samples may violate."""
        sampled = {column.attribute: self._with_samples(column) for column in columns if not column.is_computed}
        unsettled = [check.name for check in self._checks if check.condition is None and check.attributes]
        wide = [check for check in self._checks if check.condition is not None and len(check.attributes) > 1]
        if wide:
            unsettled += self._settle(wide, sampled)
        return tuple(sampled.get(column.attribute, column) for column in columns), tuple(unsettled)

    def _with_samples(self, column: Column) -> Column:
        attribute = column.attribute
        own = [check for check in self._checks if check.attributes == frozenset({attribute})]
        constants = [constant for check in own for constant in check.constants]
        trial = self._trial(attribute)

        def first(name: str, *, same: bool = True) -> Value | None:
            candidates = itertools.islice(self._candidates(name, column, constants, trial.only), _TRIES)
            return next((value for value in candidates if self._is_accepted(value, attribute, trial, own, same)), None)

        new, fixed = first("new"), first("fixed")
        if not (new or fixed):
            new, fixed = first("new", same=False), first("fixed", same=False)
        shared = any(len(check.attributes) > 1 and attribute in check.attributes for check in self._checks)
        changed = None if shared or not fixed else first("changed")
        needed = self._is_refused(column, trial, own)
        return replace(column, samples=Samples(new or fixed, fixed or new, changed, needed))

    def _candidates(
        self, name: str, column: Column, constants: Sequence[str], only: Sequence[object] | None
    ) -> Iterator[Value]:
        """Yield candidates for one of the samples, converted to the type of the column.

        ``only`` are the values that the column is limited to.
        """
        python, kind, bounds = self._annotations[column.attribute], column.kind, column.bounds
        words = column.attribute.replace("_", " ")
        values: dict[str, Callable[[], Iterator[Value]]] = {
            "new": lambda: new_values("str" if kind == "other" else kind, bounds, words),
            "fixed": lambda: fixed_values(kind, bounds, constants),
            "changed": lambda: changed_values(kind, bounds, constants),
        }
        try:
            if only is not None and name == "fixed":
                yield from (Value((repr(value),)) for value in only if isinstance(value, str | int))
            yield from self._typed.calls(python, values[name]())
            yield from values[name]()
            if kind in _TYPED and name == "fixed":
                yield from self._typed.of(python)
        except NotImportableError:
            return

    def _is_accepted(
        self, value: Value, attribute: str, trial: FieldTrial, checks: Sequence[Check], same: bool
    ) -> bool:
        for number in _NUMBERS if value.varies else _NUMBERS[:1]:
            try:
                sample = self._evaluation.of(value, number)
            except Exception:  # noqa: BLE001 - a class that cannot be constructed this way
                return False
            stored = trial.stored(sample, same=same)
            if stored is REFUSED or not _all_hold(checks, {attribute: stored}):
                return False
        return True

    def _is_refused(self, column: Column, trial: FieldTrial, checks: Sequence[Check]) -> bool:
        """Return whether a new row is rejected if it omits the value."""
        if column.is_required:
            return False
        unfit = column.unfit_default
        if unfit and unfit.what == "default" and unfit.is_rejected:
            return True
        stored = self._default(column, trial)
        return stored is not UNKNOWN and not _all_hold(checks, {column.attribute: stored})

    def _default(self, column: Column, trial: FieldTrial) -> object:
        """Return the value that is sent to the database for a row that omits the value, as far as it is known."""
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
        """Make new rows satisfy the CHECK constraints on several columns. Return the names of those not settled."""
        attributes = sorted({attribute for check in checks for attribute in check.attributes if attribute in sampled})
        options = [self._options(sampled[attribute]) for attribute in attributes]
        for combination in itertools.islice(itertools.product(*options), _COMBINATIONS):
            row = {attribute: stored for attribute, (_, stored) in zip(attributes, combination, strict=True)}
            if _all_hold(checks, row):
                for attribute, (samples, _) in zip(attributes, combination, strict=True):
                    sampled[attribute] = replace(sampled[attribute], samples=replace(samples, settled=True))
                return []
        return [check.name for check in checks]

    def companions(self, columns: Sequence[Column], index: Index) -> tuple[tuple[str, Value], ...] | None:
        """Return the values that CHECK constraints on several columns require of a row in an index.

        Such a row matches the predicate, and has a value for each column of the key. None if no such row is known.
        """
        by_name = {column.attribute: column for column in columns if not column.is_computed}
        wide = [check for check in self._checks if check.condition is not None and len(check.attributes) > 1]
        chosen = dict[str, Value | None]()
        for condition in index.predicate.conditions or () if index.predicate else ():
            column = by_name.get(condition.attribute)
            chosen[condition.attribute] = column.value_for(condition) if column else None
        keys = [by_name[name] for name in index.columns if name in by_name and name not in chosen]
        chosen |= {column.attribute: column.samples.fixed for column in keys if column.nullable}
        present = {
            column.attribute: chosen[column.attribute]
            for column in keys
            if column.nullable and column.is_null_by_default
        }
        if not any(check.attributes & chosen.keys() for check in wide):
            return ()
        stored = {name: self._stored(name, value) for name, value in chosen.items() if value}
        attributes = sorted(
            {attribute for check in wide for attribute in check.attributes if attribute in by_name} - stored.keys()
        )
        options = [self._options(by_name[attribute]) for attribute in attributes]
        for combination in itertools.islice(itertools.product(*options), _COMBINATIONS):
            others = dict(zip(attributes, combination, strict=True))
            if _all_hold(wide, {**stored, **{attribute: value for attribute, (_, value) in others.items()}}):
                changed = {
                    name: NULL if samples.new == NULL else samples.fixed
                    for name, (samples, _) in others.items()
                    if self._differs(by_name[name], samples)
                }
                return tuple((name, value) for name, value in (present | changed).items() if value)
        return None

    def _differs(self, column: Column, samples: Samples) -> bool:
        """Return whether these samples give a row a different value than new rows have by default."""
        is_set = samples.needed and not column.is_required
        return samples.new != column.samples.new or (is_set and not column.samples.needed)

    def _stored(self, attribute: str, value: Value) -> object:
        try:
            stored = self._trial(attribute).stored(self._evaluation.of(value), same=False)
        except Exception:  # noqa: BLE001 - the constant of a predicate may be invalid for the column's type
            return UNKNOWN
        return UNKNOWN if stored is REFUSED else stored

    def _options(self, column: Column) -> list[tuple[Samples, object]]:
        """Return the possible samples of a column, with the stored value of a new row, the most natural first."""
        trial, samples = self._trial(column.attribute), column.samples
        options = list[tuple[Samples, object]]()
        if not column.is_required and not samples.needed:
            options.append((samples, self._default(column, trial)))
        constants = [constant for check in self._checks for constant in check.constants]
        more = itertools.islice(self._candidates("fixed", column, constants, trial.only), _OPTIONS)
        for value in dict.fromkeys(value for value in (samples.new, samples.fixed, *more) if value):
            own = [check for check in self._checks if check.attributes == frozenset({column.attribute})]
            if self._is_accepted(value, column.attribute, trial, own, same=False):
                stored = trial.stored(self._evaluation.of(value), same=False)
                fixed = samples.fixed if value == samples.new else value
                options.append((replace(samples, new=value, fixed=fixed, needed=True), stored))
        if column.nullable:
            options.append((replace(samples, new=NULL), None))
        return options


def _all_hold(checks: Iterable[Check], row: Mapping[str, object]) -> bool:
    try:
        return all(check.holds(row) for check in checks)
    except NotUnderstoodError:
        return False


def _pydantic_fields(model: type[SQLModel]) -> tuple[dict[str, Any], list[Any], Any]:
    """Return the core schemas of the fields, the definitions they refer to, and the configuration of the model.

    The runtime validates with the same schemas. Model validators are not included.
    """
    if model.model_rebuild(raise_errors=False) is False:
        return {}, [], None
    schema = cast("Any", model.__pydantic_core_schema__)
    definitions, config = list[Any](), None
    while schema["type"] != "model-fields":
        definitions, config = schema.get("definitions", definitions), schema.get("config", config)
        reference = schema.get("schema_ref")
        schema = (
            next((definition for definition in definitions if definition.get("ref") == reference), None)
            or schema["schema"]
        )
    return {name: field["schema"] for name, field in schema["fields"].items()}, definitions, config
