"""Tells which columns have validators, which may refuse what type and bounds allow."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WrapValidator
from sqlalchemy import inspect
from sqlmodel import SQLModel

_VALIDATORS = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)


def is_validated(model: type[SQLModel], attribute: str, metadata: Iterable[object]) -> bool:
    """Whether the attribute has a validator: in its annotation, as a method of the model, or SQLAlchemy's."""
    methods = model.__pydantic_decorators__.field_validators.values()
    return (
        any(isinstance(item, _VALIDATORS) for item in metadata)
        or any({attribute, "*"} & {*method.info.fields} for method in methods)
        or attribute in inspect(model).validators
    )
