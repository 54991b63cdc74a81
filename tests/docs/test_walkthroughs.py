"""The tutorial and the recipes work as written: files are saved, commands are run, and their output is compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import followed
from .pages import blocks

DOCS = Path(__file__).resolve().parents[2] / "docs"
BIN = Path(sys.executable).parent
CHECKERS = {
    "basedpyright": ["basedpyright", "--pythonpath", sys.executable],
    "mypy": ["mypy", "--strict", "--python-executable", sys.executable],
    "ty": ["ty", "check", "--python", sys.executable],
    "pyrefly": ["pyrefly", "check", "--preset", "strict", "--python-interpreter-path", sys.executable],
}
RECIPES = [
    *(each for each in sorted((DOCS / "recipes").glob("*.md")) if each.stem not in {"index", "existing-application"}),
    DOCS / "scaling.md",
]
REFERENCE = [DOCS / f"{name}.md" for name in ("commands", "drift", "lint", "messages", "versions")]
"""Pages whose sample outputs are of the tutorial's project; their other blocks are fragments."""


def test_tutorial_leads_from_an_empty_folder_to_a_running_test(library: Path) -> None:
    assert (library / "app/db/book.py").is_file()
    assert "get_by_isbn" in (library / "tests/db/test_book_controller.py").read_text("utf-8")


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_recipe_works_in_the_project_of_the_tutorial(
    page: Path, library: Path, tmp_path: Path, empty_database: str
) -> None:
    steps = blocks(page)
    assert any(step.language == "console" for step in steps), "a recipe shows that it works"
    folder = tmp_path / "library"
    shutil.copytree(library, folder)
    with followed(folder, empty_database, steps):
        pass


def test_existing_application_works_in_a_project_of_its_own(tmp_path: Path, empty_database: str) -> None:
    with followed(tmp_path, empty_database, blocks(DOCS / "recipes/existing-application.md")):
        pass


@pytest.mark.parametrize("page", REFERENCE, ids=lambda page: page.stem)
def test_sample_output_of_reference_page_is_real(
    page: Path, library: Path, tmp_path: Path, empty_database: str
) -> None:
    folder = tmp_path / "library"
    shutil.copytree(library, folder)
    steps = [step for step in blocks(page) if step.language in {"setup", "console"}]
    with followed(folder, empty_database, steps):
        pass


def test_every_page_with_sample_output_is_followed() -> None:
    with_output = {page for page in DOCS.rglob("*.md") if any(step.language == "console" for step in blocks(page))}
    assert with_output <= {*RECIPES, *REFERENCE, DOCS / "tutorial.md", DOCS / "recipes/existing-application.md"}


@pytest.mark.parametrize("checker", CHECKERS)
def test_fastapi_recipe_is_strictly_typed(checker: str, library: Path, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(library, folder)
    files = {block.title: block.code for block in blocks(DOCS / "recipes/fastapi.md") if block.title}
    for name, code in files.items():
        (folder / name).write_text(code)
    settings = {"typeCheckingMode": "strict", "include": [*files], "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    program, *arguments = CHECKERS[checker]
    names = [] if program == "basedpyright" else [*files]
    done = subprocess.run([BIN / program, *arguments, *names], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
