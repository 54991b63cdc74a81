"""The table of a model: its columns and index expressions in SQL, by the names that callers use."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, cast

import sqlalchemy as sa
from sqlalchemy import orm

from .contracts import Facts, M
from .errors import ValidationError
from .mistakes import suggestion
from .operand import Operand
from .sql import QUOTED, Convert, Sql, in_sql, is_sql, joined, result_of


@dataclass(frozen=True)
class Context:
    """The context that SQLAlchemy passes to a function that computes a default."""

    current_parameters: Mapping[str, object]

    def get_current_parameters(self, *, isolate_multiinsert_groups: bool = True) -> Mapping[str, object]:
        """Return the values that the statement sets, by the names of columns."""
        _ = isolate_multiinsert_groups
        return self.current_parameters


class Table(Generic[M]):
    """A model with its ``columns`` by attribute, and the ``operands`` that filters may name."""

    def __init__(self, model: type[M], facts: Facts) -> None:
        self.model, self.facts = model, facts
        inspected: Any = sa.inspect(model)  # its types differ between SQLAlchemy 2.0 and 2.1
        self.mapper: orm.Mapper[M] = inspected
        mapped = {attribute.key: attribute.columns[0] for attribute in self.mapper.column_attrs}
        self.columns = {name: column for name, column in mapped.items() if isinstance(column, sa.Column)}
        table = cast("sa.Table", self.mapper.local_table)
        self.source, self.sql = table, str(QUOTED.format_table(table))
        self.alias = str(QUOTED.quote(table.name))  # FOR UPDATE OF refers to it by this name
        key = frozenset(self.mapper.primary_key)  # may differ from the table's, for example for a view
        self.operands: dict[str, Operand] = {}
        for name, column in self.columns.items():
            bare = str(QUOTED.quote(column.name))
            self.operands[name] = Operand(model, name, f"{self.sql}.{bare}", bare, column.type, utc=facts.utc)
        for name, expression in facts.expressions.items():
            text = f"({expression.sql})"
            self.operands[name] = Operand(model, name, text, text, sa.types.NullType())
        self.primary_key = [self.operands[name] for name, column in self.columns.items() if column in key]
        self.key_names = [part.name for part in self.primary_key]
        self.keys = ", ".join([part.sql for part in self.primary_key])
        columns = ", ".join([self.operands[name].sql for name in self.columns])
        self.select_list = self.keys if facts.by_orm else columns
        results = [(number, self.operands[name].read) for number, name in enumerate(self.columns)]
        self.results = [(number, convert) for number, convert in results if convert]
        self.is_simple = not any(operand.wrapped for operand in self.operands.values())

    def operand(self, key: str) -> Operand:
        """Return the column or index expression with this name in filters."""
        if (operand := self.operands.get(key)) is None:
            hint = "; finders load with .load(...)" if key == "load" else suggestion(key, self.operands)
            raise TypeError(f"{self.model.__name__} has no column {key!r} to filter by{hint}")
        return operand

    def relations(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names of relationships, each once, or raise if one does not exist."""
        if isinstance(names, str):
            raise TypeError(f'load takes a list of relationships: ["{names}"]')
        loaded: dict[str, None] = {}
        for name in names:
            if name not in self.facts.relations:
                hint = suggestion(str(name), self.facts.relations)
                raise TypeError(f"{self.model.__name__} has no relationship {name!r}{hint}")
            loaded |= {name.partition(".")[0]: None, name: None}  # "cases.guild" needs the cases
        return tuple(loaded)

    def conflict(self, keys: Collection[str], within: str | None) -> str:
        """Return the target of ON CONFLICT: a unique key, or a partial unique index."""
        if within is not None:
            partial = self.facts.partial[within]
            return f"({', '.join([self.operands[name].bare for name in partial.keys])}) WHERE {partial.where}"
        unique = [*self.facts.unique, tuple(self.key_names)]
        if set(keys) not in map(set, unique):
            listed = "; ".join(sorted({", ".join(names) for names in unique}))
            raise ValueError(f"key must be a unique key of {self.model.__name__}: {listed}")
        return f"({', '.join([self.operands[name].bare for name in keys])})"

    def embedded(self, expression: Any) -> Sql:
        """Return the caller's expression in SQL, for a statement on this table."""
        if (sql := in_sql(expression, self.source)) is not None:
            return sql
        tables = [table for table in sa.select(expression).get_final_froms() if table is not self.source]
        if not tables:
            raise TypeError(
                f"an expression for {self.model.__name__} cannot have a common table expression (WITH): use a "
                "subquery, or a statement of a session"
            )
        names = ", ".join(str(getattr(table, "name", table)) for table in tables)
        raise TypeError(
            f"an expression for {self.model.__name__} can only use its own columns, not those of {names}; reach other "
            f"tables through a relationship, with c.<relationship>.any(...) or .has(...)"
        )

    def order_by(self, clauses: Iterable[Any]) -> Sql:
        """Return an ORDER BY, or nothing if there are no clauses."""
        expressions = [self.embedded(clause) for clause in clauses]
        return Sql(" ORDER BY ") + joined(", ", expressions) if expressions else Sql("")

    def term(self, expression: Any, method: str) -> tuple[Sql, Convert | None]:
        """Return an expression that ``method`` reads, and the conversion of the driver's values."""
        if not is_sql(expression):
            raise TypeError(f"{method} takes columns such as c.points, not {expression!r}")
        operand = self.operands.get(getattr(expression, "key", None) or "")
        of_column = operand is not None and expression is getattr(self.model, operand.name, None)
        return self.embedded(expression), operand.read if operand and of_column else result_of(expression.type)

    def value(self, operand: Operand, value: object) -> Sql:
        """Return a value for a column, or an expression, in SQL."""
        if isinstance(value, Sql):
            return value
        return self.embedded(value) if is_sql(value) else operand.value(value)

    def completed(self, values: Mapping[str, object], kind: str) -> Mapping[str, object]:
        """Return values with the columns' own ``default`` or ``onupdate`` added for columns that are not set."""
        if not (supplied := self.supplied[kind]):
            return values
        parameters = {self.columns[name].key: value for name, value in values.items() if name in self.columns}
        context, added = Context(parameters), dict[str, object]()
        for name, default in supplied.items():
            if name not in values:
                value: object = self.operands[name].by_default(default(context) if callable(default) else default)
                if reason := self.operands[name].timezone_mismatch(value):
                    raise ValidationError(self.model, {name: f"{reason}: the value is the column's own {kind}"})
                added[name] = parameters[self.columns[name].key] = value
        return {**values, **added}

    @cached_property
    def supplied(self) -> Mapping[str, Mapping[str, Any]]:
        """The columns' own defaults, by kind and attribute: functions, values, and SQL."""
        supplied: dict[str, dict[str, Any]] = {"default": {}, "onupdate": {}}
        for name, column in self.columns.items():
            for kind, defaults in supplied.items():
                default: Any = getattr(column, kind)
                if default is not None and default.is_sequence:
                    if column.server_default is None and not default.optional:  # otherwise the server uses the sequence
                        defaults[name] = self.embedded(default.next_value())
                elif default is not None:
                    defaults[name] = self.embedded(default.arg) if default.is_clause_element else default.arg
        return supplied
