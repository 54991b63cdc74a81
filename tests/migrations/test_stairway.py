"""Each migration, up and down and up again, with data in the tables."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.conftest import NewDatabase
from tests.migrations.conftest import alembic, execute, fetch

MEMBERS = 2500  # three batches of the data migration

DATA = f"""
INSERT INTO guilds (id, name) VALUES (1, 'home');
INSERT INTO guild_configs (guild_id, ignored_channel_ids, banned_words) VALUES (1, '{{}}', '{{}}');
INSERT INTO users (discord_id, guild_id, username)
    SELECT n, 1, CASE n % 3 WHEN 0 THEN '  u' || n || ' ' WHEN 1 THEN ' ' ELSE 'u' || n END
    FROM generate_series(1, {MEMBERS}) AS n;
INSERT INTO levels (guild_id, member_id, xp, level, blacklisted)
    SELECT 1, n, n, 1, false FROM generate_series(1, 50) AS n;
INSERT INTO cases (guild_id, number, type, moderator_id, target_id) VALUES (1, 1, 'WARN', 1, 2), (1, 2, 'NOTE', 1, 3);
INSERT INTO reminders (user_id, key, channel_id, content, expires_at) VALUES (1, 'tea', 1, 'time for tea', now());
"""

TABLES = ("guilds", "guild_configs", "users", "levels", "cases", "reminders")
USES = {
    "0002": "SELECT count(*) FROM levels WHERE last_message_at <= now()",
    "0003": "UPDATE cases SET type = 'JAIL' WHERE number = 1",
    "0005": "UPDATE users SET points = points + 1 WHERE username = btrim(username)",
}
"""Statements of a bot that uses a new revision, so that the downgrade meets their effects."""


def revisions(config: Config) -> list[str]:
    script = ScriptDirectory.from_config(config)
    return [revision.revision for revision in reversed(list(script.walk_revisions()))]


async def counts(url: str) -> list[tuple[object, ...]]:
    return [(await fetch(url, f"SELECT count(*) FROM {table}"))[0] for table in TABLES]


async def test_each_step_goes_up_down_and_up_again_with_data_in_the_tables(
    new_database: NewDatabase, config: Config
) -> None:
    first, *rest = revisions(config)
    async with new_database() as url:
        await alembic(config, url, "upgrade", first)
        await execute(url, DATA)
        before = await counts(url)
        for revision in rest:
            await alembic(config, url, "upgrade", revision)
            await execute(url, USES.get(revision, "SELECT 1"))
            await alembic(config, url, "downgrade", "-1")
            await alembic(config, url, "upgrade", revision)
            assert await counts(url) == before
        await alembic(config, url, "check")
        assert await fetch(url, "SELECT type::text FROM cases ORDER BY number") == [("NOTE",), ("NOTE",)]
        await alembic(config, url, "downgrade", first)
        assert await counts(url) == before


async def test_new_column_is_filled_for_existing_rows(new_database: NewDatabase, config: Config) -> None:
    async with new_database() as url:
        await alembic(config, url, "upgrade", "0001")
        await execute(url, DATA)
        await alembic(config, url, "upgrade", "0002")
        await execute(url, "INSERT INTO levels (guild_id, member_id, blacklisted) VALUES (1, 99, false)")
        assert await fetch(url, "SELECT count(*) FROM levels WHERE last_message_at IS NULL") == [(0,)]


async def test_interrupted_index_is_built_again(new_database: NewDatabase, config: Config) -> None:
    async with new_database() as url:
        await alembic(config, url, "upgrade", "0001")
        await execute(url, "ALTER TABLE levels ADD COLUMN last_message_at timestamptz NOT NULL DEFAULT now()")
        await execute(url, "CREATE INDEX ix_levels_last_message_at ON levels (last_message_at) WHERE false")
        await alembic(config, url, "upgrade", "head")
        await alembic(config, url, "check")
        assert await fetch(
            url, "SELECT indpred IS NULL FROM pg_index WHERE indexrelid = 'ix_levels_last_message_at'::regclass"
        ) == [(True,)]


async def test_usernames_are_trimmed_and_empty_ones_replaced(new_database: NewDatabase, config: Config) -> None:
    async with new_database() as url:
        await alembic(config, url, "upgrade", "0003")
        await execute(url, DATA)
        await alembic(config, url, "upgrade", "0004")
        names = "SELECT username FROM users ORDER BY id"
        expected = [(str(n) if n % 3 == 1 else f"u{n}",) for n in range(1, MEMBERS + 1)]
        assert await fetch(url, names) == expected


async def test_batches_are_committed_while_a_later_one_waits(new_database: NewDatabase, config: Config) -> None:
    """While another transaction locks the last row, the first batches are stored, and their members can be changed."""
    async with new_database() as url:
        await alembic(config, url, "upgrade", "0003")
        await execute(url, DATA)
        holder = await asyncpg.connect(url)
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute(f"UPDATE users SET points = 1 WHERE discord_id = {MEMBERS // 3 * 3}")
        migration = asyncio.create_task(alembic(config, url, "upgrade", "0004"))
        untrimmed = "SELECT count(*) FROM users WHERE discord_id <= 2000 AND username <> btrim(username)"
        async with asyncio.timeout(30):
            while await fetch(url, untrimmed) != [(0,)]:  # noqa: ASYNC110 - of another thread's connection
                await asyncio.sleep(0.02)
        assert not migration.done()
        await execute(url, "SET lock_timeout = '1s'", "UPDATE users SET points = points + 1 WHERE discord_id <= 2000")
        await transaction.commit()
        await holder.close()
        await migration
        assert await fetch(url, "SELECT count(*) FROM users WHERE username <> btrim(username)") == [(0,)]


async def test_constraint_applies_to_new_rows_first_and_to_all_rows_when_validated(
    new_database: NewDatabase, config: Config
) -> None:
    async with new_database() as url:
        await alembic(config, url, "upgrade", "0004")
        await execute(url, DATA.replace("generate_series(1, 2500)", "generate_series(1, 5)"))
        await alembic(config, url, "upgrade", "0005")
        with pytest.raises(asyncpg.CheckViolationError):
            await execute(url, "INSERT INTO users (discord_id, guild_id, username) VALUES (9, 1, ' ada')")
        with pytest.raises(Exception, match="ck_users_username_trimmed"):
            await alembic(config, url, "upgrade", "0006")
        await alembic(config, url, "downgrade", "0003")
        await alembic(config, url, "upgrade", "head")
        valid = "SELECT convalidated FROM pg_constraint WHERE conname = 'ck_users_username_trimmed'"
        assert await fetch(url, valid) == [(True,)]
