"""``ctrlgen.generate``, as other tools call it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ctrlgen
from ctrlgen.errors import CtrlgenError

from .conftest import MODELS, SETTINGS, Project


def test_call_generates_and_returns_the_changes(app: Project) -> None:
    app.write("app/models.py", MODELS.replace("Hero", "Villain"))
    result = ctrlgen.generate(app.root)
    folder = app.root.resolve() / "app/db"
    assert result.created == (folder / "villain.py",)
    assert result.removed == (folder / "hero.py",)
    assert folder / "database.py" in result.changed
    assert (folder / "villain.py").exists()
    assert not ctrlgen.generate(app.root).is_stale


def test_dry_run_writes_nothing(app: Project) -> None:
    app.write("app/models.py", MODELS.replace("unique", "index"))
    before = app.files()
    result = ctrlgen.generate(app.root, dry_run=True)
    assert result.is_stale
    assert "+    def find_by_name(" in result.diff
    assert app.files() == before


def test_arguments_override_settings(app: Project) -> None:
    app.write("pyproject.toml", "")
    result = ctrlgen.generate(app.root, models=["app.models"], output="gen", package="gen", tests="tests/gen")
    assert result.config.package == "gen"
    assert {"gen/hero.py", "tests/gen/test_hero_controller.py"} <= app.files().keys()


def test_warnings_are_returned_and_nothing_is_printed(app: Project, capfd: pytest.CaptureFixture[str]) -> None:
    app.write(
        "app/models.py",
        MODELS.replace("name: str = Field(unique=True)", "leader_id: int = Field(foreign_key='hero.id')"),
    )
    (finding,) = ctrlgen.generate(app.root).findings
    assert finding.code == "CG101"
    assert capfd.readouterr() == ("", "")


def test_mistake_is_raised_with_its_location(app: Project) -> None:
    app.write("app/models.py", f"{MODELS}class Broken(:\n")
    with pytest.raises(CtrlgenError, match="cannot be imported") as caught:
        ctrlgen.generate(app.root)
    assert str(caught.value.location) == "app/models.py:11"


def test_mistake_in_the_settings_has_its_line(app: Project) -> None:
    app.write("pyproject.toml", f'{SETTINGS}ouput = "x"\n')
    with pytest.raises(CtrlgenError, match=r"^pyproject\.toml:4: ") as error:
        ctrlgen.generate(app.root)
    assert error.value.source == 'ouput = "x"'


def test_single_module_is_accepted_as_a_string(app: Project) -> None:
    assert not ctrlgen.generate(app.root, models="app.models", dry_run=True).is_stale


def test_dry_run_with_missing_models_is_an_error(app: Project) -> None:
    app.write("app/models.py", "")
    (app.root / "app/models.py").unlink()
    app.write("app/models/__init__.py", "")
    app.write("app/models/hero.py", MODELS)
    app.write("app/models/half.py", f"import no_such_library\n{MODELS.replace('Hero', 'Half')}")
    ctrlgen.generate(app.root)
    with pytest.raises(CtrlgenError, match="cannot determine"):
        ctrlgen.generate(app.root, dry_run=True)


def test_import_of_ctrlgen_imports_no_libraries() -> None:
    code = "from __future__ import annotations\nimport sys, typing\nbefore = set(sys.modules)\n"
    code += "import ctrlgen\nprint(set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'ctrlgen'}\n"


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'ctrlgen' has no attribute 'generat'"):
        _ = ctrlgen.generat
