"""Values on their way in: checked and completed by the model's own fields, before any SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import Any, cast, get_args

import sqlalchemy as sa
from pydantic_core import CoreSchema, PydanticSerializationError, SchemaValidator, core_schema, to_jsonable_python
from pydantic_core import ValidationError as PydanticError
from sqlmodel import SQLModel

from .entity import SOLID, Entity, expressions_of, one_like
from .errors import ValidationError
from .hydration import uninterrupted

_KNOWN = frozenset(get_args(core_schema.ErrorType))


class Validation:
    """What one model accepts for a new row, and for a change.

    The schema of every field, with its constraints and the model's own field validators, is taken from pydantic's
    schema of the model. Validators of the whole model are left out: a change does not have the whole.
    """

    def __init__(self, entity: Entity[Any]) -> None:
        self._entity = entity
        self._columns = {name: column for name, column in entity.columns.items() if not _is_generated(column)}
        self._changeable = {name: column for name, column in self._columns.items() if name not in entity.primary_key}
        self._solid = {name for name, column in entity.columns.items() if not column.nullable}
        kinds = {name: column.type for name, column in self._columns.items()}
        self._json = [name for name, kind in kinds.items() if isinstance(kind, sa.JSON)]
        self._times = [name for name in kinds if name in entity.times]
        self._validates = [name for name in kinds if name in entity.mapper.validators]
        self._fields, self._definitions, self._config = _pydantic_fields(entity.model)
        self._required = {name for name in self._columns if self._is_required(name)}
        self._new = self._validator(self._columns, defaults=True)
        self._change = self._validator(self._changeable, defaults=False)

    def new(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values of a new row, defaults included; SQL expressions pass as they are."""
        return self._checked(values, self._new, self._columns.keys(), self._required)

    def change(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values to set; SQL expressions pass as they are."""
        return self._checked(values, self._change, self._changeable.keys(), frozenset())

    def rows(
        self, check: Callable[[Mapping[str, object]], dict[str, object]], rows: Iterable[Mapping[str, object]]
    ) -> list[dict[str, object]]:
        """Check every row, and tell the number of the first that is wrong."""
        checked = list[dict[str, object]]()
        with uninterrupted():
            for number, row in enumerate(rows):
                try:
                    checked.append(check(row))
                except ValidationError as error:
                    raise ValidationError(self._entity.model, error.reasons, error.details, number) from None
        return checked

    def _checked(
        self, values: Mapping[str, object], validator: SchemaValidator, accepted: Set[str], required: Set[str]
    ) -> dict[str, object]:
        if SOLID.issuperset(map(type, values.values())) and values.keys() <= accepted and required <= values.keys():
            try:
                good: dict[str, object] = validator.validate_python(values)
                if not self._unfit(good):
                    return good
            except PydanticError:
                pass  # what is wrong is found out below
        expressions = expressions_of(values)
        wrong = self._refusals(values, expressions, accepted, required)
        given = {name: values[name] for name in values if not (name in wrong or name in expressions)}
        details, checked = dict[str, str](), dict[str, object]()
        try:
            checked = validator.validate_python(given)
        except PydanticError as error:
            for one in error.errors(include_url=False, include_input=False):
                details.setdefault(str(one["loc"][0]), one["msg"])
                wrong.setdefault(str(one["loc"][0]), _reason(one["type"], one["msg"], one.get("ctx", {})))
        wrong.update(self._unfit(checked))
        if wrong:
            raise ValidationError(self._entity.model, wrong, details)
        return checked | expressions if expressions else checked

    def _unfit(self, checked: dict[str, object]) -> dict[str, str]:
        """Return why values that the fields accept can not be stored; replace those that are stored as others."""
        wrong = dict[str, str]()
        for name in self._times:
            if why := self._entity.misfit(name, checked.get(name)):
                wrong[name] = why
        for name in self._validates:
            if name in checked:
                checked[name] = self._validated(name, checked[name], wrong)
        for name in self._json:
            if (value := checked.get(name)) is not None:
                try:
                    checked[name] = to_jsonable_python(value)
                except (PydanticSerializationError, ValueError):
                    wrong[name] = "can not be stored as JSON"
        return wrong

    def _refusals(
        self, values: Mapping[str, object], expressions: Collection[str], accepted: Set[str], required: Set[str]
    ) -> dict[str, str]:
        """Return what can be said of values before they are looked at."""
        given = values.keys()
        wrong = dict.fromkeys(sorted(required - given), "is required")
        wrong |= {name: self._refusal(name, accepted) for name in given if name not in accepted}
        wrong |= {name: "must not be None" for name in self._solid & given if values[name] is None}
        for name in expressions if accepted == self._columns.keys() else ():
            if sa.select(cast("sa.ColumnElement[Any]", values[name])).get_final_froms():
                wrong[name] = "can not refer to columns: there is no row yet"
        return wrong

    def _refusal(self, name: str, accepted: Set[str]) -> str:
        if name in self._entity.primary_key and name in self._columns:
            return "is the primary key, which can not be changed"
        if name in self._entity.columns:
            return "can not be set: the database computes it"
        return f"is unknown{one_like(name, accepted)}"

    def _validated(self, name: str, value: object, wrong: dict[str, str]) -> object:
        """Return what the model's ``@validates`` makes of a value."""
        probe: object = self._entity.mapper.class_manager.new_instance()
        try:
            setattr(probe, name, value)
        except (ValueError, AssertionError):
            wrong[name] = "is not valid"
        attributes: dict[str, object] = vars(probe)
        return attributes.get(name, value)

    def _is_required(self, name: str) -> bool:
        """Whether neither the model nor the database has a value for a row that lacks one."""
        column, schema = self._columns[name], self._fields.get(name, {"type": "default"})
        ours = schema["type"] == "default" and not self._is_omitted(name)
        counted = schema["type"] == "default" and column is self._entity.table.autoincrement_column
        return not (ours or counted or _is_supplied(column))

    def _is_omitted(self, name: str) -> bool:
        """Whether a default is a None that stands for what the column or the database supplies."""
        column, schema = self._columns[name], self._fields.get(name, {"default": None})
        return schema.get("default", ...) is None and (_is_supplied(column) or not column.nullable)

    def _validator(self, names: Collection[str], *, defaults: bool) -> SchemaValidator:
        fields = {name: core_schema.typed_dict_field(self._schema(name, defaults), required=False) for name in names}
        schema: CoreSchema = core_schema.typed_dict_schema(fields, config=self._config)
        return SchemaValidator(core_schema.definitions_schema(schema, self._definitions), self._config)

    def _schema(self, name: str, defaults: bool) -> CoreSchema:
        """Return the field's schema, taking NULL where the column does, with its default if that is wanted."""
        declared: Any = self._fields.get(name, {"type": "any"})
        has_default = declared["type"] == "default"
        schema: CoreSchema = declared["schema"] if has_default else declared
        if self._columns[name].nullable:
            schema = core_schema.nullable_schema(schema)
        keep = defaults and has_default and not self._is_omitted(name)
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


def _is_generated(column: sa.Column[Any]) -> bool:
    return column.computed is not None or bool(column.identity and column.identity.always)


def _is_supplied(column: sa.Column[Any]) -> bool:
    return column.default is not None or column.server_default is not None


def _reason(kind: str, message: str, context: Mapping[str, object]) -> str:
    """Return what pydantic says, as far as it can not quote the value."""
    if kind not in _KNOWN or "tag" in context:
        return "is not valid"
    if kind in {"value_error", "assertion_error"}:
        return "is refused by its validator, whose words are in `details`"
    return re.split("[,:]", message)[0] if "error" in context else message
