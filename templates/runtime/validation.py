"""Validation of new rows and changes by the fields of the model, before any SQL is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import Any, cast, get_args

import sqlalchemy as sa
from pydantic_core import CoreSchema, PydanticSerializationError, SchemaValidator, core_schema, to_jsonable_python
from pydantic_core import ValidationError as PydanticError
from sqlmodel import SQLModel

from .errors import ValidationError
from .mistakes import suggestion
from .sql import has_sql, is_sql
from .table import Table

_PYDANTIC_ERRORS = frozenset(get_args(core_schema.ErrorType))


class Validation:
    """Validates new rows and changes of one model.

    The schema of each field, with its constraints and field validators, comes from pydantic's schema of the model.
    Validators of the whole model do not run, because a change has only some of its fields.
    """

    def __init__(self, table: Table[Any]) -> None:
        self._table, self._omitted = table, frozenset(table.facts.omitted)
        names = [name for name in table.columns if name not in table.facts.computed]
        changeable = [name for name in names if name not in table.key_names]
        self._not_null = {name for name, column in table.columns.items() if column.primary_key or not column.nullable}
        self._json = [name for name in names if table.operands[name].dumps]
        self._times = [name for name in names if table.operands[name].aware is not None]
        self._key_times = [name for name in self._times if name in table.key_names]
        self._validates = [name for name in names if name in table.mapper.validators]
        self._fields, self._definitions, self._config = _pydantic_fields(table.model)
        self._new = self._validator(names, defaults=True), frozenset(names), frozenset(table.facts.required)
        self._change = self._validator(changeable, defaults=False), frozenset(changeable), frozenset[str]()

    def new(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values of a new row, including defaults. SQL expressions are not changed."""
        return self._validated(values, *self._new)

    def change(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values to set. SQL expressions are not changed."""
        return self._validated(values, *self._change)

    def keyed(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the validated changes of a row, with its primary key."""
        keys = self._table.key_names
        if missing := [name for name in keys if name not in row]:
            raise ValidationError(self._table.model, dict.fromkeys(missing, "is required"))
        for name in self._key_times:
            if reason := self._table.operands[name].timezone_mismatch(row[name]):
                raise ValidationError(self._table.model, {name: reason})
        changes = self.change({name: value for name, value in row.items() if name not in keys})
        return {**changes, **{name: row[name] for name in keys}}

    def rows(
        self, check: Callable[[Mapping[str, object]], dict[str, object]], rows: Iterable[object]
    ) -> list[dict[str, object]]:
        """Validate each row with ``check``; an error has the number of the first invalid row."""
        validated = list[dict[str, object]]()
        for number, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise TypeError(f"a row is a dict of its values, not {type(row).__name__}")
            try:
                validated.append(check(cast("Mapping[str, object]", row)))
            except ValidationError as error:
                raise ValidationError(self._table.model, error.reasons, error.details, number) from None
        return validated

    def _validated(
        self, values: Mapping[str, object], validator: SchemaValidator, accepted: Set[str], required: Set[str]
    ) -> dict[str, object]:
        expressions: dict[str, object] = {}
        reasons: dict[str, str] = {}
        others = values
        if (
            not (values.keys() <= accepted and required <= values.keys())
            or has_sql(values.values())
            or (
                type(None) in map(type, values.values())
                and any(values.get(name, "") is None for name in self._not_null)
            )
        ):
            expressions = {name: value for name, value in values.items() if is_sql(value)}
            reasons = self._refusals(values, expressions, accepted, required)
            others = {name: values[name] for name in values if not (name in reasons or name in expressions)}
        details: dict[str, str] = {}
        validated: dict[str, object] = {}
        try:
            validated = validator.validate_python(others)
        except PydanticError as invalid:
            for error in invalid.errors(include_url=False, include_input=False):
                name = str(error["loc"][0])
                details.setdefault(name, error["msg"])
                reasons.setdefault(name, _reason(error["type"], error["msg"], error.get("ctx", {})))
        reasons.update(self._make_storable(validated, values))
        if reasons:
            raise ValidationError(self._table.model, reasons, details)
        return {**validated, **expressions} if expressions else validated

    def _make_storable(self, validated: dict[str, object], values: Mapping[str, object]) -> dict[str, str]:
        """Replace validated values by those to be stored, and return the reasons why some cannot be stored."""
        reasons: dict[str, str] = {}
        for name in self._times:
            operand, is_default = self._table.operands[name], name in validated and name not in values
            if is_default:
                validated[name] = operand.by_default(validated[name])
            if reason := operand.timezone_mismatch(validated.get(name)):
                reasons[name] = f"{reason}: the value is the model's own default" if is_default else reason
        for name in self._validates:
            if name in validated:
                validated[name] = self._validated_by_model(name, validated[name], reasons)
        for name in self._json:
            if (value := validated.get(name)) is not None and value is not sa.JSON.NULL:
                try:
                    validated[name] = to_jsonable_python(value)
                except (PydanticSerializationError, ValueError):
                    reasons[name] = "cannot be stored as JSON"
        return reasons

    def _refusals(
        self, values: Mapping[str, object], expressions: Mapping[str, object], accepted: Set[str], required: Set[str]
    ) -> dict[str, str]:
        """Return the reasons to refuse values that do not depend on the fields' types."""
        reasons = dict.fromkeys(sorted(required - values.keys()), "is required")
        reasons |= {name: self._refusal(name, accepted) for name in values if name not in accepted}
        reasons |= {name: "must not be None" for name in self._not_null & values.keys() if values[name] is None}
        for name, value in expressions.items() if accepted is self._new[1] else ():
            if sa.select(cast("sa.ColumnElement[Any]", value)).get_final_froms():
                reasons[name] = "cannot refer to columns: there is no row yet"
        return reasons

    def _refusal(self, name: str, accepted: Set[str]) -> str:
        if name in self._table.facts.computed:
            return "cannot be set: the database computes it"
        if name in self._table.key_names:
            return "is the primary key, which cannot be changed"
        return f"is unknown{suggestion(name, accepted)}"

    def _validated_by_model(self, name: str, value: object, reasons: dict[str, str]) -> object:
        """Return the result of the model's ``@validates`` method for a value."""
        probe: object = self._table.mapper.class_manager.new_instance()
        try:
            setattr(probe, name, value)
        except (ValueError, AssertionError):
            reasons[name] = "is not valid"
        attributes: dict[str, object] = vars(probe)
        return attributes.get(name, value)

    def _validator(self, names: Collection[str], *, defaults: bool) -> SchemaValidator:
        fields = {name: core_schema.typed_dict_field(self._schema(name, defaults), required=False) for name in names}
        schema: CoreSchema = core_schema.typed_dict_schema(fields, config=self._config)
        return SchemaValidator(core_schema.definitions_schema(schema, self._definitions), self._config)

    def _schema(self, name: str, defaults: bool) -> CoreSchema:
        """Return the schema of a field, nullable if its column is, and with its default if ``defaults``."""
        declared: Any = self._fields.get(name, {"type": "any"})
        has_default = declared["type"] == "default"
        schema: CoreSchema = declared["schema"] if has_default else declared
        if name not in self._not_null:
            schema = core_schema.nullable_schema(schema)
        keep = defaults and has_default and name not in self._omitted
        return cast("CoreSchema", {**declared, "schema": schema}) if keep else schema


def _pydantic_fields(model: type[SQLModel]) -> tuple[dict[str, Any], list[Any], Any]:
    """Return the schemas of the model's fields, the definitions they refer to, and the model's configuration."""
    if model.model_rebuild(raise_errors=False) is False:
        return {}, [], None
    schema: Any = model.__pydantic_core_schema__
    definitions, config = list[Any](), None
    while schema["type"] != "model-fields":
        definitions, config = schema.get("definitions", definitions), schema.get("config", config)
        reference = schema.get("schema_ref")
        referenced = (definition for definition in definitions if definition.get("ref") == reference)
        schema = next(referenced, None) or schema["schema"]
    return {name: field["schema"] for name, field in schema["fields"].items()}, definitions, config


def _reason(kind: str, message: str, context: Mapping[str, object]) -> str:
    """Return pydantic's message if it cannot quote the value, or else a general one."""
    if kind not in _PYDANTIC_ERRORS or "tag" in context:
        return "is not valid"
    if kind in {"value_error", "assertion_error"}:
        return "is refused by its validator, whose message is in `details`"
    return re.split("[,:]", message)[0] if "error" in context else message
