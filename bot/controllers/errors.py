"""Errors of the bot's rules; their messages are shown to the member."""

from __future__ import annotations


class RuleError(Exception):
    """The base of the errors of the bot's rules."""


class NotEnoughPointsError(RuleError):
    """A member has fewer points than they want to give away."""


class AlreadyInForceError(RuleError):
    """A member is already banned, jailed or timed out."""


class LockedSnippetError(RuleError):
    """A moderator locked the snippet."""
