"""A Hypothesis strategy that invents packages of models, as source files."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from hypothesis import strategies as st

PREAMBLE = '''"""Invented models."""

import datetime as dt
import decimal
import enum
import typing
import uuid
from typing import Annotated, Any, Literal, NewType, Optional

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, NaiveDatetime
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, Relationship, SQLModel

Int, Str, Bool, Float, Bytes, List, Dict = int, str, bool, float, bytes, list, dict
Snowflake = NewType("Snowflake", Int)
Short = Annotated[Str, Field(max_length=12)]


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Mood(Str, enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Box(BaseModel):
    size: Int = 1
'''

BY_VALUE = "sa.Enum(Mood, values_callable=lambda e: [m.value for m in e], name='mood')"


@dataclass(frozen=True)
class Kind:
    """A way to declare a column: its annotation, the arguments of ``Field``, and the indexes that it allows."""

    annotation: str
    arguments: str = ""
    default: str | None = None
    comparable: bool = True
    text: bool = False


KINDS = (
    Kind("Int", default="3"),
    Kind("Int", "ge=5, le=500"),
    Kind("Int", "multiple_of=3, gt=2"),
    Kind("Snowflake", "sa_type=sa.BigInteger"),
    Kind("Str", text=True),
    Kind("Short", text=True),
    Kind("Str", "max_length=30, min_length=2", text=True),
    Kind("Str", "sa_column_kwargs={'name': 'Odd Name'}", text=True),
    Kind("Bool", default="False"),
    Kind("Float", "gt=0, lt=1"),
    Kind("decimal.Decimal", "max_digits=8, decimal_places=2"),
    Kind("dt.datetime"),
    Kind("AwareDatetime", "sa_type=sa.DateTime(timezone=True)"),
    Kind("NaiveDatetime", "sa_type=sa.DateTime(timezone=False)"),
    Kind("dt.date"),
    Kind("dt.time"),
    Kind("dt.timedelta"),
    Kind("uuid.UUID", "default_factory=uuid.uuid4"),
    Kind("Bytes", comparable=False),
    Kind("Colour"),
    Kind("Mood", f"sa_type={BY_VALUE}"),
    Kind("Literal['a', 'b']", "sa_type=sa.String, default='a'"),
    Kind("Dict[Str, List[Int]]", "default_factory=Dict, sa_type=sa.JSON", comparable=False),
    Kind("Box", "default_factory=Box, sa_type=pg.JSONB", comparable=False),
    Kind("List[Str]", "default_factory=List, sa_type=pg.ARRAY(sa.String)", comparable=False),
    Kind("Any", "default=None, sa_type=pg.JSONB, nullable=True", comparable=False),
    Kind("Literal[Colour.RED]", "sa_type=sa.Enum(Colour), default=Colour.RED"),
    Kind("typing.List", "default_factory=List, sa_type=sa.JSON", comparable=False),
    Kind("dt.datetime", "default=sa.func.now()"),
)
ATTRIBUTES = (
    *("name", "size", "kind", "list", "type", "int", "str", "load", "limit", "values", "where", "filters", "key"),
    *("class_", "camelCase", "größe", "order", "user", "session", "create", "count", "self_", "options", "cast"),
    *("load_", "RED", "lower_name", "class", "from", "import"),
)
NAMES = (
    "User",
    "Order",
    "APIKey",
    "Group",
    "Selection",
    "Iterable",
    "Tag",
    "_Hidden",
    "GuildConfig",
    "Table2",
    "Import",
    "Property",
    "_2FAToken",
    "model",
    "using",
)
PREDICATES = ("{} IS NOT NULL", "{} IS NULL", "id IS NOT NULL")


@dataclass(frozen=True)
class Column:
    """A column of an invented model."""

    name: str
    kind: Kind
    optional: bool
    flag: str  # "unique=True", "index=True" or nothing

    def source(self) -> str:
        """The line that declares it."""
        annotation, arguments = self.kind.annotation, [self.kind.arguments]
        if self.optional and "default" not in self.kind.arguments:
            annotation, arguments = f"Optional[{annotation}]", ["default=None", *arguments]
        elif self.kind.default is not None:
            arguments = [f"default={self.kind.default}", *arguments]
        text = ", ".join(filter(None, [*arguments, self.flag]))
        if keyword.iskeyword(self.name):  # a keyword, which a class body accepts only through its dictionaries
            return f"    __annotations__[{self.name!r}] = {annotation}\n    vars()[{self.name!r}] = Field({text})"
        return f"    {self.name}: {annotation} = Field({text})"

    @property
    def nullable(self) -> bool:
        """Whether it may be NULL."""
        return self.optional and "default" not in self.kind.arguments

    @property
    def stored(self) -> str:
        """The quoted name in the database."""
        return '"Odd Name"' if "Odd Name" in self.kind.arguments else f'"{self.name}"'


@st.composite
def columns(draw: st.DrawFn) -> list[Column]:
    """Draw distinct columns, at most one of which has an unusual name."""
    names = draw(st.lists(st.sampled_from(ATTRIBUTES), min_size=2, max_size=6, unique=True))
    drawn: list[Column] = []
    for name in names:
        odd = any("Odd Name" in column.kind.arguments for column in drawn)
        kind = draw(st.sampled_from([kind for kind in KINDS if not (odd and "Odd Name" in kind.arguments)]))
        flag = draw(st.sampled_from(["", "unique=True", "index=True", "unique=True, index=True"]))
        drawn.append(Column(name, kind, draw(st.booleans()), flag if kind.comparable else ""))
    return drawn


@st.composite
def table_args(draw: st.DrawFn, table: str, available: list[Column]) -> list[str]:
    """Constraints and indexes over the columns."""
    usable = [column for column in available if column.kind.comparable]
    texts = [column for column in usable if column.kind.text]
    arguments: list[str] = []
    for number in range(draw(st.integers(0, 3))):
        if not usable:
            break
        several = draw(st.lists(st.sampled_from(usable), min_size=1, max_size=3, unique=True))
        parts = ", ".join(f"sa.text('{column.stored}')" for column in several)
        plain = ", ".join(repr(column.stored.strip('"')) for column in several)
        one = several[0]
        where = draw(st.sampled_from(PREDICATES)).format(one.stored)
        choices = [
            f"sa.UniqueConstraint({plain}, name='uq_{table}_{number}')",
            f"sa.UniqueConstraint({plain}, name='uq_{table}_{number}', postgresql_nulls_not_distinct=True)",
            f"sa.UniqueConstraint({plain}, name='uq_{table}_{number}', deferrable=True)",
            f"sa.Index('ix_{table}_{number}', {plain})",
            f"sa.Index('ix_{table}_{number}', sa.text('{one.stored} DESC'))",
            f"sa.Index('ix_{table}_hash{number}', {one.stored.strip(chr(34))!r}, postgresql_using='hash')",
            f"sa.Index('ix_{table}_part{number}', {parts}, postgresql_where=sa.text('{where}'))",
            f"sa.Index('uq_{table}_part{number}', {plain}, unique=True, postgresql_where=sa.text('{where}'))",
            f"sa.Index('ix_{table}_by_{one.name}', {parts}, postgresql_where=sa.text('{where}'))",
            f"sa.Index('uq_{table}_one', {plain}, unique=True, postgresql_where=sa.text('{where}'))",
        ]
        if texts:
            sql = f"lower({texts[0].stored})"
            choices.append(f"sa.Index('uq_{table}_lower{number}', sa.text('{sql}'), unique=True)")
            taken = {column.name for column in available}
            code = draw(st.sampled_from([name for name in ("code", "import", "limit", "self") if name not in taken]))
            choices.append(f"sa.Index('ix_{table}_{code}', sa.text('substr({texts[0].stored}, 1, 2)'))")
        choice = draw(st.sampled_from(choices))
        if _index_name(choice) not in map(_index_name, arguments):
            arguments.append(choice)
    return arguments


def _index_name(declaration: str) -> str:
    """Return the name in the source of an index or constraint, which must be unique in PostgreSQL."""
    return re.findall(r"'([iu][xq]_\w+)'", declaration)[0]


@st.composite
def packages(draw: st.DrawFn) -> str:
    """The source of a module of models, each of which may refer to those before it."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    sources = [PREAMBLE]
    related: dict[str, list[str]] = {name: [] for name in names}
    bodies: dict[str, list[str]] = {}
    tables: dict[str, str] = {}
    for number, name in enumerate(names):
        table = draw(
            st.sampled_from([name.strip("_").lower(), f"t_{number}", "select" if number == 0 else f"t{number}"])
        )
        tables[name] = table
        drawn = draw(columns())
        key = draw(
            st.sampled_from(["Optional[Int] = Field(default=None, primary_key=True)", "Int = Field(primary_key=True)"])
        )
        body = [f"    __tablename__ = {table!r}", f"    id: {key}", *(column.source() for column in drawn)]
        arguments = draw(table_args(table, drawn))
        for target in names[:number]:
            if draw(st.booleans()):
                field = f"its{target.lower()}_id"
                options = draw(st.sampled_from(["", ", index=True", ", unique=True"]))
                optional = draw(st.booleans())
                kind, default = ("Optional[Int]", "default=None, ") if optional else ("Int", "")
                body.append(f"    {field}: {kind} = Field({default}foreign_key='{tables[target]}.id'{options})")
                body.append(f'    to_{number}: Optional["{target}"] = Relationship(back_populates="of_{number}")')
                related[target].append(f'    of_{number}: List["{name}"] = Relationship(back_populates="to_{number}")')
                break
        if arguments:
            body.insert(1, f"    __table_args__ = ({', '.join(arguments)},)")
        bodies[name] = body
    for name, body in bodies.items():
        sources.append("\n".join([f"class {name}(SQLModel, table=True):", *body, *related[name]]))
    return "\n\n\n".join(sources) + "\n"
