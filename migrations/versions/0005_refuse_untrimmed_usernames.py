"""Refuse new usernames with whitespace around them.

This is the first of two steps. A NOT VALID constraint applies to new and changed rows, and existing rows are not
checked, so the table is locked only briefly.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-26 15:00:00+00:00
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the constraint. If the lock is not granted soon, fail instead of blocking all other transactions."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "ALTER TABLE users ADD CONSTRAINT ck_users_username_trimmed "
        "CHECK (username <> '' AND username = btrim(username)) NOT VALID"
    )


def downgrade() -> None:
    """Drop the constraint."""
    op.drop_constraint(op.f("ck_users_username_trimmed"), "users", type_="check")
