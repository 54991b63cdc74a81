"""Turns class names into module names; ``plan.naming`` calls it."""

from __future__ import annotations

import re

_MIXED_ACRONYM = re.compile(r"(OAuth)(?=[A-Z0-9]|$)")
_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return ``name`` in snake case: ``GuildConfig`` → ``guild_config``, ``A2ATask`` → ``a2a_task``."""
    return re.sub(r"_+", "_", _BOUNDARY.sub("_", _MIXED_ACRONYM.sub("Oauth", name))).lower()
