"""Lines of prose have at most 120 characters, except in tables, code and comments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RENDERED = re.compile(r"^<!-- (messages|rules) -->$.*?^<!-- /\1 -->$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^<!--.*?-->$", re.MULTILINE | re.DOTALL)
PAGES = [
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name != "decisions.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_lines_of_prose_are_short(page: Path) -> None:
    text = page.read_text("utf-8")
    for kind in (RENDERED, CODE, COMMENT):
        text = kind.sub("", text)
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "!["))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_inclusions_of_the_site_are_hidden_on_github(page: Path) -> None:
    assert "--8<--" not in COMMENT.sub("", page.read_text("utf-8"))
