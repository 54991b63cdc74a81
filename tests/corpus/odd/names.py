"""Names that already have another meaning."""

import enum
from typing import Literal, TypeAlias

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

Int: TypeAlias = int
Str: TypeAlias = str
Bool: TypeAlias = bool
Mapping: TypeAlias = dict[str, int]


class Order(SQLModel, table=True):
    """A reserved word of SQL; "quotes", 'single', back\\slash, {{ braces }}, {% raw %}.

    A second paragraph, which nobody emits. \"\"\"
    """

    __tablename__ = "order"

    id: int | None = Field(default=None, primary_key=True)
    user: str = Field(index=True, description='says "who" {{ x }} \\ ')
    select: int = Field(default=0, index=True)


class Shadow(SQLModel, table=True):
    """Attributes with the names of builtins, parameters and members of controllers."""

    id: Int | None = Field(default=None, primary_key=True)
    list: Int = Field(index=True)
    str: Str = Field(sa_type=sa.String, unique=True)
    int: Int | None = Field(default=None, sa_type=sa.Integer)
    dict: Mapping = Field(default_factory=lambda: {}, sa_type=sa.JSON)
    type: Str = Field(default="x", sa_type=sa.String, index=True)
    bool: Bool = Field(default=False, sa_type=sa.Boolean)
    load: Str = Field(default="", sa_type=sa.String, unique=True)
    limit: Int = Field(default=0, sa_type=sa.Integer, index=True)
    filters: Str = Field(default="", sa_type=sa.String, index=True)
    session: Str = Field(default="", sa_type=sa.String, index=True)
    create: Str = Field(default="", sa_type=sa.String, index=True)
    values: Str = Field(default="", sa_type=sa.String, unique=True)
    where: Str = Field(default="", sa_type=sa.String, index=True)
    key: Str = Field(default="", sa_type=sa.String, index=True)
    cast: Str = Field(default="", sa_type=sa.String)
    property: Str = Field(default="", sa_type=sa.String)
    Selection: Str = Field(default="", sa_type=sa.String)
    object: Str = Field(default="", sa_type=sa.String)
    class_: Str = Field(default="", sa_column=sa.Column("class", sa.String, nullable=False, index=True))
    größe: Int = Field(default=1, sa_type=sa.Integer, index=True)
    camelCase: Str = Field(default="", sa_column=sa.Column("Camel Case", sa.String, nullable=False, unique=True))


class Selection(SQLModel, table=True):
    """A model with the name of a class of the runtime."""

    id: int | None = Field(default=None, primary_key=True)


class Iterable(SQLModel, table=True):
    """A model with the name of an import of the emitted module."""

    id: int | None = Field(default=None, primary_key=True)
    literal: str = Field(index=True)


class APIKey(SQLModel, table=True):
    """An acronym."""

    __tablename__ = "api_keys"

    id: int | None = Field(default=None, primary_key=True)
    hash: str = Field(unique=True)


class Import(SQLModel, table=True):
    """A keyword once it is in snake case."""

    id: int | None = Field(default=None, primary_key=True)


class Property(SQLModel, table=True):
    """A model with the name of the decorator of attributes, some of which follow it."""

    id: int | None = Field(default=None, primary_key=True)


class using(SQLModel, table=True):
    """A model with the name of a member of every controller."""

    id: int | None = Field(default=None, primary_key=True)
    find_by_name: str = Field(index=True)


class model(SQLModel, table=True):
    """A model with the name of another member."""

    id: int | None = Field(default=None, primary_key=True)


class Paint(enum.Enum):
    """Its members are columns too."""

    red = "red"
    blue = "blue"


class Keywords(SQLModel, table=True):
    """Attributes and expressions with the names of Python keywords and of parameters."""

    __table_args__ = (
        sa.UniqueConstraint("load", "load_", name="uq_keywords_load"),
        sa.Index("ix_keywords_import", sa.text("(size % 7)")),
        sa.Index("ix_keywords_limit", sa.text("(size % 3)")),
        sa.Index("ix_keywords_self", sa.text("(size % 5)")),
    )

    id: int | None = Field(default=None, primary_key=True)
    size: int = 0
    load: int
    load_: int
    red: bool = False
    paint: Literal[Paint.red] | None = Field(default=None, sa_type=sa.Enum(Paint))
    mood: Literal["mild", "harsh"] = Field(default="mild", sa_type=sa.String)

    __annotations__ |= {"class": str, "from": Int | None, "in": int}
    vars()["class"] = Field(unique=True)
    vars()["from"] = Field(default=None, index=True)
