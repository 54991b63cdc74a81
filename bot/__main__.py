"""``python -m bot``: reads the environment, migrates the database, and starts the bot."""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp
import discord

from bot.client import Bot
from bot.migrate import migrate
from bot.settings import MissingSettingsError, Settings
from generated import Database, UnreachableError


def main() -> int:
    """Run until interrupted; 2 is the exit code of what whoever starts it can put right."""
    try:
        settings = Settings.of(os.environ)
        db = Database(settings.database_url, application_name="bot", command_timeout=60)
    except (MissingSettingsError, ValueError) as error:  # the latter of an address that is none
        return complain(str(error))
    discord.utils.setup_logging()
    try:
        asyncio.run(run(settings, db))
    except UnreachableError as error:
        return complain(str(error))
    except aiohttp.ClientConnectionError as error:
        return complain(f"Discord cannot be reached: {error}")
    except discord.LoginFailure:
        return complain("Discord refuses the token in DISCORD_TOKEN")
    except discord.PrivilegedIntentsRequired:
        return complain("the bot needs two intents, which its page at Discord switches on: members and message content")
    except KeyboardInterrupt:
        return 0
    return 0


async def run(settings: Settings, database: Database) -> None:
    """Migrate, and stay connected."""
    async with database as db, Bot(db) as bot:
        await migrate(db, settings.database_url)
        await bot.start(settings.token)


def complain(message: str) -> int:
    """Say what is wrong, without a traceback."""
    sys.stderr.write(f"{message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
