"""Helpers that lint source code, and the plan of the reference project."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.emitted_methods import EmittedMethods, emitted_methods
from ctrlgen.lint.parsing import python_tree
from ctrlgen.lint.runner import Checker, may_have_findings
from ctrlgen.settings import Settings, find_project, read_config

Lint = Callable[..., tuple[Diagnostic, ...]]

BOT = """from datetime import datetime


async def points(db):
    return await db.user.find_all(), datetime.utcnow()
"""
"""A file with two findings."""


def lint(code: str, emitted: EmittedMethods | None = None, path: str = "app/bot.py") -> tuple[Diagnostic, ...]:
    """Return the findings in a source, which the search for words that comes before parsing must not miss."""
    source = textwrap.dedent(code)
    diagnostics = Checker(emitted=emitted).check_text(source, path)
    assert not diagnostics or python_tree(source.encode()) is None or may_have_findings(source.encode()), source
    return diagnostics


def codes(code: str, emitted: EmittedMethods | None = None, path: str = "app/bot.py") -> list[str]:
    """Return the codes of the findings in a source."""
    return [diagnostic.code for diagnostic in lint(code, emitted, path)]


@pytest.fixture(scope="session")
def emitted() -> EmittedMethods:
    """The emitted names of the reference models."""
    from pathlib import Path

    project = find_project(Path(__file__).parent)
    return emitted_methods(read_config(project, Settings()))
