"""What the bot is told by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NEEDED = {
    "DISCORD_TOKEN": "the bot's token, from https://discord.com/developers/applications",
    "DATABASE_URL": "its PostgreSQL, such as postgresql://bot@localhost/bot",
}


class MissingSettingsError(Exception):
    """Variables that are not set, with what they are for."""

    def __init__(self, names: list[str]) -> None:
        lines = "".join(f"\n  {name}: {NEEDED[name]}" for name in names)
        super().__init__(f"the bot cannot start, because of its environment this is missing:{lines}")


@dataclass(frozen=True)
class Settings:
    """The token, and where the database is."""

    token: str
    database_url: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Read them from environment variables; an empty one is missing, too."""
        if missing := [name for name in NEEDED if not environment.get(name, "").strip()]:
            raise MissingSettingsError(missing)
        return cls(environment["DISCORD_TOKEN"].strip(), environment["DATABASE_URL"].strip())
