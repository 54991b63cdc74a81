"""The state of the stand-in: guilds, channels, roles, members and messages, as Discord's payloads."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import discord

Payload: TypeAlias = dict[str, Any]

BOT = 900_000_000_000_000_000  # Discord's ids have at least 15 digits
REMEMBERED = 2000
"""The number of messages that are kept."""


@dataclass(frozen=True)
class Account:
    """A member of a server."""

    id: int
    name: str
    server: Server

    @property
    def mention(self) -> str:
        """The mention of the member in a message."""
        return f"<@{self.id}>"


@dataclass(eq=False)
class Server:
    """A guild with its channels and roles; the first role is @everyone, the last one the bot's."""

    id: int
    name: str
    channels: dict[str, int]
    roles: dict[str, int]
    members: dict[int, Payload] = field(default_factory=dict[int, Payload])
    banned: set[int] = field(default_factory=set[int])
    owner: int = 0

    @property
    def accounts(self) -> list[Account]:
        """All members except the bot."""
        return [self.account(user_id) for user_id in self.members if user_id != BOT]

    def account(self, user_id: int) -> Account:
        """Return a member by id."""
        return Account(user_id, self.members[user_id]["user"]["username"], self)

    def join(self, user_id: int, name: str, *roles: str) -> Account:
        """Add a member; the first one owns the server."""
        self.members[user_id] = {
            "user": user_payload(user_id, name),
            "roles": [str(self.roles[role]) for role in roles],
            "joined_at": now(),
            "deaf": False,
            "mute": False,
            "flags": 0,
        }
        self.owner = self.owner or user_id
        return self.account(user_id)

    def payload(self) -> Payload:
        """Return the payload of GUILD_CREATE."""
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner),
            "roles": [role_payload(id_, name, place) for place, (name, id_) in enumerate(self.roles.items())],
            "channels": [channel_payload(id_, name) for name, id_ in self.channels.items()],
            "members": list(self.members.values()),
            "member_count": len(self.members),
            "unavailable": False,
            **dict.fromkeys(("icon", "splash", "banner", "description", "afk_channel_id", "vanity_url_code")),
            **{name: [] for name in ("emojis", "stickers", "features", "threads", "voice_states", "presences")},
            **{name: [] for name in ("stage_instances", "guild_scheduled_events", "soundboard_sounds")},
            **dict.fromkeys(("verification_level", "explicit_content_filter", "mfa_level", "nsfw_level"), 0),
            **dict.fromkeys(("premium_tier", "default_message_notifications", "system_channel_flags"), 0),
        }


class World:
    """Servers, and their latest messages. Ids are unique across processes, because each process has a number."""

    def __init__(self, process: int = 0) -> None:
        self.servers: dict[int, Server] = {}
        self.messages: OrderedDict[int, Payload] = OrderedDict()
        self._channels: dict[int, Server] = {}
        self._numbers = itertools.count()
        self._process = process

    def new_id(self) -> int:
        """Return an id that contains the time, like Discord's."""
        return discord.utils.time_snowflake(datetime.now(UTC)) + self._process * 2**17 + next(self._numbers) % 2**17

    def create_server(self, server_id: int, name: str, *roles: str) -> Server:
        """Create a server with a few channels, and these roles from the lowest to the highest."""
        names = ("@everyone", *roles, "bot")
        channels = {name: server_id + number for number, name in enumerate(("general", "log", "stars"), 1)}
        server = Server(server_id, name, channels, {role: server_id + 10 * n for n, role in enumerate(names)})
        server.join(BOT, "bot", "bot")
        server.owner = 0
        self.add(server)
        return server

    def add(self, server: Server) -> None:
        """Add a server."""
        self.servers[server.id] = server
        self._channels.update(dict.fromkeys(server.channels.values(), server))

    def server_of(self, channel_id: int) -> Server:
        """Return the server of a channel."""
        return self._channels[channel_id]

    def write(self, author: Payload, server: Server, channel_id: int, body: Payload) -> Payload:
        """Store a message."""
        message: Payload = {
            "id": str(self.new_id()),
            "channel_id": str(channel_id),
            "guild_id": str(server.id),
            "author": author,
            "content": body.get("content") or "",
            "embeds": body.get("embeds") or [],
            "components": body.get("components") or [],
            "timestamp": now(),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": mentions(body.get("content") or "", server),
            "mention_roles": [],
            "attachments": [],
            "reactions": [],
            "pinned": False,
            "type": 0,
        }
        self.messages[int(message["id"])] = message
        while len(self.messages) > REMEMBERED:
            self.messages.popitem(last=False)
        return message


def now() -> str:
    """Return the current time in Discord's format."""
    return datetime.now(UTC).isoformat()


def mentions(content: str, server: Server) -> list[Payload]:
    """Return the members that a text mentions."""
    words = [word.removeprefix("<@").removesuffix(">") for word in content.split() if word.startswith("<@")]
    mentioned = [server.members.get(int(word)) for word in words if word.isdecimal()]
    return [{**member["user"], "member": without_user(member)} for member in mentioned if member]


def without_user(member: Payload) -> Payload:
    """Return a member payload without its user, as in messages."""
    return {name: value for name, value in member.items() if name != "user"}


def user_payload(user_id: int, name: str) -> Payload:
    """Return the payload of a user."""
    empty = dict.fromkeys(("avatar", "global_name", "banner", "accent_color"))
    return {"id": str(user_id), "username": name, "discriminator": "0", "bot": user_id == BOT, **empty}


def role_payload(role_id: int, name: str, place: int) -> Payload:
    """Return the payload of a role; the administrator role has all permissions."""
    permissions = "8" if name in {"administrator", "bot"} else "0"
    return {
        "id": str(role_id),
        "name": name,
        "position": place,
        "permissions": permissions,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "flags": 0,
        **dict.fromkeys(("hoist", "managed", "mentionable"), False),
    }


def channel_payload(channel_id: int, name: str) -> Payload:
    """Return the payload of a text channel."""
    return {
        "id": str(channel_id),
        "name": name,
        "type": 0,
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": None,
        "topic": None,
    }
