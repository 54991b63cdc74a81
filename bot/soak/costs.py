"""What each thing that members do may cost: the most statements that controllers send because of it.

Begin and commit of transactions are not counted. A command that needs more than this has become slower, which the soak
takes for a failure; one that needs less says so, too, by the table of the soak. The most is what it costs while nothing
is cached; once the guild's prefix, ranks and roles are in memory, half of them cost what ``USUAL_STATEMENTS`` has.
"""

from __future__ import annotations

MOST_STATEMENTS = {
    "chat": 4,  # prefix; levels: read, add; who is away
    "chat, back from afk": 5,  # and the end of it
    "points": 3,  # prefix, rank, member
    "give": 7,  # prefix, rank, two members; the transaction, two rows
    "rank": 4,  # prefix, rank, levels, place
    "leaderboard": 3,
    "richest": 3,
    "warn": 9,  # prefix; rank, roles, ranks; two members; guild, case; where it is logged
    "reason": 5,  # prefix; rank, roles, ranks; the case
    "history": 7,  # prefix; rank, roles, ranks; member; a page, its moderators
    "older": 1,  # a page
    "timeout": 9,
    "snippet": 4,  # prefix, rank; the snippet, the use
    "alias": 5,  # and what it stands for
    "findsnippet": 3,
    "remind": 4,  # prefix, rank, member; the reminder
    "reminders": 4,
    "settings": 3,
    "afk": 3,
    "star": 5,  # the board; the message, made by one of those who star it at once and found by the others; the post
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
