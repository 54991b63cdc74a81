"""Valid rows for tests: for each model the values of a new row, and a function that inserts it.

Rows that a row must refer to are created first. The fields of the models accepted the values when this was written;
change values here that the database refuses.
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
    """Return a value, which must not be None."""
    assert value is not None
    return value


async def afk_values(db: Database) -> AfkCreate:
    """Return the values of a new `Afk`."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "member_id": next(numbers),
        "reason": f"reason {next(numbers)}",
    }


async def new_afk(db: Database) -> Afk:
    """Insert a valid row of `Afk`."""
    return await db.afk.create(**await afk_values(db))


async def case_values(db: Database) -> CaseCreate:
    """Return the values of a new `Case`."""
    guild = await new_guild(db)
    moderator = await new_user(db)
    target = await new_user(db)
    return {
        "guild_id": guild.id,
        "number": next(numbers),
        "type": CaseType.BAN,
        "moderator_id": moderator.id,
        "target_id": target.id,
    }


async def new_case(db: Database) -> Case:
    """Insert a valid row of `Case`."""
    return await db.case.create(**await case_values(db))


async def guild_values(db: Database) -> GuildCreate:
    """Return the values of a new `Guild`."""
    return {
        "id": next(numbers),
        "name": f"name {next(numbers)}",
    }


async def new_guild(db: Database) -> Guild:
    """Insert a valid row of `Guild`."""
    return await db.guild.create(**await guild_values(db))


async def guild_config_values(db: Database) -> GuildConfigCreate:
    """Return the values of a new `GuildConfig`."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
    }


async def new_guild_config(db: Database) -> GuildConfig:
    """Insert a valid row of `GuildConfig`."""
    return await db.guild_config.create(**await guild_config_values(db))


async def levels_values(db: Database) -> LevelsCreate:
    """Return the values of a new `Levels`."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "member_id": next(numbers),
    }


async def new_levels(db: Database) -> Levels:
    """Insert a valid row of `Levels`."""
    return await db.levels.create(**await levels_values(db))


async def permission_assignment_values(db: Database) -> PermissionAssignmentCreate:
    """Return the values of a new `PermissionAssignment`."""
    guild = await new_guild(db)
    rank = await new_permission_rank(db)
    return {
        "guild_id": guild.id,
        "role_id": next(numbers),
        "rank_id": rank.id,
    }


async def new_permission_assignment(db: Database) -> PermissionAssignment:
    """Insert a valid row of `PermissionAssignment`."""
    return await db.permission_assignment.create(**await permission_assignment_values(db))


async def permission_command_values(db: Database) -> PermissionCommandCreate:
    """Return the values of a new `PermissionCommand`."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "command": f"command {next(numbers)}",
        "required_rank": 0,
    }


async def new_permission_command(db: Database) -> PermissionCommand:
    """Insert a valid row of `PermissionCommand`."""
    return await db.permission_command.create(**await permission_command_values(db))


async def permission_rank_values(db: Database) -> PermissionRankCreate:
    """Return the values of a new `PermissionRank`."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "rank": 0,
        "name": f"name {next(numbers)}",
    }


async def new_permission_rank(db: Database) -> PermissionRank:
    """Insert a valid row of `PermissionRank`."""
    return await db.permission_rank.create(**await permission_rank_values(db))


async def points_transaction_values(db: Database) -> PointsTransactionCreate:
    """Return the values of a new `PointsTransaction`."""
    receiver = await new_user(db)
    sender = await new_user(db)
    return {
        "sender_id": sender.id,
        "receiver_id": receiver.id,
        "amount": next(numbers),
    }


async def new_points_transaction(db: Database) -> PointsTransaction:
    """Insert a valid row of `PointsTransaction`."""
    return await db.points_transaction.create(**await points_transaction_values(db))


async def reminder_values(db: Database) -> ReminderCreate:
    """Return the values of a new `Reminder`."""
    user = await new_user(db)
    return {
        "user_id": user.id,
        "key": f"key {next(numbers)}",
        "channel_id": next(numbers),
        "content": f"content {next(numbers)}",
        "expires_at": datetime.now(UTC),
    }


async def new_reminder(db: Database) -> Reminder:
    """Insert a valid row of `Reminder`."""
    return await db.reminder.create(**await reminder_values(db))


async def snippet_values(db: Database) -> SnippetCreate:
    """Return the values of a new `Snippet`."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "name": f"name {next(numbers)}",
    }


async def new_snippet(db: Database) -> Snippet:
    """Insert a valid row of `Snippet`."""
    return await db.snippet.create(**await snippet_values(db))


async def snippet_tag_values(db: Database) -> SnippetTagCreate:
    """Return the values of a new `SnippetTag`."""
    snippet = await new_snippet(db)
    tag = await new_tag(db)
    return {
        "snippet_id": snippet.id,
        "tag_id": tag.id,
    }


async def new_snippet_tag(db: Database) -> SnippetTag:
    """Insert a valid row of `SnippetTag`."""
    return await db.snippet_tag.create(**await snippet_tag_values(db))


async def starboard_values(db: Database) -> StarboardCreate:
    """Return the values of a new `Starboard`."""
    guild = await new_guild(db)
    return {
        "guild_id": guild.id,
        "channel_id": next(numbers),
    }


async def new_starboard(db: Database) -> Starboard:
    """Insert a valid row of `Starboard`."""
    return await db.starboard.create(**await starboard_values(db))


async def starboard_message_values(db: Database) -> StarboardMessageCreate:
    """Return the values of a new `StarboardMessage`."""
    guild = await new_starboard(db)
    return {
        "message_id": next(numbers),
        "guild_id": guild.guild_id,
        "author_id": next(numbers),
        "posted_id": next(numbers),
    }


async def new_starboard_message(db: Database) -> StarboardMessage:
    """Insert a valid row of `StarboardMessage`."""
    return await db.starboard_message.create(**await starboard_message_values(db))


async def tag_values(db: Database) -> TagCreate:
    """Return the values of a new `Tag`."""
    return {
        "name": f"name {next(numbers)}",
    }


async def new_tag(db: Database) -> Tag:
    """Insert a valid row of `Tag`."""
    return await db.tag.create(**await tag_values(db))


async def user_values(db: Database) -> UserCreate:
    """Return the values of a new `User`."""
    guild = await new_guild(db)
    return {
        "discord_id": next(numbers),
        "guild_id": guild.id,
        "username": f"username {next(numbers)}",
    }


async def new_user(db: Database) -> User:
    """Insert a valid row of `User`."""
    return await db.user.create(**await user_values(db))
