"""Validate that all usernames are trimmed.

This is the second of two steps. VALIDATE reads the whole table under a lock that allows other transactions to read and
write.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-27 09:00:00+00:00
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Validate the constraint."""
    op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_username_trimmed")


def downgrade() -> None:
    """Keep the constraint validated. The downgrade of 0005 drops it."""
