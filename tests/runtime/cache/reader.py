"""A process that reads what another process writes. It answers each command on its standard input with a line."""

from __future__ import annotations

import asyncio
import sys

from synced_db import Database


async def main(url: str) -> None:
    loop = asyncio.get_running_loop()
    async with Database(url, application_name="reader") as db:
        print("ready", flush=True)
        while line := (await loop.run_in_executor(None, sys.stdin.readline)).split():
            match line:
                case ["read", guild_id]:
                    config = await db.config.get_by_guild_id(int(guild_id))
                    print(config.prefix if config else None, db.cache_info()["config"].hits, flush=True)
                case ["write", guild_id, prefix]:
                    await db.config.update_by_guild_id(int(guild_id), prefix=prefix)
                    print("written", flush=True)
                case ["freeze", seconds]:
                    print("frozen", flush=True)
                    await asyncio.sleep(0.05)
                    import time

                    time.sleep(float(seconds))
                case _:
                    raise ValueError(line)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
