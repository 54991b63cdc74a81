"""``make demo``: migrates, then plays a short scenario through ``generated``, counting the SQL of each step."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from alembic import command
from alembic.config import Config

from bot.embedded import PROJECT, database_url
from bot.moderation import key, open_case, take_due_reminders, transfer
from generated import CheckViolation, Database, UnloadedError
from models import CaseType, User

GUILD = 1_118_000_000_000_000_001
NAMES = ("ada", "brian", "chen", "dora", "edsger", "frances", "grace")


def main() -> None:
    """Migrate the database, and play."""
    url = database_url()
    migrate(url)
    asyncio.run(play(url))


def migrate(url: str) -> None:
    """Bring the database to the newest revision."""
    config = Config(PROJECT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head")


async def play(url: str) -> None:
    """Play the scenario."""
    async with Database(url, application_name="ctrlgen demo") as db:
        log = StepLog(db)
        await db.guild.delete_by_id(GUILD)  # what an earlier run left
        await join_guild(db, log)
        users = await earn_points(db, log)
        await hand_over_points(db, log, users)
        await moderate(db, log, users)
        await remind(db, log, users)
        await show_leaderboard(db, log)


async def join_guild(db: Database, log: StepLog) -> None:
    """Join a guild; joining again changes nothing but the name."""
    with log.step("A guild joins"):
        await db.guild.upsert_by_id(id=GUILD, name="Analytical Engines")
        guild = await db.guild.upsert_by_id(id=GUILD, name="Analytical Engine Society")
        config, is_new = await db.guild_config.get_or_create_by_guild_id(guild_id=GUILD)
        log.say(f"{guild.name}: prefix {config.prefix!r}, config is {'new' if is_new else 'old'}")


async def earn_points(db: Database, log: StepLog) -> list[User]:
    """Members arrive in one statement, and earn points without a lost update."""
    with log.step("Members earn points"):
        users = await db.user.create_many(
            [{"discord_id": GUILD + number, "guild_id": GUILD, "username": name} for number, name in enumerate(NAMES)]
        )
        await asyncio.gather(
            *(
                db.user.update_by_id(key(user), points=db.user.c.points + 10 * number)
                for number, user in enumerate(users, 1)
                for _ in range(3)
            )
        )
        total = await db.user.find_by_guild_id(GUILD).sum(db.user.c.points)
        log.say(f"{len(users)} members, {total} points")
    return users


async def hand_over_points(db: Database, log: StepLog, users: list[User]) -> None:
    """Transfer points in one transaction; one that asks too much leaves no trace."""
    ada, grace = users[0], users[-1]
    with log.step("A transfer, and one that is refused"):
        await transfer(db, grace, ada, 50)
        try:
            await transfer(db, grace, ada, 5000)
        except CheckViolation as error:
            log.say(f"refused by {error.constraint}")
        for user in await db.user.find_all([db.user.c.id.in_([key(ada), key(grace)])], order_by=db.user.c.username):
            log.say(f"{user.username} has {user.points} points")


async def moderate(db: Database, log: StepLog, users: list[User]) -> None:
    """Two cases get the next numbers; relationships load when they are asked for, and only then."""
    with log.step("Cases are opened with their numbers"):
        for type_, reason in ((CaseType.WARN, "spam"), (CaseType.TIMEOUT, "more spam")):
            await open_case(db, GUILD, type_, moderator=users[0], target=users[3], reason=reason)
        for case in await db.case.find_by_guild_id(GUILD).load("moderator", "target"):
            log.say(f"#{case.number} {case.type}: {case.moderator.username} → {case.target.username}, {case.reason}")
        dora = await db.user.get_one_by_discord_id(users[3].discord_id)
        try:
            log.say(f"{len(dora.cases)} cases")
        except UnloadedError as error:
            log.say(f"not loaded: {error}")


async def remind(db: Database, log: StepLog, users: list[User]) -> None:
    """Two of three reminders are due; each is taken once."""
    now = datetime.now(UTC)
    with log.step("Reminders fall due"):
        for number, (name, minutes) in enumerate({"tea": -5, "lecture": -1, "sleep": 90}.items()):
            await db.reminder.upsert_pending_by_user_id_and_key(
                user_id=key(users[number]),
                key=name,
                channel_id=GUILD,
                content=f"time for {name}",
                expires_at=now + timedelta(minutes=minutes),
            )
        for reminder in await take_due_reminders(db, now, limit=10):
            log.say(f"{reminder.user.username}: {reminder.content}")
        log.say(f"{await db.reminder.count(sent=False)} still pending")


async def show_leaderboard(db: Database, log: StepLog) -> None:
    """Keyset pages: each begins where the last one ended, whoever was added meanwhile."""
    with log.step("The leaderboard, by pages of three"):
        cursor: str | None = None
        while True:
            page = await db.user.leaderboard(GUILD, size=3, after=cursor)
            log.say(", ".join(f"{user.username} {user.points}" for user in page.items))
            cursor = page.next
            if cursor is None:
                break


class StepLog:
    """Prints each step under a heading, and how many statements it took."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @contextmanager
    def step(self, title: str) -> Generator[None]:
        """Print the heading, let the block speak, and count its SQL."""
        sent: list[str] = []
        print(f"\n{title}")
        with self._db.watched(lambda statement, _: sent.append(statement)):
            yield
        print(f"  ({len(sent)} SQL statements)")

    def say(self, line: str) -> None:
        """Print one line of a step."""
        print(f"  {line}")


if __name__ == "__main__":
    main()
