"""What members do: each action is one event at the bot, and a check of what it answered."""

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
    """Members of all guilds, and what they have been told."""

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
        """Return a member, of some guild or of this one, whose roles are not the moderator's."""
        server = server or self.chance.choice(self.servers)
        return self.chance.choice(server.accounts[2:])

    async def act(self) -> tuple[str, Exchange]:
        """Let somebody do something."""
        action = self.chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        return await action(self)


async def chat(crowd: Crowd) -> tuple[str, Exchange]:
    """Say something, which earns experience."""
    exchange = await crowd.discord.say(crowd.somebody(), "hello everybody")
    back = any("Welcome back" in text for text in exchange.said)
    return "chat, back from afk" if back else "chat", exchange


async def give(crowd: Crowd) -> tuple[str, Exchange]:
    """Give points to somebody, few enough or too many."""
    sender = crowd.somebody()
    receiver = crowd.somebody(sender.server)
    if sender == receiver:
        return await chat(crowd)
    exchange = await crowd.discord.say(sender, f"!give {receiver.mention} {crowd.chance.randint(1, 400)}")
    crowd.tally["transfers"] += expect(exchange, r"gave|has fewer than").startswith("gave")
    return "give", exchange


async def warn(crowd: Crowd) -> tuple[str, Exchange]:
    """Warn somebody."""
    target = crowd.somebody()
    exchange = await crowd.discord.say(moderator_of(target.server), f"!warn {target.mention} spam")
    expect(exchange, r"#\d+ warn")
    crowd.tally["cases"] += 1
    return "warn", exchange


async def timeout(crowd: Crowd) -> tuple[str, Exchange]:
    """Silence somebody for a moment."""
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
    """Look at what was done to somebody, and at the page after that."""
    target = crowd.somebody()
    moderator = moderator_of(target.server)
    exchange = await crowd.discord.say(moderator, f"!history {target.mention}")
    expect(exchange, "Cases of")
    return "history", exchange


async def leaderboard(crowd: Crowd) -> tuple[str, Exchange]:
    """Look at the leaderboard."""
    return await told(crowd, "leaderboard", "!leaderboard", "Leaderboard")


async def older(crowd: Crowd) -> tuple[str, Exchange]:
    """Look at the richest, and then at those who follow."""
    reader = crowd.somebody()
    exchange = await crowd.discord.say(reader, "!richest")
    if "Older" not in str(exchange.requests[-1].body):
        return "richest", exchange
    exchange = await crowd.discord.press(reader, exchange.posted[-1], "Older")
    expect(exchange, "Page 2")
    return "older", exchange


async def snippet(crowd: Crowd) -> tuple[str, Exchange]:
    """Ask for a snippet, by its name or by another."""
    name = crowd.chance.choice([*SNIPPETS, ALIAS])
    exchange = await told(crowd, "alias" if name == ALIAS else "snippet", f"!s {name}", "of guild")
    crowd.tally["uses"] += 1
    return exchange


async def remind(crowd: Crowd) -> tuple[str, Exchange]:
    """Be reminded in a second."""
    crowd.reminders += 1
    key = f"{crowd.process}-{crowd.reminders}"
    exchange = await told(crowd, "remind", f"!remind {key} 1s reminder {key}", "I will remind you")
    crowd.tally["reminders"] += 1
    return exchange


async def star(crowd: Crowd) -> tuple[str, Exchange]:
    """Star a message that others starred, too, or the latest."""
    world = crowd.discord.world
    if crowd.starred not in world.messages or crowd.chance.random() < 0.3:
        crowd.starred = next(reversed(world.messages))
    server = world.servers[int(world.messages[crowd.starred]["guild_id"])]
    return "star", await crowd.discord.react(crowd.somebody(server), crowd.starred)


async def told(crowd: Crowd, name: str, text: str, answer: str) -> tuple[str, Exchange]:
    """Give a command, and check what it is answered."""
    exchange = await crowd.discord.say(crowd.somebody(), text)
    expect(exchange, answer)
    return name, exchange


def simple(name: str, text: str, answer: str) -> Action:
    """Return the action of a command without arguments of its own."""

    async def action(crowd: Crowd) -> tuple[str, Exchange]:
        return await told(crowd, name, text, answer)

    return action


def expect(exchange: Exchange, pattern: str) -> str:
    """Return what of an answer matches.

    Raises
    ------
    AssertionError
        The bot has answered something else.
    """
    said = "\n".join(exchange.said)
    if (match := re.search(pattern, said)) is None:
        raise AssertionError(f"{pattern!r} was expected, not {said!r}")
    return match[0]


ACTIONS: dict[Action, int] = {
    chat: 40,
    give: 8,
    simple("points", "!points", "has .* points"): 8,
    simple("rank", "!rank", "level"): 6,
    leaderboard: 3,
    simple("richest", "!richest", "The richest"): 2,
    older: 1,
    warn: 4,
    timeout: 1,
    reason: 2,
    history: 3,
    snippet: 8,
    simple("findsnippet", "!findsnippet ru", "rules"): 2,
    remind: 3,
    simple("reminders", "!reminders", "."): 2,
    simple("settings", "!settings", "Prefix"): 2,
    simple("afk", "!afk lunch", "is away"): 2,
    star: 3,
}
"""How often each happens, of a hundred."""
