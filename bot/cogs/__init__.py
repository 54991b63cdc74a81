"""The bot's features, one cog each."""

from bot.cogs.afk import AfkCog
from bot.cogs.base import BaseCog
from bot.cogs.configuration import ConfigurationCog
from bot.cogs.levels import LevelsCog
from bot.cogs.moderation import ModerationCog
from bot.cogs.permissions import PermissionsCog
from bot.cogs.points import PointsCog
from bot.cogs.reminders import RemindersCog
from bot.cogs.snippets import SnippetsCog
from bot.cogs.starboard import StarboardCog

COGS: tuple[type[BaseCog], ...] = (
    PermissionsCog,
    ConfigurationCog,
    ModerationCog,
    LevelsCog,
    PointsCog,
    RemindersCog,
    SnippetsCog,
    StarboardCog,
    AfkCog,
)
