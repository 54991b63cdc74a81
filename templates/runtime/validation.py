"""Values on their way in: checked and completed by the model's own fields, before any SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import Any, cast, get_args

import sqlalchemy as sa
from pydantic_core import CoreSchema, PydanticSerializationError, SchemaValidator, core_schema, to_jsonable_python
from pydantic_core import ValidationError as PydanticError
from sqlmodel import SQLModel

from .errors import ValidationError
from .sql import has_sql, is_sql
from .table import Table, suggestion

_KNOWN = frozenset(get_args(core_schema.ErrorType))


class Validation:
    """What one model accepts for a new row, and for a change.

    The schema of every field, with its constraints and the model's own field validators, is taken from pydantic's
    schema of the model. Validators of the whole model are left out: a change does not have the whole.
    """

    def __init__(self, table: Table[Any]) -> None:
        self._table, self._omitted = table, frozenset(table.facts.omitted)
        names = [name for name in table.columns if name not in table.facts.computed]
        changeable = [name for name in names if name not in table.key_names]
        self._not_null = {name for name, column in table.columns.items() if column.primary_key or not column.nullable}
        self._json = [name for name in names if table.operands[name].dumps]
        self._times = [name for name in names if table.operands[name].aware is not None]
        self._validates = [name for name in names if name in table.mapper.validators]
        self._fields, self._definitions, self._config = _pydantic_fields(table.model)
        self._new = self._validator(names, defaults=True), frozenset(names), frozenset(table.facts.required)
        self._change = self._validator(changeable, defaults=False), frozenset(changeable), frozenset[str]()

    def new(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values of a new row, defaults included; SQL expressions pass as they are."""
        return self._checked(values, *self._new)

    def change(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values to set; SQL expressions pass as they are."""
        return self._checked(values, *self._change)

    def keyed(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return a row of changes, checked, with its primary key."""
        keys = self._table.key_names
        if missing := [name for name in keys if name not in row]:
            raise ValidationError(self._table.model, dict.fromkeys(missing, "is required"))
        changes = self.change({name: value for name, value in row.items() if name not in keys})
        return {**changes, **{name: row[name] for name in keys}}

    def rows(
        self, check: Callable[[Mapping[str, object]], dict[str, object]], rows: Iterable[object]
    ) -> list[dict[str, object]]:
        """Check every row, and tell the number of the first that is wrong."""
        checked = list[dict[str, object]]()
        for number, row in enumerate(rows):
            if not isinstance(row, Mapping):
                raise TypeError(f"a row is a dict of its values, not a {type(row).__name__}")
            try:
                checked.append(check(cast("Mapping[str, object]", row)))
            except ValidationError as error:
                raise ValidationError(self._table.model, error.reasons, error.details, number) from None
        return checked

    def _checked(
        self, values: Mapping[str, object], validator: SchemaValidator, accepted: Set[str], required: Set[str]
    ) -> dict[str, object]:
        allowed = values.keys() <= accepted and required <= values.keys() and not has_sql(values.values())
        if allowed and (
            type(None) not in map(type, values.values())
            or all(values.get(name, "") is not None for name in self._not_null)
        ):
            try:
                good: dict[str, object] = validator.validate_python(values)
                if not self._unfit(good, values):
                    return good
            except PydanticError:
                pass  # what is wrong is found out below
        expressions = {name: value for name, value in values.items() if is_sql(value)}
        wrong = self._refusals(values, expressions, accepted, required)
        given = {name: values[name] for name in values if not (name in wrong or name in expressions)}
        details, checked = dict[str, str](), dict[str, object]()
        try:
            checked = validator.validate_python(given)
        except PydanticError as error:
            for one in error.errors(include_url=False, include_input=False):
                details.setdefault(str(one["loc"][0]), one["msg"])
                wrong.setdefault(str(one["loc"][0]), _reason(one["type"], one["msg"], one.get("ctx", {})))
        wrong.update(self._unfit(checked, values))
        if wrong:
            raise ValidationError(self._table.model, wrong, details)
        return checked | expressions

    def _unfit(self, checked: dict[str, object], given: Mapping[str, object]) -> dict[str, str]:
        """Return why values that the fields accept cannot be stored; replace those that are stored as others."""
        wrong = dict[str, str]()
        for name in self._times:
            operand, is_default = self._table.operands[name], name in checked and name not in given
            if is_default:
                checked[name] = operand.by_default(checked[name])
            if why := operand.timezone_mismatch(checked.get(name)):
                wrong[name] = f"{why}: the value is the model's own default" if is_default else why
        for name in self._validates:
            if name in checked:
                checked[name] = self._validated(name, checked[name], wrong)
        for name in self._json:
            if (value := checked.get(name)) is not None and value is not sa.JSON.NULL:
                try:
                    checked[name] = to_jsonable_python(value)
                except (PydanticSerializationError, ValueError):
                    wrong[name] = "cannot be stored as JSON"
        return wrong

    def _refusals(
        self, values: Mapping[str, object], expressions: Mapping[str, object], accepted: Set[str], required: Set[str]
    ) -> dict[str, str]:
        """Return what can be said of values before they are looked at."""
        given = values.keys()
        wrong = dict.fromkeys(sorted(required - given), "is required")
        wrong |= {name: self._refusal(name, accepted) for name in given if name not in accepted}
        wrong |= {name: "must not be None" for name in self._not_null & given if values[name] is None}
        for name, value in expressions.items() if accepted is self._new[1] else ():
            if sa.select(cast("sa.ColumnElement[Any]", value)).get_final_froms():
                wrong[name] = "cannot refer to columns: there is no row yet"
        return wrong

    def _refusal(self, name: str, accepted: Set[str]) -> str:
        if name in self._table.facts.computed:
            return "cannot be set: the database computes it"
        if name in self._table.key_names:
            return "is the primary key, which cannot be changed"
        return f"is unknown{suggestion(name, accepted)}"

    def _validated(self, name: str, value: object, wrong: dict[str, str]) -> object:
        """Return what the model's ``@validates`` makes of a value."""
        probe: object = self._table.mapper.class_manager.new_instance()
        try:
            setattr(probe, name, value)
        except (ValueError, AssertionError):
            wrong[name] = "is not valid"
        attributes: dict[str, object] = vars(probe)
        return attributes.get(name, value)

    def _validator(self, names: Collection[str], *, defaults: bool) -> SchemaValidator:
        fields = {name: core_schema.typed_dict_field(self._schema(name, defaults), required=False) for name in names}
        schema: CoreSchema = core_schema.typed_dict_schema(fields, config=self._config)
        return SchemaValidator(core_schema.definitions_schema(schema, self._definitions), self._config)

    def _schema(self, name: str, defaults: bool) -> CoreSchema:
        """Return the field's schema, taking NULL where the column does, with its default if that is wanted."""
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
        schema = next((one for one in definitions if one.get("ref") == reference), None) or schema["schema"]
    return {name: field["schema"] for name, field in schema["fields"].items()}, definitions, config


def _reason(kind: str, message: str, context: Mapping[str, object]) -> str:
    """Return what pydantic says, as far as it cannot quote the value."""
    if kind not in _KNOWN or "tag" in context:
        return "is not valid"
    if kind in {"value_error", "assertion_error"}:
        return "is refused by its validator, whose words are in `details`"
    return re.split("[,:]", message)[0] if "error" in context else message
