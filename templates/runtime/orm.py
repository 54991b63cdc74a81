"""Models whose rows only the ORM can read: computed properties, deferred columns, composites, load events, inheritance.

Emitted only for a package that has such a model; its controller derives from ``OrmController``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel
from typing_extensions import override

from .controller import BaseController
from .execution import Execution
from .pool import Rows
from .sql import Sql

M = TypeVar("M", bound=SQLModel)
L = TypeVar("L", bound=str)
C = TypeVar("C", bound=Mapping[str, object])
U = TypeVar("U", bound=Mapping[str, object])
K = TypeVar("K")


class OrmExecution(Execution[M]):
    """Runs statements that return keys, and has the ORM read the objects with these keys in the same transaction."""

    @property
    @override
    def select_list(self) -> str:
        return self.table.keys

    @override
    async def rows(self, statement: Sql) -> Rows:
        with self.transactions.primary():  # where the ORM reads the objects
            return await super().rows(statement)

    @override
    async def objects(
        self, statement: Sql, load: Sequence[str] = (), options: Sequence[ExecutableOption] = ()
    ) -> list[M]:
        objects = super().objects
        return await self.atomic(lambda: objects(statement, load, options))

    @override
    async def objects_of(
        self, rows: Rows, load: Sequence[str] = (), options: Sequence[ExecutableOption] = ()
    ) -> list[M]:
        return await self.loaded(await self.by_orm(self.keys_of(rows), options), load)


class OrmController(BaseController[M, L, C, U, K], Generic[M, L, C, U, K]):
    """Reads and writes a model whose rows only the ORM can read."""

    _kind = OrmExecution
