"""The base classes of all models: the names of tables and constraints, and the times of creation and change."""

import re
from datetime import UTC, datetime

from pydantic import ConfigDict
from sqlalchemy import MetaData, func
from sqlmodel import Field, SQLModel
from typing_extensions import Unpack

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


def utc_now() -> datetime:
    """Return the current time, with a time zone."""
    return datetime.now(UTC)


def table_name(model: str) -> str:
    """Return a model's name in snake case and plural."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model).lower()
    return words if words.endswith("s") else f"{words}s"


class Base(SQLModel):
    """Base of every model. The table of `GuildConfig` is `guild_configs`, and every constraint has a name."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)

    def __init_subclass__(cls, **options: Unpack[ConfigDict]) -> None:
        super().__init_subclass__(**options)
        cls.__tablename__ = table_name(cls.__name__)


class Stamped(SQLModel):
    """The times when a row was created and last changed."""

    created_at: datetime = Field(default_factory=utc_now, sa_column_kwargs={"server_default": func.now()})
    updated_at: datetime | None = Field(default=None, sa_column_kwargs={"onupdate": func.now()})
