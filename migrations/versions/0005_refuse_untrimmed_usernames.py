"""Refuse usernames with space around them, from now on.

The first of two steps: NOT VALID holds for what is written from now on, and looks at no row that is there, so the lock
on the table lasts a moment.

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
    """Add the constraint; who cannot lock the table at once gives up instead of queueing everybody behind it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "ALTER TABLE users ADD CONSTRAINT ck_users_username_trimmed "
        "CHECK (username <> '' AND username = btrim(username)) NOT VALID"
    )


def downgrade() -> None:
    """Drop the constraint."""
    op.drop_constraint(op.f("ck_users_username_trimmed"), "users", type_="check")
