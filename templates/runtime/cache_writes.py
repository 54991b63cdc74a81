"""The effects of writes on caches: which entries a statement invalidates.

Emitted only for a package that caches a model. The generator decides which cached models a write to a table reaches,
including cascades, and emits it as the ``Effects`` of its controller. ``WatchedExecution`` sends the statements of such
a controller and reads the keys of the written rows from their results. ``cache_changes`` invalidates the entries once
the server has confirmed the COMMIT.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, cast

from typing_extensions import override

from .cache import Tag
from .cache_changes import Change, is_unknown, remember
from .contracts import C, K, L, M, T, U
from .controller import BaseController
from .execution import Execution
from .pool import Connection, Rows
from .sql import Sql
from .table import Table

if TYPE_CHECKING:
    from .cache_service import Caching, CachingService


MANY = 50
"""The number of rows in one call above which the whole cache is invalidated."""
LONGEST = 7_900
"""The largest notification in bytes; PostgreSQL accepts 8,000."""
_RETURNED, _COUNTED = "WITH written AS (", "WITH written AS MATERIALIZED ("


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The cached models that a write to a table reaches besides its own rows, by their names in the facade.

    Parameters
    ----------
    any
        The models that every write reaches.
    delete
        The models that a delete reaches through cascading foreign keys.
    update
        The models that an update of one of these columns reaches.
    links
        The models that a change of the links of each many-to-many relationship reaches.
    """

    any: Collection[str] = ()
    delete: Collection[str] = ()
    update: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    links: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """How a model is cached.

    Parameters
    ----------
    name
        The model's name in the facade.
    keys
        The unique keys whose getters are answered from memory.
    finders
        The columns whose finders are answered from memory.
    exact
        The keys and columns whose values are equal in Python exactly if they are equal in PostgreSQL.
    returned
        The columns that identify the rows of a write, the primary key first; empty if none do.
    uuids
        The columns among them that are UUIDs.
    """

    name: str
    keys: Collection[tuple[str, ...]] = ()
    finders: Collection[str] = ()
    exact: Collection[tuple[str, ...]] = ()
    returned: tuple[str, ...] = ()
    uuids: Collection[str] = ()


TagsOf: TypeAlias = Callable[[Sequence[Sequence[object]]], Collection[Tag]]


class Watch:
    """Determines which entries the writes of one controller invalidate, and extends the writes to return keys."""

    def __init__(
        self, caching: Caching, table: Table[Any], effects: Effects, cached: Cached | None, tags: TagsOf | None = None
    ) -> None:
        self._caching, self._table, self._effects, self._cached, self._tags = caching, table, effects, cached, tags
        names = cached.returned if cached else ()
        self._width = len(names)
        self._returned = ", ".join(
            [f"{table.operands[name].sql} AS _key_{number}" for number, name in enumerate(names)]
        )
        self._keys = ", ".join([f"_key_{number}" for number in range(self._width)])
        self._reached = lru_cache(500)(self._find_reached)

    def change(self, statement: str) -> Change | None:
        """Return the change of a statement as far as it is known before it is sent; None if it only reads."""
        if not (self._caching.is_active and _is_write(statement)):
            return None
        own = self._caching.caches[self._cached.name] if self._cached else None
        whole = [self._caching.caches[name] for name in self._reached(_written(statement))]
        return Change(whole, own) if whole or own else None

    def note(self, change: Change, statement: str, result: str | Rows) -> None:
        """Complete a change by the statement's result: its status, a count, or the rows."""
        rows: Rows | None = None
        if isinstance(result, str):
            number = int(result.rpartition(" ")[2])
        elif statement.startswith(_COUNTED):
            number, rows = int(result[0][0]), result
        else:
            number, rows = len(result), result
        if number == 0 and (not _written(statement).startswith("INSERT") or "DO NOTHING" in statement):
            change.whole, change.tags = (), ()  # otherwise a trigger skipped the row, or moved it
        elif rows is not None and 0 < number <= MANY and self._tags is not None and self._width:
            change.tags = self._tags([tuple(row)[-self._width :] for row in rows])

    def returning(self, statement: str, *, several: bool = False) -> str:
        """Return a write with RETURNING, extended by the columns that identify each row and by the notifications."""
        if not (self._caching.is_active and _is_write(statement)):
            return statement
        text = f"{statement}, {self._returned}" if self._width else statement
        if not (notifications := self._notifications(self._reached(statement), rows=not several)):
            return text
        columns = ", ".join(["written.*", *notifications, *([self._keys] if self._width else [])])
        return f"{_RETURNED}{text}) SELECT {columns} FROM written"

    def counting(self, statement: str) -> str | None:
        """Return a write that returns the number of rows, and their keys if they are few; None if neither is needed."""
        if not self._caching.is_active:
            return None
        notifications = self._notifications(self._reached(statement), rows=True)
        if not (notifications or self._width):
            return None
        columns = ["number", *[f"CASE WHEN number > 0 THEN {call} END" for call in notifications]]
        columns += [self._keys] if self._width else []
        rows = f" LEFT JOIN written ON number <= {MANY}" if self._width else ""
        return (
            f"{_COUNTED}{statement} RETURNING {self._returned or 1}), "
            f"counted AS (SELECT count(*) AS number FROM written) SELECT {', '.join(columns)} FROM counted{rows}"
        )

    def _find_reached(self, statement: str) -> tuple[str, ...]:
        """Return the models that a statement reaches besides its own rows."""
        reached = [*self._effects.any, *(self._effects.delete if statement.startswith("DELETE") else ())]
        for name, models in self._effects.update.items():
            if re.search(rf"(?:SET|,) {re.escape(self._table.operands[name].bare)} = ", statement):
                reached += models
        return tuple(dict.fromkeys(reached))

    def _notifications(self, names: Collection[str], *, rows: bool) -> list[str]:
        """Return the SQL calls that notify other processes: of the whole of some models, and of each written row."""
        if not (channel := self._caching.channel):
            return []
        calls = [f"pg_notify({_literal(channel)}, {_literal(self._caching.message(name))})" for name in names]
        if self._cached is None:
            return calls
        whole = _literal(self._caching.message(self._cached.name))
        if not (rows and self._width):
            return [*calls, f"pg_notify({_literal(channel)}, {whole})"]
        sender, name = _literal(self._caching.caches[self._cached.name].sender), _literal(self._cached.name)
        row = f"json_build_array({sender}, {name}, json_build_array({self._keys}))::text"
        payload = f"CASE WHEN _key_0 IS NOT NULL AND octet_length({row}) < {LONGEST} THEN {row} ELSE {whole} END"
        return [*calls, f"pg_notify({_literal(channel)}, {payload})"]


class WatchedExecution(Execution[M]):
    """Runs the statements of a controller whose writes invalidate cached rows."""

    watch: Watch

    @override
    async def rows(self, statement: Sql) -> Rows:
        return await super().rows(statement.with_text(self.watch.returning(statement.text)))

    @override
    async def affected(self, statement: Sql) -> int:
        if (counting := self.watch.counting(statement.text)) is None:
            return await super().affected(statement)
        return int((await super().rows(statement.with_text(counting)))[0][0])

    @override
    async def many(self, statements: Iterable[Sql]) -> list[Sequence[Any]]:
        listed = list(statements)
        several = len(listed) > MANY
        return await super().many([item.with_text(self.watch.returning(item.text, several=several)) for item in listed])

    @override
    async def _send(self, statement: Sql, work: Callable[[Connection], Awaitable[T]]) -> T:
        if (change := self.watch.change(statement.text)) is None:
            return await super()._send(statement, work)
        session, failures = self.around, list[BaseException]()

        async def watched(connection: Connection) -> T:
            failures.clear()
            if inside := connection.is_in_transaction():
                remember(connection, session, change)  # before it is sent, because a cancelled write may succeed
            try:
                result = await work(connection)
            except BaseException as error:
                failures.extend([] if inside else [error])
                raise
            self.watch.note(change, statement.text, cast("str | Rows", result))
            if not inside:
                change.apply()
            return result

        try:
            return await super()._send(statement, watched)
        except BaseException:
            if failures and is_unknown(failures[0]):
                change.doubt()
            raise


class WatchedController(BaseController[M, L, C, U, K], Generic[M, L, C, U, K]):
    """Reads and writes a model on which cached ones depend."""

    _effects: ClassVar[Effects] = Effects()

    @property
    def _caching(self) -> Caching:
        return cast("CachingService", self._db).caching

    @cached_property
    def _watch(self) -> Watch:
        return Watch(self._caching, self._table, self._effects, None)

    @cached_property
    @override
    def _execution(self) -> Execution[M]:
        return self._watched(self._watch)

    def _linking(self, relation: str) -> Execution[M]:
        """Return the execution of statements on the links of a relationship, which are rows of another table."""
        return self._watched(
            Watch(self._caching, self._table, Effects(any=self._effects.links.get(relation, ())), None)
        )

    def _watched(self, watch: Watch) -> Execution[M]:
        execution = WatchedExecution(self._db.transactions, self._table, self._session)
        execution.watch = watch
        return execution


def _is_write(statement: str) -> bool:
    return not statement.startswith("SELECT")


def _written(statement: str) -> str:
    """Return the write inside an extended statement."""
    return statement.removeprefix(_COUNTED).removeprefix(_RETURNED)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
