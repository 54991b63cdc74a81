"""Turns errors into embeds for members, by their class."""

from __future__ import annotations

import logging
from functools import singledispatch

import discord
from discord.ext import commands
from sqlmodel import SQLModel

from bot.controllers.errors import RuleError
from generated import (
    ConflictError,
    ConstraintError,
    DatabaseError,
    InvalidCursorError,
    InvalidValueError,
    NotFoundError,
    TimedOutError,
    UniqueViolation,
    UnreachableError,
    ValidationError,
)
from models import GuildConfig, Levels, PermissionRank, User

_log = logging.getLogger(__name__)

NAMES: dict[type[SQLModel], str] = {
    GuildConfig: "setting",
    Levels: "experience",
    PermissionRank: "rank",
    User: "member",
}
"""The words of members for a model, if they differ from the model's name."""


def error_embed(error: Exception) -> discord.Embed:
    """Return the embed for an error. An unexpected error is logged, and shown without details."""
    cause = error.original if isinstance(error, (commands.CommandInvokeError, commands.ConversionError)) else error
    if (text := explain(cause)) is None:
        _log.error("a command failed", exc_info=cause)
        text = "Something went wrong. It was logged."
    return discord.Embed(title="That did not work", description=text, colour=discord.Colour.red())


@singledispatch
def explain(error: Exception) -> str | None:
    """Return the explanation of an error, or None for an unexpected error."""
    _ = error
    return None


@explain.register
def _(error: RuleError | commands.CheckFailure | commands.UserInputError) -> str:
    return str(error)


@explain.register
def _(error: commands.CommandOnCooldown) -> str:
    return f"Wait {error.retry_after:.0f} seconds."


@explain.register
def _(error: ValidationError) -> str:
    return "\n".join(f"**{field}**: {reason}" for field, reason in error.reasons.items())


@explain.register
def _(error: InvalidValueError) -> str:
    return f"{error.column or 'A value'} is out of range."


@explain.register
def _(error: NotFoundError) -> str:
    return f"There is no such {_thing(error)}."


@explain.register
def _(error: UniqueViolation) -> str:
    return f"There is such a {_thing(error)} already."


@explain.register
def _(error: ConstraintError) -> str:
    return f"That {_thing(error)} is not possible."


@explain.register
def _(error: InvalidCursorError) -> str:
    _ = error
    return "That page is gone. Ask again."


@explain.register
def _(error: UnreachableError | TimedOutError | ConflictError) -> str:
    _log.warning("the database: %s", error)
    return "The database is busy. Try again in a moment."


@explain.register
def _(error: discord.Forbidden) -> str:
    _ = error
    return "Discord does not let me do that: I lack a permission, or my role is too low."


def _thing(error: DatabaseError) -> str:
    """Return the words of members for the error's model."""
    return NAMES.get(error.model) or error.model.__name__.lower() if error.model else "entry"
