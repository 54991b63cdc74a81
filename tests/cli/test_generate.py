"""``ctrlgen generate``: the files that it writes, and its output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ctrlgen.messages import message_tables

from .conftest import MODELS, SETTINGS, Project


def test_first_run_lists_the_created_files_and_the_second_run_changes_nothing(app: Project) -> None:
    again = app.run("generate")
    assert again.stdout == f"0 created, 0 changed, {len(emitted(app))} unchanged, 0 removed\n"
    assert again.stderr == ""


def test_changed_model_changes_only_its_controller(app: Project) -> None:
    models = (app.root / "app/models.py").read_text()
    app.write("app/models.py", models.replace("name: str =", "age: int = Field(index=True)\n    name: str ="))
    done = app.run("generate")
    assert done.stdout.splitlines()[:-1] == ["changed  app/db/hero.py"]
    assert "def find_by_age" in (app.root / "app/db/hero.py").read_text()


def test_renamed_model_creates_one_module_and_removes_the_other(app: Project) -> None:
    models = (app.root / "app/models.py").read_text()
    app.write("app/models.py", models.replace("Hero", "Heroine"))
    done = app.run("generate")
    assert "created  app/db/heroine.py" in done.stdout
    assert "removed  app/db/hero.py" in done.stdout
    assert not (app.root / "app/db/hero.py").exists()


def test_file_of_the_user_in_the_output_folder_is_kept(app: Project) -> None:
    app.write("app/db/mine.py", "MINE = True\n")
    assert app.run("generate").returncode == 0
    assert (app.root / "app/db/mine.py").read_text() == "MINE = True\n"


def test_edited_file_is_restored(app: Project) -> None:
    file = app.root / "app/db/hero.py"
    before = file.read_text()
    file.write_text(before.replace("Insert a row", "Insert two rows"))
    assert "changed  app/db/hero.py" in app.run("generate").stdout
    assert file.read_text() == before


def test_models_may_print(app: Project) -> None:
    app.write("app/models.py", "print('hello')\n" + (app.root / "app/models.py").read_text())
    done = app.run("generate")
    assert done.returncode == 0
    assert "hello" not in done.stdout


def test_quiet_prints_nothing_on_success(app: Project) -> None:
    assert app.run("generate", "--quiet").stdout == ""


def test_every_setting_is_also_a_flag(app: Project) -> None:
    app.write("pyproject.toml", "")
    done = app.run("generate", "--models", "app.models", "--output", "gen", "--package", "gen", "--tests", "tests/gen")
    assert done.returncode == 0, done.stderr
    assert {"gen/hero.py", "tests/gen/test_hero_controller.py"} <= app.files().keys()


def test_other_folder_is_generated_with_project(app: Project) -> None:
    (app.root / "elsewhere").mkdir()
    done = Project(app.root / "elsewhere").run("check", "--project", "..")
    assert done.returncode == 0, done.stderr


def emitted(app: Project) -> list[str]:
    return [path for path in app.files() if path.startswith("app/db/")]


def test_types_have_the_suffixes_of_the_configuration(app: Project) -> None:
    app.write("pyproject.toml", f'{SETTINGS}suffixes = {{ create = "Insert", update = "Patch" }}\n')
    assert app.run("generate").returncode == 0
    code = "from app.db.hero import HeroInsert, HeroPatch, HeroValues, HeroWhere; import app.db as db; "
    code += "print(all(hasattr(db, name) for name in db.__all__))"
    done = subprocess.run([sys.executable, "-c", code], cwd=app.root, capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_messages_page_matches_the_tables_of_messages(project: Path) -> None:
    page = (project / "docs/messages.md").read_text("utf-8")
    assert message_tables() in page, "copy the output of `python -m ctrlgen.messages` to docs/messages.md"


MANY = """from sqlmodel import Field, SQLModel


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""
MEMBER = """

class Member{n}(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    team_id: int = Field(foreign_key="team.id"){comment}
"""


def test_warnings_of_one_code_are_counted_and_three_are_shown(app: Project) -> None:
    app.write("app/models.py", MANY + "".join(MEMBER.format(n=n, comment="") for n in range(6)))
    done = app.run("generate")
    assert done.stderr.count("warning CG101: ") == 3
    assert "... and 3 more of CG101, 6 in all; `--verbose` shows all" in done.stderr
    assert app.run("check", "--verbose").stderr.count("warning CG101: ") == 6
    assert app.run("diff", "-q").stderr == ""
    app.write("pyproject.toml", f'{SETTINGS}silence = ["CG101:Member0.team_id"]\n')
    assert app.run("check", "--verbose").stderr.count("warning CG101: ") == 5
    comment = "  # ctrlgen: ignore[CG101]"
    app.write("app/models.py", MANY + "".join(MEMBER.format(n=n, comment=comment) for n in range(6)))
    assert app.run("check").stderr == ""


def test_unused_silence_is_a_warning_unless_models_are_missing(app: Project) -> None:
    app.write("pyproject.toml", f'{SETTINGS}silence = [\n  "CG104",\n  "CG101:Hero",\n]\n')
    app.write("app/models.py", MODELS.replace("unique=True)", "unique=True)  # ctrlgen: ignore[CG101]"))
    lines = app.run("generate").stderr.splitlines()
    number = (app.root / "app/models.py").read_text().split("ignore")[0].count("\n") + 1
    assert [line.split(": ")[0] for line in lines if "CG401" in line] == ["pyproject.toml:5", "pyproject.toml:6"]
    assert [line.split(": ")[0] for line in lines if "CG402" in line] == [f"app/models.py:{number}"]
    assert len(lines) == 3
    assert app.run("check").returncode == 0
    assert app.run("check", "--models", "app.models").stderr == ""  # other models may exist besides the selected ones
    (app.root / "app/models.py").rename(app.root / "app/hero.py")
    app.write("app/models/__init__.py", "from app.hero import Hero\n\n__all__ = ['Hero']\n")
    app.write("app/models/broken.py", "import nothing_of_that_name\n\nclass A(SQLModel, table=True): ...\n")
    done = app.run("check")
    assert "CG201" in done.stderr
    assert "CG40" not in done.stderr


def test_each_cause_is_one_warning_and_every_cause_is_shown(app: Project) -> None:
    app.write("app/models/__init__.py", "")
    (app.root / "app/models.py").unlink()
    app.write("app/models/hero.py", MODELS)
    app.write(
        "app/models/broken.py", "from sqlmodel import SQLModel\n\nclass A(SQLModel, table=True):\n  x: int\n   y: int\n"
    )
    for name in "abcd":
        app.write(f"app/models/{name}.py", f"import app.models.broken\n{MODELS.replace('Hero', name.upper())}")
    app.write("app/models/other.py", f"import nothing_of_that_name\n{MODELS.replace('Hero', 'Z')}")
    done = app.run("generate")
    first, second = (line for line in done.stderr.splitlines() if "CG201" in line)
    assert "broken.py:5" in first
    assert "`app.models.a`, `app.models.b`" in first
    assert "are left out: IndentationError" in first
    assert "`app.models.other` is left out: ModuleNotFoundError" in second
