"""Create the reference schema.

Revision ID: 0001
Revises:
Create Date: 2026-11-23 09:00:00+00:00
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    *("guilds", "guild_configs", "users", "cases", "points_transactions", "reminders", "afks", "levels"),
    *("tags", "snippets", "snippet_tags", "starboards", "starboard_messages"),
    *("permission_ranks", "permission_assignments", "permission_commands"),
)


def upgrade() -> None:
    """Create the tables, each after the tables that it refers to."""
    create_guilds()
    create_users()
    create_cases()
    create_points_transactions()
    create_reminders()
    create_presence()
    create_snippets()
    create_starboards()
    create_permissions()


def downgrade() -> None:
    """Drop all tables and types."""
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP TYPE case_type")


def create_guilds() -> None:
    """Guilds and their settings."""
    op.create_table(
        "guilds",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("case_count", sa.Integer, server_default=sa.text("0"), nullable=False),
        *stamps(),
        primary_key("guilds", "id"),
        check("guilds", "case_count_not_negative", "case_count >= 0"),
    )
    op.create_table(
        "guild_configs",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("prefix", sa.String(5), server_default="!", nullable=False),
        sa.Column("locale", sa.String(10), server_default="en", nullable=False),
        sa.Column("mod_log_id", sa.BigInteger),
        sa.Column("ignored_channel_ids", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("banned_words", sa.ARRAY(sa.String(50)), nullable=False),
        *stamps(),
        primary_key("guild_configs", "guild_id"),
        foreign_key("guild_configs", "guild_id", "guilds.id", ondelete="CASCADE"),
    )


def create_users() -> None:
    """Members."""
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("discord_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("username", sa.String(100), nullable=False),
        sa.Column("points", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean, server_default=sa.true(), nullable=False),
        *stamps(),
        primary_key("users", "id"),
        unique("users", "discord_id"),
        foreign_key("users", "guild_id", "guilds.id", ondelete="CASCADE"),
        check("users", "points_not_negative", "points >= 0"),
    )
    op.create_index("ix_users_guild_id", "users", ["guild_id"])


def create_cases() -> None:
    """Moderation cases, and the enum of their types."""
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("type", sa.Enum("BAN", "KICK", "TIMEOUT", "WARN", "NOTE", name="case_type"), nullable=False),
        sa.Column("moderator_id", sa.Integer, nullable=False),
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(2000)),
        sa.Column("metadata", postgresql.JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_active", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        *stamps(),
        primary_key("cases", "id"),
        unique("cases", "guild_id", "number"),
        foreign_key("cases", "guild_id", "guilds.id", ondelete="CASCADE"),
        foreign_key("cases", "moderator_id", "users.id"),
        foreign_key("cases", "target_id", "users.id"),
        check("cases", "number_positive", "number > 0"),
    )
    op.create_index("ix_cases_guild_id_type", "cases", ["guild_id", "type"])
    op.create_index("ix_cases_moderator_id", "cases", ["moderator_id"])
    op.create_index("ix_cases_target_id", "cases", ["target_id"])
    expiring = sa.text("is_active AND expires_at IS NOT NULL")
    op.create_index("idx_case_expiring", "cases", ["expires_at"], postgresql_where=expiring)


def create_points_transactions() -> None:
    """Transfers of points."""
    op.create_table(
        "points_transactions",
        sa.Column("id", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("sender_id", sa.Integer, nullable=False),
        sa.Column("receiver_id", sa.Integer, nullable=False),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.Column("fee_rate", sa.Numeric(5, 4), nullable=False),
        sa.Column("fee", sa.Numeric(14, 4), sa.Computed("amount * fee_rate", persisted=True)),
        *stamps(),
        primary_key("points_transactions", "id"),
        foreign_key("points_transactions", "sender_id", "users.id", ondelete="CASCADE"),
        foreign_key("points_transactions", "receiver_id", "users.id", ondelete="CASCADE"),
        check("points_transactions", "two_members", "sender_id <> receiver_id"),
        check("points_transactions", "amount_positive", "amount > 0"),
    )
    op.create_index("ix_points_transactions_sender_id", "points_transactions", ["sender_id"])
    op.create_index("ix_points_transactions_receiver_id", "points_transactions", ["receiver_id"])


def create_reminders() -> None:
    """Reminders, with indexes on those not sent yet."""
    op.create_table(
        "reminders",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(50), nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("content", sa.String(2000), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repeats_every", sa.Interval),
        sa.Column("sent", sa.Boolean, server_default=sa.false(), nullable=False),
        *stamps(),
        primary_key("reminders", "id"),
        foreign_key("reminders", "user_id", "users.id", ondelete="CASCADE"),
    )
    pending = sa.text("NOT sent")
    op.create_index("ix_reminders_user_id", "reminders", ["user_id"])
    op.create_index("idx_reminder_pending", "reminders", ["expires_at"], postgresql_where=pending)
    op.create_index("uq_reminder_pending", "reminders", ["user_id", "key"], unique=True, postgresql_where=pending)


def create_presence() -> None:
    """Members who are away, and members who are active."""
    op.create_table(
        "afks",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        primary_key("afks", "guild_id", "member_id"),
        foreign_key("afks", "guild_id", "guilds.id", ondelete="CASCADE"),
    )
    op.create_index("ix_afks_member_id", "afks", ["member_id"])
    op.create_index("idx_afk_temporary", "afks", ["until"], postgresql_where=sa.text("until IS NOT NULL"))
    op.create_table(
        "levels",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("xp", sa.Float, server_default=sa.text("0"), nullable=False),
        sa.Column("level", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("blacklisted", sa.Boolean, nullable=False),
        *stamps(),
        primary_key("levels", "guild_id", "member_id"),
        foreign_key("levels", "guild_id", "guilds.id", ondelete="CASCADE"),
    )
    op.create_index("idx_levels_leaderboard", "levels", ["guild_id", sa.text("xp DESC")])


def create_snippets() -> None:
    """Snippets and their tags."""
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        primary_key("tags", "id"),
        unique("tags", "name"),
    )
    op.create_table(
        "snippets",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("author_id", sa.Integer),
        sa.Column("target_id", sa.Integer),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("content", sa.String(2000)),
        sa.Column("uses", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("locked", sa.Boolean, server_default=sa.false(), nullable=False),
        *stamps(),
        primary_key("snippets", "id"),
        foreign_key("snippets", "guild_id", "guilds.id", ondelete="CASCADE"),
        foreign_key("snippets", "author_id", "users.id", ondelete="SET NULL"),
        foreign_key("snippets", "target_id", "snippets.id", ondelete="CASCADE"),
        check("snippets", "no_alias_of_itself", "target_id <> id"),
    )
    op.create_index("ix_snippets_author_id", "snippets", ["author_id"])
    op.create_index("ix_snippets_target_id", "snippets", ["target_id"])
    op.create_index("uq_snippets_guild_id_lower_name", "snippets", ["guild_id", sa.text("lower(name)")], unique=True)
    op.create_table(
        "snippet_tags",
        sa.Column("snippet_id", sa.Integer, nullable=False),
        sa.Column("tag_id", sa.Integer, nullable=False),
        primary_key("snippet_tags", "snippet_id", "tag_id"),
        foreign_key("snippet_tags", "snippet_id", "snippets.id", ondelete="CASCADE"),
        foreign_key("snippet_tags", "tag_id", "tags.id", ondelete="CASCADE"),
    )
    op.create_index("ix_snippet_tags_tag_id", "snippet_tags", ["tag_id"])


def create_starboards() -> None:
    """Starboards and the messages on them."""
    op.create_table(
        "starboards",
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("emoji", sa.String(64), nullable=False),
        sa.Column("threshold", sa.Integer, nullable=False),
        primary_key("starboards", "guild_id"),
        foreign_key("starboards", "guild_id", "guilds.id", ondelete="CASCADE"),
    )
    op.create_table(
        "starboard_messages",
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("author_id", sa.BigInteger, nullable=False),
        sa.Column("posted_id", sa.BigInteger, nullable=False),
        sa.Column("stars", sa.Integer, nullable=False),
        *stamps(),
        primary_key("starboard_messages", "message_id"),
        unique("starboard_messages", "posted_id"),
        foreign_key("starboard_messages", "guild_id", "starboards.guild_id", ondelete="CASCADE"),
    )
    op.create_index("ix_starboard_messages_guild_id", "starboard_messages", ["guild_id"])


def create_permissions() -> None:
    """Ranks, the roles that have them, and the commands that require them."""
    op.create_table(
        "permission_ranks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("description", sa.String(200)),
        *stamps(),
        primary_key("permission_ranks", "id"),
        unique("permission_ranks", "guild_id", "rank"),
        unique("permission_ranks", "guild_id", "name"),
        foreign_key("permission_ranks", "guild_id", "guilds.id", ondelete="CASCADE"),
        check("permission_ranks", "rank_range", "rank BETWEEN 0 AND 100"),
    )
    op.create_table(
        "permission_assignments",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("role_id", sa.BigInteger, nullable=False),
        sa.Column("rank_id", sa.Integer, nullable=False),
        *stamps(),
        primary_key("permission_assignments", "id"),
        unique("permission_assignments", "guild_id", "role_id"),
        foreign_key("permission_assignments", "guild_id", "guilds.id", ondelete="CASCADE"),
        foreign_key("permission_assignments", "rank_id", "permission_ranks.id", ondelete="CASCADE"),
    )
    op.create_index("ix_permission_assignments_rank_id", "permission_assignments", ["rank_id"])
    op.create_table(
        "permission_commands",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("command", sa.String(100), nullable=False),
        sa.Column("required_rank", sa.Integer, nullable=False),
        *stamps(),
        primary_key("permission_commands", "id"),
        unique("permission_commands", "guild_id", "command"),
        foreign_key("permission_commands", "guild_id", "guilds.id", ondelete="CASCADE"),
        check("permission_commands", "required_rank_range", "required_rank BETWEEN 0 AND 100"),
    )


# Names are written out and marked as final by `op.f`, so that the models' naming convention can change later.


def stamps() -> tuple[sa.Column[datetime], sa.Column[datetime]]:
    """Return the columns for the times when a row was created and last changed."""
    moment = sa.DateTime(timezone=True)
    return sa.Column("created_at", moment, server_default=sa.func.now(), nullable=False), sa.Column(
        "updated_at", moment
    )


def primary_key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """Name the primary key."""
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    """Name a unique constraint."""
    return sa.UniqueConstraint(*columns, name=op.f("_".join(("uq", table, *columns))))


def foreign_key(table: str, column: str, target: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """Name a foreign key."""
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    """Name a check constraint."""
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
