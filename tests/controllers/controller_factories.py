"""Valid rows for tests: for each model what a new row takes, and a function that inserts one.

Rows that a row must refer to are made first. Constraints that only the database or a validator knows are not
considered: where one refuses a value, change it here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

from generated import Database
from generated.afk import AfkCreate
from generated.case import CaseCreate
from generated.guild import GuildCreate
from generated.guild_config import GuildConfigCreate
from generated.levels import LevelsCreate
from generated.permission_assignment import PermissionAssignmentCreate
from generated.permission_command import PermissionCommandCreate
from generated.permission_rank import PermissionRankCreate
from generated.points_transaction import PointsTransactionCreate
from generated.reminder import ReminderCreate
from generated.snippet import SnippetCreate
from generated.snippet_tag import SnippetTagCreate
from generated.starboard import StarboardCreate
from generated.starboard_message import StarboardMessageCreate
from generated.tag import TagCreate
from generated.user import UserCreate
from models.case import Case, CaseType
from models.guild import Guild, GuildConfig
from models.permission import PermissionAssignment, PermissionCommand, PermissionRank
from models.points import PointsTransaction
from models.presence import Afk, Levels
from models.reminder import Reminder
from models.snippet import Snippet, SnippetTag, Tag
from models.starboard import Starboard, StarboardMessage
from models.user import User

T = TypeVar("T")

numbers = count(1)


def present(value: T | None) -> T:
    """Return a value that is there."""
    assert value is not None
    return value


async def afk_values(db: Database) -> AfkCreate:
    """Return what a new `Afk` takes."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "member_id": next(numbers),
        "reason": f"reason {next(numbers)}",
    }


async def new_afk(db: Database) -> Afk:
    """Insert one `Afk`."""
    return await db.afk.create(**await afk_values(db))


async def case_values(db: Database) -> CaseCreate:
    """Return what a new `Case` takes."""
    guild = await new_guild(db)
    moderator = await new_user(db)
    target = await new_user(db)
    return {
        "guild_id": guild.id,
        "number": next(numbers),
        "type": CaseType.BAN,
        "moderator_id": present(moderator.id),
        "target_id": present(target.id),
    }


async def new_case(db: Database) -> Case:
    """Insert one `Case`."""
    return await db.case.create(**await case_values(db))


async def guild_values(db: Database) -> GuildCreate:
    """Return what a new `Guild` takes."""
    return {
        "id": next(numbers),
        "name": f"name {next(numbers)}",
    }


async def new_guild(db: Database) -> Guild:
    """Insert one `Guild`."""
    return await db.guild.create(**await guild_values(db))


async def guild_config_values(db: Database) -> GuildConfigCreate:
    """Return what a new `GuildConfig` takes."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
    }


async def new_guild_config(db: Database) -> GuildConfig:
    """Insert one `GuildConfig`."""
    return await db.guild_config.create(**await guild_config_values(db))


async def levels_values(db: Database) -> LevelsCreate:
    """Return what a new `Levels` takes."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "member_id": next(numbers),
    }


async def new_levels(db: Database) -> Levels:
    """Insert one `Levels`."""
    return await db.levels.create(**await levels_values(db))


async def permission_assignment_values(db: Database) -> PermissionAssignmentCreate:
    """Return what a new `PermissionAssignment` takes."""
    guild = await new_guild(db)
    rank = await new_permission_rank(db)
    return {
        "guild_id": guild.id,
        "role_id": next(numbers),
        "rank_id": present(rank.id),
    }


async def new_permission_assignment(db: Database) -> PermissionAssignment:
    """Insert one `PermissionAssignment`."""
    return await db.permission_assignment.create(**await permission_assignment_values(db))


async def permission_command_values(db: Database) -> PermissionCommandCreate:
    """Return what a new `PermissionCommand` takes."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "command": f"command {next(numbers)}",
        "required_rank": 0,
    }


async def new_permission_command(db: Database) -> PermissionCommand:
    """Insert one `PermissionCommand`."""
    return await db.permission_command.create(**await permission_command_values(db))


async def permission_rank_values(db: Database) -> PermissionRankCreate:
    """Return what a new `PermissionRank` takes."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "rank": 0,
        "name": f"name {next(numbers)}",
    }


async def new_permission_rank(db: Database) -> PermissionRank:
    """Insert one `PermissionRank`."""
    return await db.permission_rank.create(**await permission_rank_values(db))


async def points_transaction_values(db: Database) -> PointsTransactionCreate:
    """Return what a new `PointsTransaction` takes."""
    receiver = await new_user(db)
    sender = await new_user(db)
    return {
        "sender_id": present(sender.id),
        "receiver_id": present(receiver.id),
        "amount": next(numbers),
    }


async def new_points_transaction(db: Database) -> PointsTransaction:
    """Insert one `PointsTransaction`."""
    return await db.points_transaction.create(**await points_transaction_values(db))


async def reminder_values(db: Database) -> ReminderCreate:
    """Return what a new `Reminder` takes."""
    user = await new_user(db)
    return {
        "user_id": present(user.id),
        "key": f"key {next(numbers)}",
        "channel_id": next(numbers),
        "content": f"content {next(numbers)}",
        "expires_at": datetime.now(UTC),
    }


async def new_reminder(db: Database) -> Reminder:
    """Insert one `Reminder`."""
    return await db.reminder.create(**await reminder_values(db))


async def snippet_values(db: Database) -> SnippetCreate:
    """Return what a new `Snippet` takes."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "name": f"name {next(numbers)}",
    }


async def new_snippet(db: Database) -> Snippet:
    """Insert one `Snippet`."""
    return await db.snippet.create(**await snippet_values(db))


async def snippet_tag_values(db: Database) -> SnippetTagCreate:
    """Return what a new `SnippetTag` takes."""
    snippet = await new_snippet(db)
    tag = await new_tag(db)
    return {
        "snippet_id": present(snippet.id),
        "tag_id": present(tag.id),
    }


async def new_snippet_tag(db: Database) -> SnippetTag:
    """Insert one `SnippetTag`."""
    return await db.snippet_tag.create(**await snippet_tag_values(db))


async def starboard_values(db: Database) -> StarboardCreate:
    """Return what a new `Starboard` takes."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "channel_id": next(numbers),
    }


async def new_starboard(db: Database) -> Starboard:
    """Insert one `Starboard`."""
    return await db.starboard.create(**await starboard_values(db))


async def starboard_message_values(db: Database) -> StarboardMessageCreate:
    """Return what a new `StarboardMessage` takes."""
    guild = await new_starboard(db)
    return {
        "message_id": next(numbers),
        "guild_id": guild.guild_id,
        "author_id": next(numbers),
        "posted_id": next(numbers),
    }


async def new_starboard_message(db: Database) -> StarboardMessage:
    """Insert one `StarboardMessage`."""
    return await db.starboard_message.create(**await starboard_message_values(db))


async def tag_values(db: Database) -> TagCreate:
    """Return what a new `Tag` takes."""
    return {
        "name": f"name {next(numbers)}",
    }


async def new_tag(db: Database) -> Tag:
    """Insert one `Tag`."""
    return await db.tag.create(**await tag_values(db))


async def user_values(db: Database) -> UserCreate:
    """Return what a new `User` takes."""
    guild = await new_guild(db)
    return {
        "discord_id": next(numbers),
        "guild_id": guild.id,
        "username": f"username {next(numbers)}",
    }


async def new_user(db: Database) -> User:
    """Insert one `User`."""
    return await db.user.create(**await user_values(db))
