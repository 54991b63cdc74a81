"""The files and names that docs/patterns.md mentions exist."""

from __future__ import annotations

import re
from pathlib import Path

FILE = re.compile(
    r"`((?:bot|docs|generated|migrations|models|tests)/[\w/.]+\.\w+|pyproject\.toml)`((?:,? `[A-Za-z_]\w*`)*)"
)

SECTIONS = [
    "Core Components",
    "Layer Responsibilities",
    "Dependency Injection Pattern",
    "Service Access Patterns",
    "Standard Controller Structure",
    "CRUD Operations",
    "Controller-Level Error Handling",
    "Transaction Error Handling",
    "Simple Queries",
    "Complex Queries",
    "Relationship Queries",
    "Automatic Transactions",
    "Manual Transactions",
    "Efficient Queries",
    "Caching Patterns",
    "Model Definition",
    "Relationship Patterns",
    "Migration Structure",
    "Data Migration",
    "Controller Testing",
    "Integration Testing",
    "❌ Direct Session Usage in Commands",
    "❌ Missing Error Handling",
    "❌ N+1 Query Problems",
    "Query Optimization",
    "Connection Management",
    "Input Validation",
    "SQL Injection Prevention",
    "Common Operations",
    "Error Handling Checklist",
]
"""The sections of the team's guide, in order."""


def rows(project: Path) -> list[tuple[str, str]]:
    lines = (project / "docs/patterns.md").read_text().splitlines()
    cells = [line.split(" | ") for line in lines if line.startswith("| ") and not line.startswith("| section")]
    return [(section.removeprefix("| "), " | ".join(rest)) for section, *rest in cells]


def test_every_row_names_a_file(project: Path) -> None:
    assert [section for section, text in rows(project) if not FILE.search(text) and "every finder" not in text] == []


def test_files_exist_and_define_the_names(project: Path) -> None:
    missing: list[str] = []
    for section, text in rows(project):
        for path, names in FILE.findall(text):
            if not (project / path).is_file():
                missing.append(f"{section}: {path}")
                continue
            source = (project / path).read_text()
            missing += [
                f"{section}: {name} in {path}"
                for name in re.findall(r"`(\w+)`", names)
                if not re.search(rf"^\s*(?:async def|def|class) {name}\b|^{name}\b.*=", source, re.MULTILINE)
            ]
    assert missing == []


def test_every_section_of_the_guide_has_a_row(project: Path) -> None:
    assert [section for section, _ in rows(project)] == SECTIONS
