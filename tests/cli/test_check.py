"""``ctrlgen check`` and ``ctrlgen diff``: what is stale, without writing."""

from __future__ import annotations

import pytest

from .conftest import Project


@pytest.fixture
def stale(app: Project) -> Project:
    """The project, with a column that the controllers do not know."""
    models = (app.root / "app/models.py").read_text()
    app.write("app/models.py", models.replace("name: str =", "age: int = 0\n    name: str ="))
    return app


def test_current_package_is_fine(app: Project) -> None:
    done = app.run("check")
    assert done.returncode == 0
    assert done.stdout.endswith("files are up to date\n")


def test_stale_package_is_shown_as_a_diff_and_exits_with_one(stale: Project) -> None:
    before = stale.files()
    done = stale.run("check")
    assert done.returncode == 1
    assert "--- a/app/db/hero.py\n+++ b/app/db/hero.py\n" in done.stdout
    assert "+    age: NotRequired[int]\n" in done.stdout
    assert "1 file is stale; run `ctrlgen generate`" in done.stderr
    assert stale.files() == before


def test_diff_shows_the_same_and_exits_with_zero(stale: Project) -> None:
    assert stale.run("diff").stdout == stale.run("check").stdout
    assert stale.run("diff").returncode == 0


def test_missing_and_superfluous_files_are_stale(app: Project) -> None:
    (app.root / "app/db/hero.py").rename(app.root / "app/db/villain.py")
    done = app.run("check")
    assert done.returncode == 1
    assert "+++ b/app/db/hero.py" in done.stdout
    assert "--- a/app/db/villain.py" in done.stdout


def test_project_is_found_from_a_folder_inside_it(app: Project) -> None:
    app.run("generate")
    done = Project(app.root / "app").run("check")
    assert (done.returncode, done.stderr) == (0, "")
