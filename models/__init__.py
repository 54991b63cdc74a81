"""The models of the reference bot, which ctrlgen reads in this repository."""

from models.base import Base, Stamped
from models.case import Case, CaseType
from models.guild import Guild, GuildConfig
from models.permission import PermissionAssignment, PermissionCommand, PermissionRank
from models.points import PointsTransaction
from models.presence import Afk, Levels
from models.reminder import Reminder
from models.snippet import Snippet, SnippetTag, Tag
from models.starboard import Starboard, StarboardMessage
from models.user import User

__all__ = [
    "Afk",
    "Base",
    "Case",
    "CaseType",
    "Guild",
    "GuildConfig",
    "Levels",
    "PermissionAssignment",
    "PermissionCommand",
    "PermissionRank",
    "PointsTransaction",
    "Reminder",
    "Snippet",
    "SnippetTag",
    "Stamped",
    "Starboard",
    "StarboardMessage",
    "Tag",
    "User",
]
