"""The tutorial and the recipes work as written: files are saved, commands are run, and their output is compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Walk
from .pages import blocks

FOLDER = Path(__file__).resolve().parents[2] / "docs/recipes"
RECIPES = [page for page in sorted(FOLDER.glob("*.md")) if page.stem != "index"]


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
    walk = Walk(folder, empty_database)
    for block in steps:
        walk.take(block)
