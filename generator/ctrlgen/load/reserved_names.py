"""The names of attributes that SQLAlchemy and pydantic reserve on a model, and the error for a column that has one.

SQLModel accepts some of them, with a warning. The model is broken then: ``Hero.metadata`` is a column, and no longer
the collection of the tables.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel
from sqlmodel import SQLModel

from ctrlgen.errors import ReservedNameError
from ctrlgen.source_locations import Sources

_SQLALCHEMY = frozenset({"metadata", "registry", "__mapper__", "__table__"})


def reserved_by(name: str) -> str | None:
    """Return the library that reserves the name of an attribute."""
    if name in _SQLALCHEMY:
        return "SQLAlchemy"
    return "pydantic" if name.startswith("model_") and hasattr(BaseModel, name) else None


def rename(name: str, declaration: str) -> str:
    """Return the hint to rename an attribute without renaming its column."""
    option = (
        f'sa_column=Column("{name}", ...)' if "sa_column=" in declaration else f'sa_column_kwargs={{"name": "{name}"}}'
    )
    return f"rename the attribute, and keep the name of the column: `{name.strip('_')}_: ... = Field({option})`"


def refuse_reserved_names(models: Iterable[type[SQLModel]], sources: Sources) -> None:
    """Raise ``ReservedNameError`` for all fields and relationships of tables that have a reserved name."""
    errors: list[ReservedNameError] = []
    for model in models:
        for name in [*model.__pydantic_fields__, *model.__sqlmodel_relationships__]:
            if library := reserved_by(name):
                location = sources.of_attribute(model, name)
                source = sources.text(location)
                hint = rename(name, source or "") if name in model.__pydantic_fields__ else "rename the relationship"
                message = (
                    f"`{model.__name__}.{name}` has a name that {library} reserves for its own attribute of models"
                )
                errors.append(ReservedNameError(message, location, hint, source))
    if errors:
        first, *others = errors
        first.others = tuple(others)
        raise first
