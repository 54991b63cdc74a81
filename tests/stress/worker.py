"""One of several processes that work on a database concurrently; the arguments select the job."""

from __future__ import annotations

import asyncio
import sys

from generated import Database
from models import CaseType

GUILD = 7


async def main(url: str, job: str, times: int) -> None:
    """Run the job many times concurrently."""
    async with Database(url, pool_size=8, max_overflow=0) as db:
        if job == "get_or_create":
            calls = [
                db.user.get_or_create_by_discord_id(discord_id=42, guild_id=GUILD, username="one") for _ in range(times)
            ]
            print(sum(is_new for _, is_new in await asyncio.gather(*calls)))
        elif job == "upsert":
            await asyncio.gather(
                *(
                    db.user.upsert_by_discord_id(discord_id=42, guild_id=GUILD, username=f"n{n}", points=n)
                    for n in range(times)
                )
            )
        elif job == "add":
            await asyncio.gather(*(db.user.update_by_discord_id(42, points=db.user.c.points + 1) for _ in range(times)))
        elif job == "case":
            user = await db.user.get_one_by_discord_id(42)
            opened = (db.case.open(GUILD, CaseType.WARN, moderator=user, target=user, reason="r") for _ in range(times))
            await asyncio.gather(*opened)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
