"""``ctrlgen check`` and ``ctrlgen diff``: stale files are reported, and nothing is written."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from .conftest import MODELS, SETTINGS, Project


@pytest.fixture
def stale(app: Project) -> Project:
    """The project, with a column that the committed controllers lack."""
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


def test_diff_prints_the_same_and_exits_with_zero(stale: Project) -> None:
    assert stale.run("diff").stdout == stale.run("check").stdout
    assert stale.run("diff").returncode == 0


def test_missing_and_superfluous_files_are_stale(app: Project) -> None:
    (app.root / "app/db/hero.py").rename(app.root / "app/db/villain.py")
    done = app.run("check")
    assert done.returncode == 1
    assert "+++ b/app/db/hero.py" in done.stdout
    assert "--- a/app/db/villain.py" in done.stdout


@pytest.fixture
def new(app: Project) -> Project:
    """The project before the first `generate`, with a folder of tests."""
    shutil.rmtree(app.root / "app/db")
    app.write("pyproject.toml", f'{SETTINGS}tests = "tests/db"\n')
    return app


def test_package_that_has_not_been_generated_is_one_line_and_no_diff(new: Project) -> None:
    done = new.run("check")
    assert (done.returncode, done.stdout) == (1, "")
    package, tests = done.stderr.splitlines()
    command = "run `ctrlgen generate`, and commit the result"
    assert re.fullmatch(
        rf"`app/db` has not been generated yet: it would be \d+ files with 1 controller and \d+ methods; {command}",
        package,
    )
    assert re.fullmatch(rf"`tests/db` has not been generated yet: it would be 4 files with \d+ tests; {command}", tests)
    assert "+++ b/app/db/hero.py" in new.run("diff").stdout, "which was asked for"


def test_test_stubs_alone_that_have_not_been_generated_are_one_line(new: Project) -> None:
    assert new.run("generate").returncode == 0
    shutil.rmtree(new.root / "tests/db")
    new.write("app/models.py", MODELS.replace("name: str =", "age: int = 0\n    name: str ="))
    done = new.run("check")
    assert done.returncode == 1
    assert "`tests/db` has not been generated yet" in done.stderr
    assert "+++ b/app/db/hero.py" in done.stdout
    assert "tests/db" not in done.stdout


def test_package_that_has_not_been_generated_is_one_problem_for_tools(new: Project) -> None:
    done = new.run("check", "--format", "github")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("::error file=pyproject.toml,line=3,title=ctrlgen CG601::`app/db` has not been")
    assert len(done.stdout.splitlines()) == 2
    package, tests = json.loads(new.run("check", "--format", "json").stdout)
    assert (package["path"], package["line"], package["file"], package["state"]) == (
        "pyproject.toml",
        3,
        "app/db",
        "created",
    )
    assert package["changes"] == {"new_controllers": ["Hero"]}
    assert (tests["line"], tests["file"]) == (4, "tests/db")
    log = json.loads(new.run("check", "--format", "sarif").stdout)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["CG601", "CG601"]


def test_project_is_found_from_a_folder_inside_it(app: Project) -> None:
    app.run("generate")
    done = Project(app.root / "app").run("check")
    assert (done.returncode, done.stderr) == (0, "")


def test_check_fails_while_models_are_missing(app: Project) -> None:
    (app.root / "app/models.py").rename(app.root / "app/hero.py")
    app.write("app/models/__init__.py", "from app.hero import Hero as Hero\n")
    app.write("app/models/more.py", "import nonexist\nclass More(SQLModel, table=True): ...\n")
    assert app.run("generate").returncode == 0, "only a warning: the other models are generated"
    done = app.run("check")
    assert done.returncode == 1
    assert "cannot determine whether everything is up to date, because `app.models.more` is left out" in done.stderr
    assert "up to date\n" not in done.stdout


def test_any_name_can_be_printed_in_any_locale(app: Project) -> None:
    models = (app.root / "app/models.py").read_text()
    app.write("app/models.py", models.replace("name: str =", "größe: int\n    name: str ="))
    done = app.run("diff", LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "+    größe: int" in done.stdout


def test_file_name_that_the_locale_cannot_encode_is_an_error(app: Project) -> None:
    app.write("app/models.py", (app.root / "app/models.py").read_text().replace("Hero", "Größe"))
    done = app.run("generate", LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="")
    assert done.returncode == 2
    assert "the locale cannot encode the file name `größe.py`" in done.stderr


@pytest.fixture
def package_of_models(app: Project) -> Project:
    (app.root / "app/models.py").unlink()
    app.write("app/models/__init__.py", "")
    app.write("app/models/hero.py", MODELS)
    app.run("generate")
    return app


@pytest.mark.parametrize(
    ("module", "code", "reason"),
    [
        ("app/models/villain.py", 1, "ctrlgen cannot determine whether everything is up to date"),
        ("app/models/hero.py", 2, "error CGE2"),
        ("app/models/__init__.py", 2, "error CGE202: "),
    ],
)
def test_exit_code_for_a_module_that_cannot_be_imported(
    package_of_models: Project, module: str, code: int, reason: str
) -> None:
    package_of_models.write("app/models/team.py", MODELS.replace("Hero", "Team"))
    package_of_models.run("generate")
    package_of_models.write(module, f"import nothing_here\n{MODELS.replace('Hero', 'Villain')}")
    done = package_of_models.run("check")
    assert done.returncode == code
    assert reason in done.stderr
