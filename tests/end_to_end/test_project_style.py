"""Emitted files follow the formatting of the project, and no rule of ruff reports anything in them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import SHOP, Run

PREDICATE = "state = 'waiting for somebody' AND archived_at IS NULL AND customer_id > 1000 AND priority IS NOT NULL"
MODELS = f'''{SHOP}

class Ticket(SQLModel, table=True):
    """A question."""

    __table_args__ = (Index("ix_ticket_open", "priority", postgresql_where=text("{PREDICATE}")),)

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    state: str
    priority: int | None = None
    archived_at: datetime | None = None
'''
IMPORTS = "from datetime import datetime\n\nfrom sqlalchemy import Index, text\n"
EVERYTHING = """
[tool.ruff.lint]
select = ["ALL"]
preview = true
unfixable = ["F401", "I001"]
ignore = ["I001"]
[tool.ruff.lint.per-file-ignores]
"app/**" = ["I001"]
"""
NARROW = """
[tool.ruff]
line-length = 60
extend-exclude = ["app"]
force-exclude = true
[tool.ruff.format]
quote-style = "single"
[tool.ruff.lint]
select = ["E", "W", "D", "I", "Q"]
"""
SINGLE = """
[tool.ruff.lint]
select = ["I"]
[tool.ruff.lint.isort]
force-single-line = true
required-imports = ["from __future__ import annotations"]
"""
STYLES = {
    "defaults of ruff": ("pyproject.toml", ""),
    "every rule": ("pyproject.toml", EVERYTHING),
    "narrow, single quotes": ("pyproject.toml", NARROW),
    "one import a line": ("pyproject.toml", SINGLE),
    "tabs": ("ruff.toml", 'line-length = 100\nindent-width = 8\n[format]\nindent-style = "tab"\npreview = true\n'),
    "carriage returns": ("ruff.toml", '[format]\nline-ending = "cr-lf"\n'),
    "a file of the folder": ("app/.ruff.toml", "extend = '../base.toml'\n[format]\nskip-magic-trailing-comma = true\n"),
    "Python 3.14": ("ruff.toml", "line-length = 90\n"),
}


@pytest.fixture(params=STYLES, ids=STYLES)
def styled(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project with the settings of the test only."""
    file, settings = STYLES[request.param]
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__init__.py").touch()
    (tmp_path / "app/models.py").write_text(MODELS.replace("from sqlmodel", f"{IMPORTS}from sqlmodel", 1))
    version = ">=3.14" if "3.14" in request.param else ">=3.11"
    project = f'[project]\nname = "shop"\nversion = "1"\nrequires-python = "{version}"\n'
    config = f'{project}[tool.ctrlgen]\nmodels = ["app.models"]\noutput = "app/db"\ntests = "tests/db"\n'
    (tmp_path / "pyproject.toml").write_text(config)
    (tmp_path / "base.toml").write_text("line-length = 70\n")
    with (tmp_path / file).open("a") as stream:
        stream.write(settings)
    return tmp_path


def test_ruff_reports_nothing_in_emitted_files(styled: Path, run: Run, tool: tuple[str, ...]) -> None:
    run(*tool, "generate", "-q", cwd=styled)
    files = sorted((styled / "app/db").rglob("*.py"))
    ruff = sys.executable, "-m", "ruff"
    run(*ruff, "check", "--no-cache", *files, cwd=styled)
    run(*ruff, "check", "--no-cache", "--select", "ALL", "--preview", *files, cwd=styled)
    run(*ruff, "format", "--no-cache", "--check", "--diff", *files, "tests", cwd=styled)
    run(*ruff, "check", "--no-cache", "--select", "I,F", "tests", cwd=styled)
    run(*tool, "check", cwd=styled)
    if "3.14" not in (styled / "pyproject.toml").read_text():  # this Python may not know the syntax
        run(sys.executable, "-c", "from app.db import *; import app.db.ticket", cwd=styled)


def test_predicate_is_never_truncated(styled: Path, run: Run, tool: tuple[str, ...]) -> None:
    run(*tool, "generate", "-q", cwd=styled)
    text = (styled / "app/db/ticket.py").read_text()
    doc = " ".join(text.partition("def find_open")[2].split())
    assert f"(where {PREDICATE})" in doc
