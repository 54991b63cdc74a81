"""Remember when a message last earned a member experience.

The cooldown of experience and the search for silent members (`db.levels.find_by_last_message_at`) use it. A column with
a constant default does not rewrite the table, and `now()` is constant within a statement. The index is built without
blocking writers, which PostgreSQL only does outside a transaction.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-25 09:00:00+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, then its index."""
    op.add_column(
        "levels",
        sa.Column("last_message_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        if_not_exists=True,  # the following block commits this, and may fail
    )
    with op.get_context().autocommit_block():
        # An interrupted attempt leaves an invalid index, which IF NOT EXISTS would mistake for the finished one.
        op.drop_index("ix_levels_last_message_at", "levels", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_levels_last_message_at", "levels", ["last_message_at"], postgresql_concurrently=True)


def downgrade() -> None:
    """Drop the column, and with it the index."""
    op.drop_column("levels", "last_message_at")
