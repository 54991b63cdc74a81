"""Tells which partial predicates the runtime reads too; ``keys`` emits upserts only for those.

An upsert sets what its index's predicate pins, and it is the runtime that reads the predicate then. What it reads is
less than what ``inspect`` understands: plain conjuncts, each of one column, in one spelling.
"""

from __future__ import annotations

import re

from ctrlgen.schema import Model, Predicate

_CONSTANT = r"(?:\s*=\s*|\s+IS\s+)(?P<constant>true|false|NULL|NOT NULL|-?\d+|'(?:[^']|'')*')"
_PIN = re.compile(rf'\(*(?:NOT )?"?(?P<column>\w+)"?(?:{_CONSTANT})?\)*', re.IGNORECASE)


def is_plain(predicate: Predicate, model: Model) -> bool:
    """Whether every conjunct is one the runtime reads, and none contradicts another."""
    names = {column.name: column.attribute for column in model.columns}
    conjuncts = re.split(r"\s+AND\s+", predicate.sql, flags=re.IGNORECASE)
    found = [_PIN.fullmatch(conjunct) for conjunct in conjuncts]
    read = [names.get(match["column"]) for match in found if match]
    pinned = {pin.attribute for pin in predicate.pins or ()}
    return len(read) == len(conjuncts) == len(set(read)) and set(read) == pinned
