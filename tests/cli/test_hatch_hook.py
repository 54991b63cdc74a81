"""The build hook: real builds by Hatch, of controllers that are up to date and of others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from zipfile import ZipFile

import pytest

from .conftest import MODELS, SETTINGS, Project

PROJECT = """\
[build-system]
requires = ["hatchling", "ctrlgen"]
build-backend = "hatchling.build"

[project]
name = "app"
version = "1"

[tool.hatch.build.targets.wheel]
packages = ["app"]

[tool.hatch.build.hooks.ctrlgen]

"""


def build(project: Project, *, by_way_of_sdist: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "build", "--no-isolation", *([] if by_way_of_sdist else ["--wheel"])]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


@pytest.fixture
def shop(app: Project) -> Project:
    app.write("pyproject.toml", PROJECT + SETTINGS)
    return app


def test_build_of_current_controllers_succeeds(shop: Project) -> None:
    done = build(shop)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((shop.root / "dist").glob("*.whl"))


def built_files(project: Project) -> list[str]:
    (wheel,) = (project.root / "dist").glob("*.whl")
    with ZipFile(wheel) as archive:
        return archive.namelist()


def test_source_distribution_may_lack_the_tests(shop: Project) -> None:
    settings = f'{SETTINGS}tests = "tests"\n\n[tool.hatch.build.targets.sdist]\nexclude = ["/tests"]\n'
    shop.write("pyproject.toml", PROJECT + settings)
    assert shop.run("generate", "-q").returncode == 0
    done = build(shop, by_way_of_sdist=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "app/db/hero.py" in built_files(shop)


# https://github.com/astral-sh/uv/issues/8833, https://github.com/dstackai/dstack/pull/2544
def test_controllers_that_git_ignores_are_included(shop: Project) -> None:
    (shop.root / ".git").mkdir()
    shop.write(".gitignore", "/app/db/\n__pycache__/\n")
    done = build(shop, by_way_of_sdist=True)
    assert done.returncode == 0, done.stdout + done.stderr
    files = built_files(shop)
    assert {"app/db/hero.py", "app/db/py.typed", "app/db/runtime/service.py"} <= {*files}
    assert not [file for file in files if "__pycache__" in file]


def test_build_of_stale_controllers_fails_and_names_them(shop: Project) -> None:
    shop.write("app/models.py", MODELS.replace("unique", "index"))
    done = build(shop)
    assert done.returncode == 1
    printed = done.stdout + done.stderr
    assert "ctrlgen: the controllers are stale; run `ctrlgen generate` and build again: app/db/hero.py" in printed
    assert "Traceback" not in printed.partition("ctrlgen: ")[0]
    assert not list((shop.root / "dist").glob("*.whl"))


def test_build_without_controllers_fails_and_names_their_folder(shop: Project) -> None:
    shutil.rmtree(shop.root / "app/db")
    done = build(shop)
    assert done.returncode == 1
    printed = " ".join((done.stdout + done.stderr).split())
    assert "ctrlgen: the controllers are stale; run `ctrlgen generate` and build again: app/db" in printed
    assert "app/db/" not in printed


def test_build_of_broken_models_fails_with_their_mistake(shop: Project) -> None:
    shop.write("app/models.py", f"{MODELS}class Broken(:\n")
    done = build(shop)
    assert done.returncode == 1
    assert "ctrlgen: app/models.py:11: `app.models` cannot be imported: SyntaxError" in done.stdout + done.stderr
