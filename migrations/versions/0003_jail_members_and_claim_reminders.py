"""Jail members, and let workers claim reminders.

Adding nullable columns and an enum label takes no time, however large the tables are.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-25 15:00:00+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns and a label. The label must be committed before it is used."""
    op.add_column("guild_configs", sa.Column("jail_role_id", sa.BigInteger))
    op.add_column("reminders", sa.Column("claimed_until", sa.DateTime(timezone=True)))
    op.execute("ALTER TYPE case_type ADD VALUE IF NOT EXISTS 'JAIL'")


def downgrade() -> None:
    """Drop them. A label cannot be dropped, so the type is created again, and jail cases become notes."""
    op.execute("ALTER TYPE case_type RENAME TO case_type_with_jail")
    op.execute("CREATE TYPE case_type AS ENUM ('BAN', 'KICK', 'TIMEOUT', 'WARN', 'NOTE')")
    op.execute(
        "ALTER TABLE cases ALTER COLUMN type TYPE case_type "
        "USING (CASE type::text WHEN 'JAIL' THEN 'NOTE' ELSE type::text END)::case_type"
    )
    op.execute("DROP TYPE case_type_with_jail")
    op.drop_column("reminders", "claimed_until")
    op.drop_column("guild_configs", "jail_role_id")
