"""The guilds and members of the soak: the same in every process and in the database."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from bot.standin import Account, Server, World
from generated import Database

GUILD, MEMBER = 700_000_000_000_000_000, 500_000_000_000_000_000
POINTS = 1000
SNIPPETS = ("rules", "faq", "welcome")
ALIAS = "r"


@dataclass(frozen=True)
class Scale:
    """The size of the soak."""

    seconds: float
    guilds: int
    members: int
    processes: int
    tasks: int

    @classmethod
    def parser(cls) -> argparse.ArgumentParser:
        """Return a parser of these numbers."""
        parser = argparse.ArgumentParser(description="The bot under load, in several processes.")
        parser.add_argument("--seconds", type=float, default=120)
        parser.add_argument("--guilds", type=int, default=200)
        parser.add_argument("--members", type=int, default=20_000)
        parser.add_argument("--processes", type=int, default=2)
        parser.add_argument("--tasks", type=int, default=16, help="members in each process who act at the same time")
        return parser

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> Scale:
        """Return the parsed numbers."""
        return cls(arguments.seconds, arguments.guilds, arguments.members, arguments.processes, arguments.tasks)

    @property
    def flags(self) -> list[str]:
        """Return the command line arguments for this scale."""
        return [f"--{name}={value}" for name, value in vars(self).items()]


def populated(scale: Scale, process: int) -> World:
    """Return the world of a process. The first member of each guild is its owner, the second its moderator."""
    world = World(process)
    for number in range(scale.guilds):
        server = world.create_server(GUILD + 1000 * number, f"guild {number}", "jailed", "moderator")
        for place, member in enumerate(range(number, scale.members, scale.guilds)):
            roles = ["moderator"] if place == 1 else []
            server.join(MEMBER + member, f"member{member}", *roles)
    return world


def moderator_of(server: Server) -> Account:
    """Return the moderator of a server."""
    return server.accounts[1]


async def store(db: Database, world: World) -> None:
    """Store all members with their points, and the rows of guilds."""
    servers = list(world.servers.values())
    await db.guild.welcome({server.id: server.name for server in servers})
    accounts = [account for server in servers for account in server.accounts]
    await db.user.create_many(
        [
            {"discord_id": each.id, "guild_id": each.server.id, "username": each.name, "points": POINTS}
            for each in accounts
        ]
    )
    await db.levels.create_many([{"guild_id": each.server.id, "member_id": each.id} for each in accounts])
    await db.permission_rank.create_many(
        [{"guild_id": server.id, "rank": 50, "name": "moderators"} for server in servers]
    )
    for server in servers:
        await db.permission_assignment.assign(server.id, server.roles["moderator"], 50)
    snippets = await db.snippet.create_many(
        [
            {"guild_id": server.id, "name": name, "content": f"{name} of {server.name}"}
            for server in servers
            for name in SNIPPETS
        ]
    )
    await db.snippet.create_many(
        [{"guild_id": each.guild_id, "name": ALIAS, "target_id": each.id} for each in snippets if each.name == "rules"]
    )
    await db.starboard.create_many(
        [{"guild_id": server.id, "channel_id": server.channels["stars"], "threshold": 2} for server in servers]
    )
