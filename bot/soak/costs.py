"""The cost of each action of a member: the number of statements that controllers may send for it.

Begin and commit of transactions are not counted. ``MOST_STATEMENTS`` is the cost while nothing is cached: the soak
fails if an action sends more, and its table shows an action that sends less. Once the guild's prefix, ranks and roles
are cached, half of the actions must cost at most ``USUAL_STATEMENTS``.
"""

from __future__ import annotations

MOST_STATEMENTS = {
    "chat": 4,  # prefix; levels: read, add; who is away
    "chat, back from afk": 5,  # the same, and the end of being away
    "points": 3,  # prefix, rank, member
    "give": 7,  # prefix, rank, two members; the transaction, two rows
    "rank": 4,  # prefix, rank, levels, place
    "leaderboard": 3,
    "richest": 3,
    "warn": 9,  # prefix; rank, roles, ranks; two members; guild, case; the log's channel
    "reason": 5,  # prefix; rank, roles, ranks; the case
    "history": 7,  # prefix; rank, roles, ranks; member; a page, its moderators
    "older": 1,  # a page
    "timeout": 9,
    "snippet": 4,  # prefix, rank; the snippet, the use
    "alias": 5,  # the same, and the snippet of the alias
    "findsnippet": 3,
    "remind": 4,  # prefix, rank, member; the reminder
    "reminders": 4,
    "settings": 3,
    "afk": 3,
    "star": 5,  # the board; the message, which one of several simultaneous stars creates and the others find; the post
}

USUAL_STATEMENTS = {
    "chat": 3,
    "points": 1,
    "give": 5,
    "rank": 2,
    "leaderboard": 1,
    "richest": 1,
    "warn": 4,
    "reason": 1,
    "history": 2,
    "snippet": 2,
    "alias": 3,
    "findsnippet": 1,
    "remind": 2,
    "reminders": 2,
    "settings": 0,
    "afk": 1,
}
