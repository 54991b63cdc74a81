"""The bot's reactions to one event."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from bot.standin.world import Payload


@dataclass(frozen=True)
class Request:
    """A request that the bot sent to Discord."""

    method: str
    path: str
    body: Payload


@dataclass
class Exchange:
    """The requests that the bot sent to Discord because of an event, and the number of statements."""

    requests: list[Request] = field(default_factory=list[Request])
    statements: list[str] = field(default_factory=list[str])
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list[asyncio.Task[Any]])
    posted: list[int] = field(default_factory=list[int])
    pressed: int | None = None

    @property
    def said(self) -> list[str]:
        """The strings that the bot sent: contents, and the titles, descriptions and footers of embeds."""
        bodies = [request.body.get("data", request.body) for request in self.requests if request.method != "DELETE"]
        return [text for body in bodies if (text := text_of(body))]

    def sent(self, method: str, path: str) -> list[Request]:
        """Return the requests to an endpoint, such as ``PUT`` ``/guilds/{guild_id}/bans/{user_id}``."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    async def settle(self) -> None:
        """Wait for every task that the event started, and for the tasks that those started."""
        while self.tasks:
            await self.tasks.pop()


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def current_exchange() -> Exchange | None:
    """Return the exchange that the running task belongs to; background tasks belong to none."""
    return _current.get()


@contextmanager
def exchanging() -> Generator[Exchange]:
    """Collect the reactions to the events of this block."""
    exchange = Exchange()
    token = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(token)


def text_of(body: Payload) -> str:
    """Return the text of a message."""
    texts: list[str | None] = [body.get("content")]
    embeds: list[Payload] = body.get("embeds") or []
    for embed in embeds:
        footer: Payload = embed.get("footer") or {}
        texts += [embed.get("title"), embed.get("description"), footer.get("text")]
    return "\n".join(text for text in texts if text)
