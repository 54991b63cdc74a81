"""The actions of members: each sends one event to the bot, and checks its answer."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.soak.population import ALIAS, SNIPPETS, moderator_of
from bot.standin import Account, Discord, Exchange, Server

Action = Callable[["Crowd"], Awaitable[tuple[str, Exchange]]]


@dataclass
class Crowd:
    """The members of all guilds, and a tally of the bot's answers."""

    discord: Discord
    chance: random.Random
    process: int
    tally: Counter[str] = field(default_factory=Counter[str])
    reminders: int = 0
    starred: int = 0

    @property
    def servers(self) -> list[Server]:
        """The guilds."""
        return list(self.discord.world.servers.values())

    def somebody(self, server: Server | None = None) -> Account:
        """Return a random member of a guild who is not a moderator."""
        server = server or self.chance.choice(self.servers)
        return self.chance.choice(server.accounts[2:])

    async def act(self) -> tuple[str, Exchange]:
        """Let a random member perform a random action."""
        action = self.chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        return await action(self)


async def chat(crowd: Crowd) -> tuple[str, Exchange]:
    """Send a message, which earns experience."""
    exchange = await crowd.discord.say(crowd.somebody(), "hello everybody")
    back = any("Welcome back" in text for text in exchange.said)
    return "chat, back from afk" if back else "chat", exchange


async def give(crowd: Crowd) -> tuple[str, Exchange]:
    """Give points to a member, sometimes more than the sender has."""
    sender = crowd.somebody()
    receiver = crowd.somebody(sender.server)
    if sender == receiver:
        return await chat(crowd)
    exchange = await crowd.discord.say(sender, f"!give {receiver.mention} {crowd.chance.randint(1, 400)}")
    crowd.tally["transfers"] += expect(exchange, r"gave|has fewer than").startswith("gave")
    return "give", exchange


async def warn(crowd: Crowd) -> tuple[str, Exchange]:
    """Warn a member."""
    target = crowd.somebody()
    exchange = await crowd.discord.say(moderator_of(target.server), f"!warn {target.mention} spam")
    expect(exchange, r"#\d+ warn")
    crowd.tally["cases"] += 1
    return "warn", exchange


async def timeout(crowd: Crowd) -> tuple[str, Exchange]:
    """Time a member out for a few seconds."""
    target = crowd.somebody()
    exchange = await crowd.discord.say(moderator_of(target.server), f"!timeout {target.mention} 5s caps")
    expect(exchange, r"#\d+ timeout")
    crowd.tally["cases"] += 1
    return "timeout", exchange


async def reason(crowd: Crowd) -> tuple[str, Exchange]:
    """Change the reason of the guild's first case, if it has one."""
    moderator = moderator_of(crowd.chance.choice(crowd.servers))
    exchange = await crowd.discord.say(moderator, "!reason 1 thought better of it")
    expect(exchange, "Case #1|There is no such case")
    return "reason", exchange


async def history(crowd: Crowd) -> tuple[str, Exchange]:
    """Show the cases of a member."""
    target = crowd.somebody()
    moderator = moderator_of(target.server)
    exchange = await crowd.discord.say(moderator, f"!history {target.mention}")
    expect(exchange, "Cases of")
    return "history", exchange


async def leaderboard(crowd: Crowd) -> tuple[str, Exchange]:
    """Show the leaderboard."""
    return await command(crowd, "leaderboard", "!leaderboard", "Leaderboard")


async def older(crowd: Crowd) -> tuple[str, Exchange]:
    """Show the richest members, and then the next page."""
    reader = crowd.somebody()
    exchange = await crowd.discord.say(reader, "!richest")
    if "Older" not in str(exchange.requests[-1].body):
        return "richest", exchange
    exchange = await crowd.discord.press(reader, exchange.posted[-1], "Older")
    expect(exchange, "Page 2")
    return "older", exchange


async def snippet(crowd: Crowd) -> tuple[str, Exchange]:
    """Ask for a snippet, by its name or by an alias."""
    name = crowd.chance.choice([*SNIPPETS, ALIAS])
    exchange = await command(crowd, "alias" if name == ALIAS else "snippet", f"!s {name}", "of guild")
    crowd.tally["uses"] += 1
    return exchange


async def remind(crowd: Crowd) -> tuple[str, Exchange]:
    """Set a reminder for in a second."""
    crowd.reminders += 1
    key = f"{crowd.process}-{crowd.reminders}"
    exchange = await command(crowd, "remind", f"!remind {key} 1s reminder {key}", "I will remind you")
    crowd.tally["reminders"] += 1
    return exchange


async def star(crowd: Crowd) -> tuple[str, Exchange]:
    """Star a message that others have starred, or the latest message."""
    world = crowd.discord.world
    if crowd.starred not in world.messages or crowd.chance.random() < 0.3:
        crowd.starred = next(reversed(world.messages))
    server = world.servers[int(world.messages[crowd.starred]["guild_id"])]
    return "star", await crowd.discord.react(crowd.somebody(server), crowd.starred)


async def command(crowd: Crowd, name: str, text: str, answer: str) -> tuple[str, Exchange]:
    """Send a command, and check its answer."""
    exchange = await crowd.discord.say(crowd.somebody(), text)
    expect(exchange, answer)
    return name, exchange


def simple_command(name: str, text: str, answer: str) -> Action:
    """Return an action that sends a fixed command."""

    async def action(crowd: Crowd) -> tuple[str, Exchange]:
        return await command(crowd, name, text, answer)

    return action


def expect(exchange: Exchange, pattern: str) -> str:
    """Return the part of the answer that matches.

    Raises
    ------
    AssertionError
        The bot gave another answer.
    """
    said = "\n".join(exchange.said)
    if (match := re.search(pattern, said)) is None:
        raise AssertionError(f"{pattern!r} was expected, not {said!r}")
    return match[0]


ACTIONS: dict[Action, int] = {
    chat: 40,
    give: 8,
    simple_command("points", "!points", "has .* points"): 8,
    simple_command("rank", "!rank", "level"): 6,
    leaderboard: 3,
    simple_command("richest", "!richest", "The richest"): 2,
    older: 1,
    warn: 4,
    timeout: 1,
    reason: 2,
    history: 3,
    snippet: 8,
    simple_command("findsnippet", "!findsnippet ru", "rules"): 2,
    remind: 3,
    simple_command("reminders", "!reminders", "."): 2,
    simple_command("settings", "!settings", "Prefix"): 2,
    simple_command("afk", "!afk lunch", "is away"): 2,
    star: 3,
}
"""The share of each action, in percent."""
