"""``make demo``: migrates, then plays a short scenario through the bot's cogs, counting the SQL of each step.

A stand-in in the same process replaces Discord; everything else is the bot as it runs with a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import discord

from bot.client import Bot
from bot.cogs.levels import LevelsCog
from bot.cogs.reminders import RemindersCog
from bot.embedded import database_url
from bot.migrate import migrate
from bot.standin import Account, Discord, Exchange, Server, World
from generated import Database

GUILD, MEMBER = 1_118_000_000_000_000_000, 1_000_000_000_000_000_000
NAMES = ("ada", "brian", "chen", "dora", "edsger", "frances", "grace")


def main() -> None:
    """Migrate the database, and play the scenario."""
    asyncio.run(play(database_url()))


async def play(url: str) -> None:
    """Play the scenario."""
    async with Database(url, application_name="ctrlgen demo") as db:
        await migrate(db, url)
        await db.guild.delete_by_id(GUILD)  # the rows of an earlier run
        world = World()
        server = world.create_server(GUILD, "Analytical Engine Society", "jailed", "member", "moderator")
        for number, name in enumerate(NAMES, 1):
            server.join(MEMBER + number, name, "moderator" if number <= 2 else "member")
        bot = Bot(db, guild_ready_timeout=0.05)
        with step("The bot comes into a guild"):
            async with Discord.serving(bot, world) as served:
                scenario = Scenario(served, server)
                print(f"  {server.name}, with {len(server.accounts)} members ({await db.guild.count()} guild stored)")
                await scenario.play()


class Scenario:
    """Messages of members to the bot, and its answers."""

    def __init__(self, served: Discord, server: Server) -> None:
        self.served, self.server, self.db = served, server, served.bot.db
        self.people: dict[str, Account] = {account.name: account for account in server.accounts}

    async def play(self) -> None:
        """Play every step."""
        await self.configure()
        await self.talk()
        await self.hand_over_points()
        await self.moderate()
        await self.keep_snippets()
        await self.remind()
        await self.show_pages()

    async def configure(self) -> None:
        """Set a prefix, and the rank that a command requires."""
        with step("Settings and ranks"):
            await self.say("ada", "!prefix ?")
            await self.say("ada", "?addrank 50 moderators")
            await self.say("ada", f"?giverank <@&{self.server.roles['moderator']}> 50")
            await self.say("chen", f"?warn {self.mention('dora')} spam")

    async def talk(self) -> None:
        """Let members earn experience at the same time, without a lost update."""
        with step("Five members talk at the same time"):
            cast("LevelsCog", self.served.bot.get_cog("Levels")).cooldown = timedelta()
            await asyncio.gather(*(self.chatter(name) for name in NAMES[:5]))
            levels = self.db.levels
            print(f"  together they have {await levels.find_by_guild_id(GUILD).sum(levels.c.xp):.0f} XP")
            await self.say("chen", "?rank")

    async def chatter(self, name: str) -> None:
        """Let a member send eight messages."""
        for _ in range(8):
            await self.served.say(self.people[name], "hello")

    async def hand_over_points(self) -> None:
        """Give points in one transaction; a transfer that fails leaves no trace."""
        with step("A transfer, and one that is refused"):
            await self.say("dora", "?points")
            await self.say("brian", f"?award <@&{self.server.roles['member']}> 100")
            await self.say("dora", f"?give {self.mention('chen')} 50")
            await self.say("dora", f"?give {self.mention('chen')} 5000")

    async def moderate(self) -> None:
        """Open cases, which get consecutive numbers."""
        with step("Cases are opened with their numbers"):
            await self.say("brian", f"?warn {self.mention('chen')} spam")
            await self.say("brian", f"?timeout {self.mention('chen')} 10m more spam")
            await self.say("brian", "?reason 1 a misunderstanding")
            await self.say("brian", "?reason 7 nobody knows")

    async def keep_snippets(self) -> None:
        """Store a snippet, and find it by an alias."""
        with step("Snippets"):
            await self.say("chen", "?addsnippet Rules be kind")
            await self.say("chen", "?aliassnippet r rules")
            await self.say("dora", "?s R")
            await self.say("dora", "?addsnippet RULES be rude")

    async def remind(self) -> None:
        """Send a reminder once, although two workers claim at the same time."""
        with step("A reminder falls due"):
            await self.say("ada", "?remind tea 10m time for tea")
            await self.db.reminder.update_where(
                self.db.reminder.c.content == "time for tea", expires_at=discord.utils.utcnow()
            )
            worker = cast("RemindersCog", self.served.bot.get_cog("Reminders"))
            self.served.on_background_post = lambda text: print(f"  bot: {self.readable(text)}")
            await asyncio.gather(worker.send_all(), worker.send_all())

    async def show_pages(self) -> None:
        """Turn a page: it begins where the last page ended, even if rows were added meanwhile."""
        with step("A history of two pages, with buttons"):
            await self.db.user.award([MEMBER + 3], 1)
            for number in range(5):
                await self.served.say(self.people["brian"], f"?warn {self.mention('chen')} once more {number}")
            shown = await self.say("brian", f"?history {self.mention('chen')}")
            pressed = await self.served.press(self.people["brian"], shown.posted[-1], "Older")
            self.show(pressed)

    async def say(self, name: str, text: str) -> Exchange:
        """Let a member send a message, and print it with the bot's answers."""
        print(f"  {name}: {self.readable(text)}")
        exchange = await self.served.say(self.people[name], text)
        self.show(exchange)
        return exchange

    def show(self, exchange: Exchange) -> None:
        """Print the bot's answers, and the number of statements."""
        for text in exchange.said:
            print("\n".join(f"    bot: {line}" for line in self.readable(text).splitlines()))
        print(f"    ({len(exchange.statements)} SQL statements)")

    def mention(self, name: str) -> str:
        """Return the mention of a member."""
        return self.people[name].mention

    def readable(self, text: str) -> str:
        """Return a text with names instead of ids."""
        for account in self.people.values():
            text = text.replace(account.mention, f"@{account.name}")
        for role, role_id in self.server.roles.items():
            text = text.replace(f"<@&{role_id}>", f"@{role}")
        return text


@contextmanager
def step(title: str) -> Generator[None]:
    """Print the heading of a step."""
    print(f"\n{title}")
    yield


if __name__ == "__main__":
    main()
