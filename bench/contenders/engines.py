"""The base of the contenders on SQLAlchemy: an engine, and its sessions."""

from __future__ import annotations

from copy import copy
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from typing_extensions import override

from bench.contender import POOL_SIZE, Contender
from bench.hook import Hook
from bench.server import Address


class OnEngine(Contender):
    """``create_async_engine`` and ``async_sessionmaker``."""

    @override
    async def setup(self, address: Address) -> None:
        self._use(create_async_engine(address.sqlalchemy, pool_size=POOL_SIZE, max_overflow=0))

    @override
    async def teardown(self) -> None:
        await self._engine.dispose()

    @override
    def hooked(self, hook: Hook) -> Self:
        twin = copy(self)
        twin._use(
            self._engine.execution_options(hooked=True)
        )  # another engine on the same pool, so that only this contender's engine has the listeners
        hook.listen(twin._engine)
        return twin

    def _use(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._session = async_sessionmaker(engine, expire_on_commit=False)
