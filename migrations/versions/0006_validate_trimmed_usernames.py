"""Find every username trimmed.

The second of two steps: VALIDATE reads the whole table under a lock that lets others read and write.

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
    """Leave it validated: 0005 drops it."""
