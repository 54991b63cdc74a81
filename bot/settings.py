"""The bot's settings, from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NEEDED = {
    "DISCORD_TOKEN": "the bot's token, from https://discord.com/developers/applications",
    "DATABASE_URL": "its PostgreSQL, such as postgresql://bot@localhost/bot",
}


class MissingSettingsError(Exception):
    """Required variables are not set; the message says what they are for."""

    def __init__(self, names: list[str]) -> None:
        lines = "".join(f"\n  {name}: {NEEDED[name]}" for name in names)
        super().__init__(f"the bot cannot start, because these environment variables are not set:{lines}")


@dataclass(frozen=True)
class Settings:
    """The token, and the address of the database."""

    token: str
    database_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables; an empty variable counts as missing."""
        if missing := [name for name in NEEDED if not environment.get(name, "").strip()]:
            raise MissingSettingsError(missing)
        return cls(environment["DISCORD_TOKEN"].strip(), environment["DATABASE_URL"].strip())
