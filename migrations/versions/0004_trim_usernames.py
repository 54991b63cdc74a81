"""Trim the usernames that were stored before the model did it.

The migration works in batches, each of which is committed and locks only its own rows, so members can earn points
meanwhile. An interrupted run continues when it is run again. A name of only whitespace becomes the member's id.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-26 09:00:00+00:00
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 1000

TRIM = f"""
DO $$
DECLARE
    last integer := 0;
    batch integer[];
BEGIN
    LOOP
        SELECT array_agg(id ORDER BY id) INTO batch
        FROM (SELECT id FROM users WHERE id > last ORDER BY id LIMIT {BATCH}) AS next;
        EXIT WHEN batch IS NULL;
        UPDATE users SET username = COALESCE(NULLIF(btrim(username), ''), discord_id::text)
        WHERE id = ANY (batch) AND (username = '' OR username <> btrim(username));
        COMMIT;
        last := batch[array_upper(batch, 1)];
    END LOOP;
END
$$
"""  # noqa: S608 - the only value is the constant above


def upgrade() -> None:
    """Walk the primary key in batches; COMMIT in a DO block is only allowed outside a transaction."""
    with op.get_context().autocommit_block():
        op.execute(TRIM)


def downgrade() -> None:
    """Keep the trimmed names: the whitespace has no meaning."""
