"""Renders the tables of ``docs/messages.md``: every error and finding, by code.

``python -m ctrlgen.messages`` prints the part between the markers of that file. A test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ctrlgen.errors import error_classes
from ctrlgen.findings import RULES

_ERRORS = {
    "CGE0": "Arguments",
    "CGE1": "Configuration",
    "CGE2": "Loading the models",
    "CGE3": "Models without a controller",
    "CGE4": "Files",
    "CGE5": "Installation",
    "CGE6": "Database and migrations",
}
_FINDINGS = {
    "CG1": "Models and indexes",
    "CG2": "Models and types left out",
    "CG3": "Test stubs",
    "CG4": "Unused entries of `silence`",
    "CG5": "`ctrlgen drift`",
    "CG6": "`ctrlgen check`",
}


def message_tables() -> str:
    """Return tables of all errors and findings, one for each group of codes."""
    errors = [(cls.code, cls.meaning, cls.fix) for cls in error_classes()]
    findings = sorted((rule.code, rule.meaning, rule.fix) for rule in RULES.values())
    parts = ["## Errors", *_tables(_ERRORS, errors), "## Findings", *_tables(_FINDINGS, findings)]
    return "\n\n".join(parts) + "\n"


def _tables(titles: dict[str, str], messages: Iterable[tuple[str, str, str]]) -> list[str]:
    rows = [*messages]
    tables: list[str] = []
    for prefix, title in titles.items():
        lines = [
            f'| <a id="{code.lower()}"></a>{code} | {meaning} | {fix} |'
            for code, meaning, fix in rows
            if code.startswith(prefix)
        ]
        if lines:
            table = "\n".join(["| code | meaning | what to do |", "|---|---|---|", *lines])
            tables += [f"### {title}", table]
    return tables


if __name__ == "__main__":
    sys.stdout.write(message_tables())
