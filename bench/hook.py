"""A tracing hook as applications install it: a timer around asyncpg's calls, and listeners on SQLAlchemy's engines."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import wraps
from time import perf_counter_ns
from typing import Final, TypeAlias

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

Method: TypeAlias = Callable[..., Awaitable[object]]

METHODS: Final = ("execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval")
KEPT: Final = 1000  # the number of spans that wait for an exporter


class Hook:
    """Records each statement and its time, as the integrations of OpenTelemetry and Sentry do.

    Like those, it wraps the public methods of ``asyncpg.Connection`` for the whole process, and listens to
    ``before_cursor_execute`` and ``after_cursor_execute`` of the engines.
    """

    def __init__(self) -> None:
        self.noted = 0
        self._spans: deque[tuple[str, str, int]] = deque(maxlen=KEPT)

    @contextmanager
    def installed(self) -> Generator[None, None, None]:
        """Wrap asyncpg's methods inside the ``with`` block."""
        originals: dict[str, Method] = {name: getattr(asyncpg.Connection, name) for name in METHODS}
        for name, method in originals.items():
            setattr(asyncpg.Connection, name, self._timed(method))
        try:
            yield
        finally:
            for name, method in originals.items():
                setattr(asyncpg.Connection, name, method)

    def listen(self, engine: AsyncEngine) -> None:
        """Add listeners to an engine, which keeps them."""
        event.listen(engine.sync_engine, "before_cursor_execute", self._before)
        event.listen(engine.sync_engine, "after_cursor_execute", self._after)

    def _timed(self, method: Method) -> Method:
        @wraps(method)
        async def timed(connection: object, query: str, *arguments: object, **options: object) -> object:
            start = perf_counter_ns()
            try:
                return await method(connection, query, *arguments, **options)
            finally:
                self._note(query, start)

        return timed

    def _before(self, connection: sa.Connection, *_: object) -> None:
        connection.info["bench_start"] = perf_counter_ns()

    def _after(self, connection: sa.Connection, _: object, statement: str, *__: object) -> None:
        self._note(statement, connection.info["bench_start"])

    def _note(self, statement: str, start: int) -> None:
        self.noted += 1
        self._spans.append((statement.split(None, 1)[0], statement, perf_counter_ns() - start))
