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
    """Run until interrupted. The exit code is 2 for mistakes that the user can fix."""
    try:
        settings = Settings.from_environment(os.environ)
        db = Database(settings.database_url, application_name="bot", command_timeout=60)
    except (MissingSettingsError, ValueError) as error:  # ValueError is raised for an invalid address
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
    """Migrate the database, and run the bot."""
    async with database as db, Bot(db) as bot:
        await migrate(db, settings.database_url)
        await bot.start(settings.token)


def complain(message: str) -> int:
    """Print the mistake, without a traceback."""
    sys.stderr.write(f"{message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
