"""The partitioning of a table, from its ``postgresql_partition_by``."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer
from sqlmodel import Field, SQLModel

from ctrlgen.schema import Partitioning

from .conftest import Inspected


@pytest.mark.parametrize(
    ("sql", "columns", "expressions", "unknown"),
    [
        ("LIST (guild_id)", ("guild_id",), (), ()),
        ("hash(guild_id,\n id)", ("guild_id", "id"), (), ()),
        ('RANGE ("when" COLLATE "C", ID)', ("at", "id"), (), ()),
        ("RANGE (abs(guild_id), id)", ("id",), ("ABS(guild_id)",), ()),
        ("LIST ((id % 4))", (), ("(id % 4)",), ()),
        ("LIST (guild)", (), (), ("guild",)),
    ],
)
def test_columns_are_attributes(
    inspected: Inspected,
    base: type[SQLModel],
    sql: str,
    columns: tuple[str, ...],
    expressions: tuple[str, ...],
    unknown: tuple[str, ...],
) -> None:
    class Event(base, table=True):  # type: ignore[misc, valid-type]
        __table_args__ = ({"postgresql_partition_by": sql},)
        guild_id: int = Field(primary_key=True)
        id: int = Field(primary_key=True)
        at: int = Field(sa_column=Column("when", Integer))

    assert inspected(Event).partitioning == Partitioning(" ".join(sql.split()), columns, expressions, unknown)


@pytest.mark.parametrize("sql", [None, "", "LIST", "LIST (a b c)"])
def test_partitioning_without_a_list_of_columns_is_unknown(
    inspected: Inspected, base: type[SQLModel], sql: str | None
) -> None:
    class Event(base, table=True):  # type: ignore[misc, valid-type]
        __table_args__ = ({"postgresql_partition_by": sql},)
        id: int = Field(primary_key=True)

    assert inspected(Event).partitioning is None
