"""What the rules of the bot refuse; a message is for the member who asked."""

from __future__ import annotations


class RuleError(Exception):
    """The base of what a rule of the bot refuses."""


class NotEnoughPointsError(RuleError):
    """A member has fewer points than they would give away."""


class AlreadyInForceError(RuleError):
    """A member is banned, jailed or timed out as it is."""


class LockedSnippetError(RuleError):
    """A snippet was locked by a moderator."""
