"""CGL401: a functools cache on a coroutine function."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import last_name

_CACHES = frozenset({"lru_cache", "cache", "cached_property"})


class CachedCoroutine(Rule):
    """``@lru_cache`` on ``async def`` caches the coroutine, which can be awaited only once."""

    code = "CGL401"
    name = "cached-coroutine"
    message = "`{cache}` caches the coroutine of `{function}` and not its result: awaiting it again raises an error"
    why = (
        "A coroutine can be awaited only once, so the second call with the same arguments raises `RuntimeError: cannot "
        "reuse already awaited coroutine`. On a method, the cache also keeps `self` alive."
    )
    bad = """
@lru_cache(maxsize=128)
async def get_cached_config(self, guild_id: int) -> GuildConfig | None:
    return await self.get_by_id(guild_id)
"""
    good = """
async def get_cached_config(self, guild_id: int) -> GuildConfig | None:
    if guild_id not in self._configs:
        self._configs[guild_id] = await self.get_by_id(guild_id)
    return self._configs[guild_id]
"""

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for function in queries.source.all(cst.FunctionDef):
            if function.asynchronous is None:
                continue
            for decorator in function.decorators:
                cache = decorator.decorator
                cache = cache.func if isinstance(cache, cst.Call) else cache
                if last_name(cache) not in _CACHES and not isinstance(cache, cst.Name):
                    continue
                names = queries.source.qualified(cache)
                if names & {f"functools.{name}" for name in _CACHES}:
                    replacement = (
                        "a dict of results that `db.after_commit` clears, or `@alru_cache` of async-lru; "
                        "for a property, a method that stores the result"
                    )
                    name, cached = function.name.value, last_name(cache)
                    yield self.report(queries, decorator.decorator, replacement, cache=cached, function=name)
