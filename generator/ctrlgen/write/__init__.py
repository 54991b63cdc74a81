"""Compares the sources with the disk, shows the difference, and writes them all or none.

``cli`` calls it; ``changes`` finds what differs, ``ownership`` knows which files are ours, ``transaction`` replaces
files so that a failure leaves everything as it was, ``difference`` prints.
"""

from __future__ import annotations

from ctrlgen.write.changes import Change, Changes, State, compare, compare_texts
from ctrlgen.write.difference import unified_diff
from ctrlgen.write.transaction import apply

__all__ = ["Change", "Changes", "State", "apply", "compare", "compare_texts", "unified_diff"]
