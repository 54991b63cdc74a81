"""The totals that must add up at the end, despite concurrency. Each query returns the rows that do not add up."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from bot.soak.population import POINTS
from generated import Database

CHECKS = {
    "the points of each member match the transfers": f"""
        SELECT u.id, u.points FROM users u
        LEFT JOIN (SELECT sender_id AS id, sum(amount) AS n FROM points_transactions GROUP BY 1) s USING (id)
        LEFT JOIN (SELECT receiver_id AS id, sum(amount) AS n FROM points_transactions GROUP BY 1) r USING (id)
        WHERE u.points <> {POINTS} - COALESCE(s.n, 0) + COALESCE(r.n, 0)""",
    "the total of points is unchanged": f"""
        SELECT sum(points), count(*) FROM users HAVING sum(points) <> {POINTS} * count(*)""",
    "case numbers have no gaps": """
        SELECT g.id FROM guilds g LEFT JOIN cases c ON c.guild_id = g.id GROUP BY g.id
        HAVING g.case_count <> count(c.id) OR g.case_count <> COALESCE(max(c.number), 0)""",
    "levels match the experience": """
        SELECT guild_id, member_id FROM levels WHERE level <> floor(sqrt(floor(xp / 100)))""",
    "every reminder was sent": "SELECT id FROM reminders WHERE NOT sent",
    "every starred message was posted": "SELECT message_id FROM starboard_messages WHERE posted_id = message_id",
}
TOTALS = {
    "experience": "SELECT sum(xp) FROM levels",
    "transfers": "SELECT count(*) FROM points_transactions",
    "cases": "SELECT count(*) FROM cases",
    "uses": "SELECT sum(uses) FROM snippets",
    "reminders": "SELECT count(*) FROM reminders",
}
"""The totals that the processes count, with the query for the same total in the database."""


async def differences(db: Database, tally: Mapping[str, int], reminded: list[str]) -> list[str]:
    """Return a message for each total that does not add up."""
    problems: list[str] = []
    async with db.engine.connect() as connection:
        for rule, query in CHECKS.items():
            if wrong := (await connection.execute(sa.text(query))).all():
                problems.append(f"not true: {rule}: {len(wrong)} rows, such as {tuple(wrong[0])}")
        for name, query in TOTALS.items():
            stored = int(await connection.scalar(sa.text(query)) or 0)
            if stored != tally.get(name, 0):
                problems.append(f"{name}: the database has {stored}, but the members were told {tally.get(name, 0)}")
    if len(reminded) != len(set(reminded)) or len(reminded) != tally.get("reminders", 0):
        problems.append(
            f"reminders: {len(reminded)} sent, {len(set(reminded))} different, {tally.get('reminders')} asked"
        )
    return problems
