"""The code of the guide runs: each page on the reference bot's tables, from its first block to its last."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import generated
from ctrlgen.settings import Settings, read_config
from generated import Database
from models.base import Base
from tests.conftest import NewDatabase

from .api_page import page as page_of_the_api
from .pages import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
GUIDE = sorted((ROOT / "docs/guide").glob("*.md"))
PROJECTS = [ROOT / "docs/tutorial.md", ROOT / "docs/scaling.md", *sorted((ROOT / "docs/recipes").glob("*.md"))]
"""Pages that `test_walkthroughs` follows in a separate project."""

TESTED_ELSEWHERE = {
    "index.md": "tests/docs/test_front_pages.py",
    "commands.md": "tests/cli/test_python_api.py, and the models of a user",
    "faq.md": "tests/docs/test_faq.py",
    "lint.md": "tests/lint/test_rule_table.py: rendered from the rules, whose examples are tested",
    "adding-a-method.md": "describes a change of ctrlgen itself",
    "decisions.md": "has fragments, no examples",
}


@pytest.fixture
async def database_url(new_database: NewDatabase) -> AsyncIterator[str]:
    """A database with the reference tables and one guild."""
    async with new_database() as url:
        async with Database(url) as db:
            async with db.engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            await db.guild.create(id=1, name="home")
        yield url


async def run(block: Block, namespace: dict[str, object], url: str) -> None:
    """Run a block, which may await, in a namespace that is shared with the next block."""
    code = re.sub(r"\bapp\.db\b", "generated", re.sub(r"\bapp\.models\b", "models", block.code))
    code = "\n" * (block.line - 1) + code.replace("postgresql://bot@localhost/bot", url)
    compiled = compile(code, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    result = eval(compile(compiled, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
    if inspect.isawaitable(result):
        await result


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
async def test_python_of_the_guide_runs(page: Path, database_url: str) -> None:
    async with Database(database_url) as db:
        namespace: dict[str, object] = {"db": db, "url": database_url, "generated": generated}
        for block in blocks(page):
            if block.language in {"python", "setup"} and block.title is None:
                namespace["db"] = db
                try:
                    await run(block, namespace, database_url)
                except Exception as error:
                    raise AssertionError(f"{block}: {type(error).__name__}: {error}") from error


TOML = [
    pytest.param(block, id=str(block))
    for page in [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    for block in blocks(page)
    if block.language == "toml"
]


@pytest.mark.parametrize("block", TOML)
def test_settings_in_the_docs_are_accepted(block: Block, tmp_path: Path) -> None:
    document = tomllib.loads(block.code)
    settings = document.get("tool", {}).get("ctrlgen")
    if settings is None:
        return
    lines = block.code
    if not {"models", "output"} & settings.keys():
        needed = 'models = ["app.models"]\noutput = "app/db"\n'
        head = "[tool.ctrlgen]\n"
        lines = lines.replace(head, head + needed, 1) if head in lines else head + needed + lines
    (tmp_path / "pyproject.toml").write_text(lines)
    read_config(tmp_path, Settings())


def test_api_page_matches_the_docstrings() -> None:
    assert (ROOT / "docs/api.md").read_text("utf-8") == page_of_the_api(), "run `python -m tests.docs.api_page`"


def test_every_page_with_python_is_run_or_tested_elsewhere() -> None:
    run_here = {*GUIDE, *PROJECTS}
    others = [page.name for page in sorted((ROOT / "docs").rglob("*.md")) if page not in run_here]
    with_python = [name for name in others if any(block.language == "python" for block in blocks(ROOT / "docs" / name))]
    assert set(with_python) <= TESTED_ELSEWHERE.keys()
