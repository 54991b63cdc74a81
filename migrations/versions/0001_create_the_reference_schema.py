"""Create the reference schema

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the reference schema."""
    op.create_table(
        "guilds",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("case_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guilds")),
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("name", name=op.f("uq_tags_name")),
    )
    op.create_table(
        "afks",
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["guild_id"], ["guilds.id"], name=op.f("fk_afks_guild_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("guild_id", "member_id", name=op.f("pk_afks")),
    )
    op.create_index("idx_afk_temporary", "afks", ["until"], unique=False, postgresql_where=sa.text("until IS NOT NULL"))
    op.create_index(op.f("ix_afks_member_id"), "afks", ["member_id"], unique=False)
    op.create_table(
        "guild_configs",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("prefix", sa.String(length=5), server_default="!", nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("mod_log_id", sa.BigInteger(), nullable=True),
        sa.Column("ignored_channel_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("banned_words", sa.ARRAY(sa.String(length=50)), nullable=False),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["guilds.id"], name=op.f("fk_guild_configs_guild_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_guild_configs")),
    )
    op.create_table(
        "levels",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("xp", sa.Float(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("blacklisted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["guild_id"], ["guilds.id"], name=op.f("fk_levels_guild_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("guild_id", "member_id", name=op.f("pk_levels")),
    )
    op.create_index("idx_levels_leaderboard", "levels", ["guild_id", sa.literal_column("xp DESC")], unique=False)
    op.create_table(
        "permission_commands",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("command", sa.String(length=100), nullable=False),
        sa.Column("required_rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["guilds.id"], name=op.f("fk_permission_commands_guild_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission_commands")),
        sa.UniqueConstraint("guild_id", "command", name=op.f("uq_permission_commands_guild_id_command")),
    )
    op.create_table(
        "permission_ranks",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["guilds.id"], name=op.f("fk_permission_ranks_guild_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission_ranks")),
        sa.UniqueConstraint("guild_id", "name", name=op.f("uq_permission_ranks_guild_id_name")),
        sa.UniqueConstraint("guild_id", "rank", name=op.f("uq_permission_ranks_guild_id_rank")),
    )
    op.create_table(
        "snippets",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("content", sa.String(length=2000), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["guild_id"], ["guilds.id"], name=op.f("fk_snippets_guild_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target_id"], ["snippets.id"], name=op.f("fk_snippets_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snippets")),
    )
    op.create_index(op.f("ix_snippets_target_id"), "snippets", ["target_id"], unique=False)
    op.create_index(
        "uq_snippets_guild_id_lower_name", "snippets", ["guild_id", sa.literal_column("lower(name)")], unique=True
    )
    op.create_table(
        "starboards",
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("emoji", sa.String(length=64), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["guild_id"], ["guilds.id"], name=op.f("fk_starboards_guild_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_starboards")),
    )
    op.create_table(
        "users",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("discord_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("points", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("points >= 0", name=op.f("ck_users_points_not_negative")),
        sa.ForeignKeyConstraint(["guild_id"], ["guilds.id"], name=op.f("fk_users_guild_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("discord_id", name=op.f("uq_users_discord_id")),
    )
    op.create_index(op.f("ix_users_guild_id"), "users", ["guild_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.Enum("BAN", "KICK", "TIMEOUT", "WARN", "NOTE", name="case_type"), nullable=False),
        sa.Column("moderator_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["guild_id"], ["guilds.id"], name=op.f("fk_cases_guild_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["moderator_id"], ["users.id"], name=op.f("fk_cases_moderator_id")),
        sa.ForeignKeyConstraint(["target_id"], ["users.id"], name=op.f("fk_cases_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("guild_id", "number", name=op.f("uq_cases_guild_id_number")),
    )
    op.create_index(
        "idx_case_expiring",
        "cases",
        ["expires_at"],
        unique=False,
        postgresql_where="is_active AND expires_at IS NOT NULL",
    )
    op.create_index("ix_cases_guild_id_type", "cases", ["guild_id", "type"], unique=False)
    op.create_index(op.f("ix_cases_moderator_id"), "cases", ["moderator_id"], unique=False)
    op.create_index(op.f("ix_cases_target_id"), "cases", ["target_id"], unique=False)
    op.create_table(
        "permission_assignments",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("rank_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["guilds.id"], name=op.f("fk_permission_assignments_guild_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["rank_id"], ["permission_ranks.id"], name=op.f("fk_permission_assignments_rank_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission_assignments")),
        sa.UniqueConstraint("guild_id", "role_id", name=op.f("uq_permission_assignments_guild_id_role_id")),
    )
    op.create_index(op.f("ix_permission_assignments_rank_id"), "permission_assignments", ["rank_id"], unique=False)
    op.create_table(
        "points_transactions",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("sender_id", sa.Integer(), nullable=False),
        sa.Column("receiver_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("fee_rate", sa.Numeric(precision=5, scale=4), nullable=False),
        sa.Column(
            "fee", sa.Numeric(precision=12, scale=4), sa.Computed("amount * fee_rate", persisted=True), nullable=True
        ),
        sa.CheckConstraint("sender_id <> receiver_id", name=op.f("ck_points_transactions_two_members")),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["users.id"], name=op.f("fk_points_transactions_receiver_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["users.id"], name=op.f("fk_points_transactions_sender_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_points_transactions")),
    )
    op.create_index(op.f("ix_points_transactions_receiver_id"), "points_transactions", ["receiver_id"], unique=False)
    op.create_index(op.f("ix_points_transactions_sender_id"), "points_transactions", ["sender_id"], unique=False)
    op.create_table(
        "reminders",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=50), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.String(length=2000), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reminders_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
    )
    op.create_index(
        "idx_reminder_pending", "reminders", ["expires_at"], unique=False, postgresql_where=sa.text("NOT sent")
    )
    op.create_index(op.f("ix_reminders_user_id"), "reminders", ["user_id"], unique=False)
    op.create_index(
        "uq_reminder_pending", "reminders", ["user_id", "key"], unique=True, postgresql_where=sa.text("sent = false")
    )
    op.create_table(
        "snippet_tags",
        sa.Column("snippet_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snippet_id"], ["snippets.id"], name=op.f("fk_snippet_tags_snippet_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_snippet_tags_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snippet_id", "tag_id", name=op.f("pk_snippet_tags")),
    )
    op.create_index(op.f("ix_snippet_tags_tag_id"), "snippet_tags", ["tag_id"], unique=False)
    op.create_table(
        "starboard_messages",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("posted_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guild_id"], ["starboards.guild_id"], name=op.f("fk_starboard_messages_guild_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_starboard_messages")),
        sa.UniqueConstraint("posted_id", name=op.f("uq_starboard_messages_posted_id")),
    )
    op.create_index(op.f("ix_starboard_messages_guild_id"), "starboard_messages", ["guild_id"], unique=False)


def downgrade() -> None:
    """Remove everything that `upgrade` made; a table takes its indexes along, an enum type stays behind."""
    op.drop_table("starboard_messages")
    op.drop_table("snippet_tags")
    op.drop_table("reminders")
    op.drop_table("points_transactions")
    op.drop_table("permission_assignments")
    op.drop_table("cases")
    op.drop_table("users")
    op.drop_table("starboards")
    op.drop_table("snippets")
    op.drop_table("permission_ranks")
    op.drop_table("permission_commands")
    op.drop_table("levels")
    op.drop_table("guild_configs")
    op.drop_table("afks")
    op.drop_table("tags")
    op.drop_table("guilds")
    sa.Enum(name="case_type").drop(op.get_bind())
