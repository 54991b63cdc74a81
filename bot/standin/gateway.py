"""The stand-in: answers the bot's requests, and sends it events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import discord
from discord.http import Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context
from typing_extensions import override

from bot.client import Bot
from bot.standin.exchange import Exchange, Request, current_exchange, exchanging
from bot.standin.world import BOT, Account, Payload, Server, World, now, user_payload, without_user

EDIT = 7  # the id of the message that has the button
PATIENCE = 10.0
"""Seconds to wait for the answer to a button."""


class Discord:
    """Stands in for Discord."""

    def __init__(self, bot: Bot, world: World) -> None:
        self.bot, self.world = bot, world
        self._client: Any = bot  # discord.py has no public API for the gateway's side
        self.on_background_post: Callable[[str], object] = len
        self._refusals: dict[tuple[str, str], int] = {}
        self._routes: dict[tuple[str, str], Callable[[dict[str, int], Payload], Any]] = {
            ("GET", "/users/@me"): lambda _, __: user_payload(BOT, "bot"),
            ("GET", "/oauth2/applications/@me"): lambda _, __: APPLICATION,
            ("POST", "/channels/{channel_id}/messages"): self._post,
            ("GET", "/channels/{channel_id}/messages/{message_id}"): self._fetch,
            ("PATCH", "/channels/{channel_id}/messages/{message_id}"): self._edit,
            ("PATCH", "/guilds/{guild_id}/members/{user_id}"): self._edit_member,
            ("GET", "/guilds/{guild_id}/members/{member_id}"): self._fetch_member,
            ("DELETE", "/guilds/{guild_id}/members/{user_id}"): self._remove,
            ("PUT", "/guilds/{guild_id}/bans/{user_id}"): self._ban,
            ("DELETE", "/guilds/{guild_id}/bans/{user_id}"): self._unban,
        }

    @classmethod
    @asynccontextmanager
    async def serving(
        cls, bot: Bot, world: World, *, on_background_post: Callable[[str], object] = len
    ) -> AsyncGenerator[Discord]:
        """Serve a bot from its login until it is closed.

        ``on_background_post`` is called with the messages that the bot's background tasks post.
        """
        standin = cls(bot, world)
        standin.on_background_post = on_background_post
        standin._client.http.request = standin.request
        standin._client._connection.query_members = no_members
        standin._client._schedule_event = standin._scheduling(standin._client._schedule_event)
        async with bot:
            await bot.login("a token")
            with bot.db.watched(count_statement):
                with exchanging() as exchange:
                    standin._start()
                    await bot.wait_until_ready()
                    await exchange.settle()
                yield standin

    def refuse(self, method: str, path: str, status: int = 403) -> None:
        """Refuse these requests from now on; status 0 ends the refusal."""
        self._refusals[method, path] = status

    async def say(self, account: Account, text: str, *, channel: str = "general") -> Exchange:
        """Send a message of a member, and wait until the bot has finished handling it."""
        server = account.server
        member = server.members[account.id]
        message = self.world.write(member["user"], server, server.channels[channel], {"content": text})
        return await self.send("MESSAGE_CREATE", {**message, "member": without_user(member)}, message)

    async def react(self, account: Account, message_id: int, emoji: str = "⭐") -> Exchange:
        """Add a reaction of a member to a message."""
        message = self.world.messages[message_id]
        message["reactions"] = [{"emoji": {"id": None, "name": emoji}, "count": 1 + stars_of(message), "me": False}]
        event: Payload = {
            "user_id": str(account.id),
            "channel_id": message["channel_id"],
            "message_id": message["id"],
            "guild_id": message["guild_id"],
            "emoji": {"id": None, "name": emoji},
            "type": 0,
        }
        return await self.send("MESSAGE_REACTION_ADD", event)

    async def press(self, account: Account, message_id: int, label: str) -> Exchange:
        """Press a button as a member."""
        message, server = self.world.messages[message_id], account.server
        buttons = [button for row in message["components"] for button in row["components"]]
        button = next(button for button in buttons if button["label"] == label)
        if button.get("disabled"):
            raise LookupError(f"{label} cannot be pressed")
        event: Payload = {
            "id": str(self.world.new_id()),
            "application_id": str(BOT),
            "type": 3,
            "token": "token",
            "version": 1,
            "guild_id": str(server.id),
            "channel_id": message["channel_id"],
            "member": {**server.members[account.id], "permissions": "0"},
            "message": message,
            "data": {"component_type": 2, "custom_id": button["custom_id"]},
            "entitlements": [],
            "attachment_size_limit": 0,
        }
        async_context.set(Interactions(self))
        with exchanging() as exchange:
            exchange.pressed = message_id
            self._send("INTERACTION_CREATE", event)
            async with asyncio.timeout(PATIENCE):
                await exchange.answered.wait()
            return exchange

    async def send(self, event: str, payload: Payload, message: Payload | None = None) -> Exchange:
        """Send an event, and wait until the bot has finished handling it."""
        with exchanging() as exchange:
            if message:
                exchange.posted.append(int(message["id"]))
            self._send(event, payload)
            await exchange.settle()
            return exchange

    async def request(self, route: Route, **options: Any) -> Any:
        """Answer a request of the bot, in place of its HTTP client."""
        values = {
            name[1:-1]: int(value)
            for name, value in zip(route.path.split("/"), route.url.removeprefix(route.BASE).split("/"), strict=True)
            if name.startswith("{") and value.isdecimal()
        }
        return await self.answer(route.method, route.path, values, options.get("json") or {})

    async def answer(self, method: str, path: str, values: dict[str, int], body: Payload) -> Any:
        """Record a request, and answer it."""
        await asyncio.sleep(0)  # as with a network
        if exchange := current_exchange():
            exchange.requests.append(Request(method, path, body))
        if status := self._refusals.get((method, path), 0):
            raise refusal(status)
        return self._routes[method, path](values, body)

    async def answer_interaction(self, route: Route, body: Payload) -> Payload:
        """Record the bot's answer to a button."""
        await asyncio.sleep(0)
        if exchange := current_exchange():
            exchange.requests.append(Request(route.method, route.path, body))
            if body["type"] == EDIT and exchange.pressed:
                self._edit({"message_id": exchange.pressed}, body["data"])
            exchange.answered.set()
        return {"interaction": {"id": "1", "type": 3}, "resource": None}

    def _start(self) -> None:
        """Send the first events of a gateway."""
        guilds = [{"id": str(server), "unavailable": True} for server in self.world.servers]
        self._send("READY", {"user": user_payload(BOT, "bot"), "guilds": guilds, "application": APPLICATION})
        for server in self.world.servers.values():
            self._send("GUILD_CREATE", server.payload())

    def _send(self, event: str, payload: Payload) -> None:
        self._client._connection.parsers[event](payload)

    def _scheduling(self, schedule: Callable[..., asyncio.Task[Any]]) -> Callable[..., asyncio.Task[Any]]:
        """Register the tasks that an event starts with its exchange."""

        def scheduled(*arguments: Any, **options: Any) -> asyncio.Task[Any]:
            task = schedule(*arguments, **options)
            if exchange := current_exchange():
                exchange.tasks.append(task)
            return task

        return scheduled

    def _post(self, values: dict[str, int], body: Payload) -> Payload:
        server = self.world.server_of(values["channel_id"])
        message = self.world.write(user_payload(BOT, "bot"), server, values["channel_id"], body)
        if exchange := current_exchange():
            exchange.posted.append(int(message["id"]))
        else:
            self.on_background_post(message["content"])
        return message

    def _fetch(self, values: dict[str, int], _: Payload) -> Payload:
        return self.world.messages[values["message_id"]]

    def _edit(self, values: dict[str, int], body: Payload) -> Payload:
        message = self.world.messages[values["message_id"]]
        message.update(body, edited_timestamp=now())
        return message

    def _fetch_member(self, values: dict[str, int], _: Payload) -> Payload:
        member = self.world.servers[values["guild_id"]].members.get(values["member_id"])
        if member is None:
            raise refusal(404)
        return member

    def _edit_member(self, values: dict[str, int], body: Payload) -> Payload:
        server = self.world.servers[values["guild_id"]]
        member = server.members[values["user_id"]]
        member.update(body)
        self._send("GUILD_MEMBER_UPDATE", {**member, "guild_id": str(server.id)})
        return member

    def _remove(self, values: dict[str, int], _: Payload) -> None:
        server = self.world.servers[values["guild_id"]]
        self._gone(server, values["user_id"])

    def _ban(self, values: dict[str, int], _: Payload) -> None:
        server = self.world.servers[values["guild_id"]]
        server.banned.add(values["user_id"])
        self._gone(server, values["user_id"])

    def _unban(self, values: dict[str, int], _: Payload) -> None:
        server = self.world.servers[values["guild_id"]]
        if values["user_id"] not in server.banned:
            raise refusal(404)
        server.banned.remove(values["user_id"])

    def _gone(self, server: Server, user_id: int) -> None:
        if member := server.members.pop(user_id, None):
            self._send("GUILD_MEMBER_REMOVE", {"guild_id": str(server.id), "user": member["user"]})


class Interactions(AsyncWebhookAdapter):
    """Answers interactions, for which discord.py uses a separate HTTP adapter."""

    def __init__(self, standin: Discord) -> None:
        cast("Any", super()).__init__()  # the adapter is untyped
        self._standin = standin

    @override
    async def request(self, route: Route, *_: Any, **options: Any) -> Any:
        return await self._standin.answer_interaction(route, options["payload"])


APPLICATION: Payload = {
    "id": str(BOT),
    "name": "bot",
    "description": "",
    "icon": None,
    "bot_public": False,
    "bot_require_code_grant": False,
    "owner": user_payload(BOT, "bot"),
    "verify_key": "",
    "flags": 0,
}


async def no_members(*_: object, **__: object) -> list[discord.Member]:
    """Answer discord.py's query of members by name with nobody: commands mention members."""
    return []


def refusal(status: int) -> discord.HTTPException:
    """Return the error that discord.py raises for a response."""
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    response: Any = SimpleNamespace(status=status, reason="refused")
    return kinds.get(status, discord.DiscordServerError)(response, "refused by the stand-in")


def stars_of(message: Payload) -> int:
    """Return the number of reactions to a message."""
    return sum(reaction["count"] for reaction in message["reactions"])


def count_statement(statement: str, _: object) -> None:
    """Count a statement in the current exchange."""
    if exchange := current_exchange():
        exchange.statements.append(statement)
