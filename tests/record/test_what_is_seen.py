"""A change of anything that affects a run causes a new run; other changes do not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from .conftest import FILES, Workspace

Change = Callable[[Workspace], object]
MORE = FILES["app/models/town.py"].replace("Town", "Village")


def replacing(path: str, old: str, new: str) -> Change:
    return lambda workspace: workspace.edit(path, old, new)


def writing(path: str, text: str) -> Change:
    return lambda workspace: workspace.write(path, text)


def deleting(path: str) -> Change:
    return lambda workspace: (workspace.project / path).unlink()


def setting(name: str, value: str) -> Change:
    return lambda workspace: workspace.environment.update({name: value})


def keeping_its_times(path: str, old: str, new: str) -> Change:
    """Edit a file without changing its size or the time of its last change."""

    def change(workspace: Workspace) -> None:
        file = workspace.project / path
        status = file.stat()
        assert len(old) == len(new)
        workspace.edit(path, old, new)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    return change


def in_the_tool(path: str, addition: str) -> Change:
    def change(workspace: Workspace) -> None:
        with (workspace.tool / path).open("a") as file:
            file.write(addition)

    return change


SEEN: dict[str, Change] = {
    "model edited": replacing("app/models/hero.py", "    note: str", "    age: int = 0\n    note: str"),
    "model edited at once, with the same size and time": keeping_its_times(
        "app/models/hero.py", "name: str", "nick: str"
    ),
    "module that the models import": replacing("app/sizes.py", "20", "21"),
    "library upgraded": lambda workspace: workspace.library.write_text("LENGTH = 41\n"),
    "library added": lambda workspace: (workspace.library.parent / "another.py").write_text(""),
    "data file edited": replacing("app/limits.txt", "30", "31"),
    "data file that was missing": writing("app/extra.txt", ""),
    "data file added to a folder": writing("app/sets/first.txt", ""),
    "second data file": writing("app/sets/second.txt", ""),
    "module that was looked for": writing("app/indexed.py", ""),
    "environment variable set": setting("TABLE_OF_HEROES", "heroes"),
    "environment variable of Python": setting("PYTHONUTF8", "1"),
    "module with a table added": writing("app/models/more.py", MORE),
    "module with a table removed": deleting("app/models/town.py"),
    "table in a module that had none": writing("app/models/notes.py", "NOTES = ''  # table=True\n"),
    "settings edited": replacing("pyproject.toml", "[tool.ctrlgen]", '[tool.ctrlgen]\nsilence = ["CG101"]'),
    "settings of ruff": replacing(
        "pyproject.toml", "[tool.ctrlgen]", "[tool.ruff]\nline-length = 100\n\n[tool.ctrlgen]"
    ),
    "settings of ruff in a file of their own": writing("ruff.toml", "line-length = 90\n"),
    "emitted file edited": replacing("app/db/hero.py", "class HeroCreate", "class HeroCreated"),
    "emitted file edited at once, with the same size and time": keeping_its_times("app/db/hero.py", "class", "clams"),
    "emitted file deleted": deleting("app/db/hero.py"),
    "emitted file too many": lambda workspace: shutil.copy(
        workspace.project / "app/db/hero.py", workspace.project / "app/db/heroine.py"
    ),
    "test edited": replacing("tests/db/test_hero_controller.py", "async def", "# A comment.\nasync def"),
    "test deleted": deleting("tests/db/test_team_controller.py"),
    "test file added": writing("tests/db/test_more.py", "from app.db import Nothing\n"),
    "template of ctrlgen": in_the_tool("templates/controller.py.jinja", "\n"),
    "runtime of ctrlgen": in_the_tool("templates/runtime/keyset.py", "\n# one more line\n"),
    "source of ctrlgen": in_the_tool("plan/naming.py", "\n"),
}


@pytest.mark.parametrize("name", SEEN)
def test_change_is_seen(workspace: Workspace, name: str) -> None:
    SEEN[name](workspace)
    assert not workspace.is_remembered()


UNSEEN: dict[str, Change] = {
    "nothing": lambda _: None,
    "file touched": lambda workspace: (workspace.project / "app/models/hero.py").touch(),
    "file written again": lambda workspace: workspace.edit("app/models/hero.py", "Somebody", "Somebody"),
    "module without a table": writing("app/models/notes.py", "NOTES = 'something else'\n"),
    "file beside the project's": writing("README.md", "# Heroes\n"),
    "environment variable that nobody reads": setting("NOBODY_READS_THIS", "1"),
    "branch changed and changed back": lambda workspace: (
        workspace.edit("app/sizes.py", "NAME", "# \nNAME"),
        workspace.edit("app/sizes.py", "# \nNAME", "NAME"),
    ),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_run_is_answered_from_the_record(workspace: Workspace, name: str) -> None:
    UNSEEN[name](workspace)
    for command in ("check", "generate", "diff"):
        assert workspace.is_remembered(command), command


def test_run_is_not_recorded_if_files_change_meanwhile(workspace: Workspace) -> None:
    workspace.edit("app/models/hero.py", "LIMIT =", "(HERE.parent / 'sizes.py').write_text('NAME = 20\\n')\nLIMIT =")
    workspace.generate()
    assert not workspace.is_remembered()


@pytest.mark.parametrize("deed", ["import subprocess\nsubprocess.run(['true'])\n", "import os\nos.system('true')\n"])
def test_models_that_start_programs_are_not_recorded(workspace: Workspace, deed: str) -> None:
    workspace.write("app/sizes.py", f"{deed}NAME = 20\n")
    workspace.generate()
    assert not workspace.is_remembered()
    assert not workspace.is_remembered()


def test_what_models_print_is_printed_again(workspace: Workspace) -> None:
    workspace.write("app/sizes.py", "import sys, warnings\nprint('hello')\nwarnings.warn('careful')\nNAME = 20\n")
    workspace.generate()
    first = workspace.run("check", "--no-cache")
    assert "hello" in first[2]
    assert "careful" in first[2]
    assert workspace.is_remembered() or workspace.is_remembered()
    assert workspace.run("check") == first


@pytest.mark.parametrize("arguments", [[], ["--verbose"], ["-q"]])
def test_warnings_are_shown_again(workspace: Workspace, arguments: list[str]) -> None:
    fresh = workspace.run("check", "--no-cache", *arguments)
    assert workspace.is_remembered()
    assert workspace.run("check", *arguments) == fresh
    assert ("CG101" in fresh[2]) == ("-q" not in arguments)


def test_module_that_fails_is_tried_again(workspace: Workspace) -> None:
    workspace.write("app/models/broken.py", "import not_installed\n# table=True\n")
    workspace.generate()
    assert workspace.run("check")[0] == 1
    assert not workspace.is_remembered()
    (workspace.library.parent / "not_installed.py").write_text("")
    assert workspace.run("check")[0] == 0
