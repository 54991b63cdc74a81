"""Reads how a table is partitioned, from its ``postgresql_partition_by``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import Table

from ctrlgen.inspect.index_sql import column_names
from ctrlgen.schema import Partitioning

_FORM = re.compile(r"\s*\w+\s*\((.*)\)\s*", re.DOTALL)


def partitioning_of(table: Table, attributes: Mapping[str, str]) -> Partitioning | None:
    """Return the partitioning of a table; None if it has none, or if its SQL cannot be parsed.

    Parameters
    ----------
    attributes
        The attributes of the mapped columns, by column name.
    """
    sql = str(table.dialect_options["postgresql"].get("partition_by") or "")
    form = _FORM.fullmatch(sql)
    names = column_names(form[1].join("()")) if form else None
    if form is None or names is None:
        return None
    known = {str(column.name) for column in table.columns}
    plain, expressions = _parts(form[1])
    return Partitioning(
        sql=" ".join(sql.split()),
        columns=tuple(attributes[name] for name in plain if name in attributes),
        expressions=expressions,
        unknown_columns=tuple(name for name in names if name not in known),
    )


def _parts(sql: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the columns, and the other expressions as SQL."""
    import sqlglot  # takes 40 ms, and few models need it
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        parts = sqlglot.parse_one(f"SELECT {sql}", read="postgres").expressions
    except SqlglotError:
        return (), ()
    plain: list[str] = []
    expressions: list[str] = []
    for part in parts:
        column = part.this if isinstance(part, exp.Collate) else part
        if isinstance(column, exp.Column):
            plain += column_names(column.sql(dialect="postgres")) or []
        else:
            expressions.append(part.sql(dialect="postgres"))
    return tuple(plain), tuple(expressions)
