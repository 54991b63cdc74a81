"""Options of every command: help, completion, relative folders, details of a failure, progress."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctrlgen.errors import DOCS
from ctrlgen.settings import SETTINGS as NAMES

from .conftest import MODELS, Project

COMMANDS = ("generate", "check", "diff", "explain", "init", "watch", "lint", "drift")
OBEYED = {
    **{command: set(NAMES) for command in COMMANDS},
    "explain": set(NAMES) - {"tests", "silence", "cache_dir"},
    "lint": {"select", "ignore", "exclude", "force-exclude", "per-file-ignores"},
    "drift": {"models", "silence"},
    "init": {"models", "output", "package", "tests"},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen_and_has_an_example_and_every_setting(app: Project, command: str) -> None:
    text = app.run(command, "--help", COLUMNS="80").stdout
    lines = text.rstrip().splitlines()
    assert len(lines) <= 34
    assert max(map(len, lines)) <= 80
    words = " ".join(text.split())
    assert f"Example: ctrlgen {command}" in words
    listed = re.search(r"[Ss]ettings[^:]*: ([\w, -]+?) Docs: ", words)
    assert listed
    assert set(listed[1].split(", ")) == OBEYED[command]


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
def test_help_names_only_pages_that_a_user_can_open(app: Project, command: list[str], project: Path) -> None:
    text = "".join(app.run(*command, "--help", COLUMNS="80").stdout.split())
    assert re.findall(r"(?<!main/)docs/", text) == []
    (page,) = re.findall(rf"{re.escape(DOCS)}/([\w/.-]+\.md)", text)
    assert (project / "docs" / page).is_file()


def test_main_help_lists_every_command(app: Project) -> None:
    text = app.run("--help", COLUMNS="80").stdout
    assert all(f"│ {command} " in text for command in COMMANDS)
    assert len(text.rstrip().splitlines()) <= 36
    assert "Example: ctrlgen init" in text


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("ctrlgen ex", ["explain"]),
        ("ctrlgen explain --ind", ["--indexes"]),
        ("ctrlgen wa", ["watch"]),
        ("ctrlgen check --format s", ["sarif"]),
        ("ctrlgen drift --format ", ["text", "github", "json", "sarif"]),
        ("ctrlgen explain --format ", ["text", "json"]),
    ],
)
def test_shell_completes_commands_options_and_formats(app: Project, words: str, completed: list[str]) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("ctrlgen")],
        cwd=app.root,
        env=os.environ
        | {"_CTRLGEN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_available_for_every_usual_shell(app: Project, shell: str) -> None:
    done = app.run("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0
    assert "_CTRLGEN_COMPLETE" in done.stdout


def test_folders_on_the_command_line_are_relative_to_the_working_directory(app: Project) -> None:
    (app.root / "app/deep").mkdir()
    inside = Project(app.root / "app/deep")
    done = inside.run("generate", "--output", "../data", "--tests", "../../tests/data")
    assert done.returncode == 0, done.stderr
    assert {"app/data/hero.py", "tests/data/test_hero_controller.py"} <= app.files().keys()
    done = Project(app.root.parent).run("check", "--project", app.root.name, "--output", f"{app.root.name}/app/data")
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_quiet_and_detailed(app: Project, command: str) -> None:
    text = app.run(command, "--help", COLUMNS="80").stdout
    assert {"--quiet", "--verbose", "--traceback"} <= {*text.split()}


UNINDEXED = MODELS.replace("name: str = Field(unique=True)", "leader_id: int = Field(foreign_key='hero.id')")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("generate", 0),
        ("check", 0),
        ("diff", 0),
        ("generate --format json", 0),
        ("check --format json", 0),
        ("lint app", 0),
    ],
)
def test_quiet_prints_neither_warnings_nor_a_summary(app: Project, command: str, code: int) -> None:
    app.write("app/models.py", UNINDEXED)
    assert "CG101" in app.run("generate").stderr
    done = app.run(*command.split(), "-q")
    assert (done.returncode, done.stdout, done.stderr) == (code, "[]\n" if "json" in command else "", "")


def test_quiet_check_still_says_what_is_wrong(app: Project) -> None:
    app.write("app/models.py", UNINDEXED)
    done = app.run("check", "-q")
    assert done.returncode == 1
    assert "removed methods: " in done.stderr
    assert "CG101" not in done.stderr


def test_quiet_lint_prints_no_warning_about_models(app: Project) -> None:
    app.write("app/models.py", "1 / 0\n")
    app.write(
        "app/use.py",
        "from app.models import Hero\n\n\nasync def f(session, id):\n    return await session.get(Hero, id)\n",
    )
    assert "warning: the models cannot be loaded" in app.run("lint", "app/use.py").stderr
    assert app.run("lint", "app/use.py", "-q").stderr == ""


@pytest.mark.parametrize("command", ["generate", "check", "diff", "explain"])
def test_every_command_that_reads_models_accepts_the_common_options(app: Project, command: str) -> None:
    done = app.run(
        command, "-q", "-v", "--traceback", "--models", "app.models", "--output", "app/db", "--package", "app.db"
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def broken(app: Project) -> Project:
    app.write("app/models.py", f"from app import parts\n{MODELS}")
    app.write("app/parts.py", "X = 1\nfrom app.pieces import Y\n")
    app.write("app/pieces.py", "\n\nY = {}['missing']\n")
    return app


CHAIN = """\
  import chain:
    app/models.py:1: from app import parts
    app/parts.py:2: from app.pieces import Y
    app/pieces.py:3: Y = {}['missing']
"""


@pytest.mark.parametrize("command", ["generate", "check", "diff", "explain"])
def test_verbose_shows_the_chain_of_imports(broken: Project, command: str) -> None:
    assert "import chain:" not in broken.fails(command)
    printed = broken.fails(command, "--verbose")
    assert CHAIN in printed


def test_verbose_shows_the_chain_to_a_syntax_error(broken: Project) -> None:
    broken.write("app/pieces.py", "def (:\n")
    assert "    app/parts.py:2: from app.pieces import Y\n    app/pieces.py:1: def (:\n" in broken.fails("check", "-v")


def test_verbose_shows_the_chain_to_a_module_that_is_left_out(app: Project) -> None:
    (app.root / "app/models.py").unlink()
    app.write("app/models/__init__.py", "")
    app.write("app/models/hero.py", MODELS)
    app.write("app/models/half.py", f"import app.parts\n{MODELS.replace('Hero', 'Half')}")
    app.write("app/parts.py", "1 / 0\n")
    printed = app.run("generate", "--verbose").stderr
    assert "  import chain:\n    app/models/half.py:1: import app.parts\n    app/parts.py:1: 1 / 0\n" in printed


def test_traceback_option_shows_the_traceback(broken: Project) -> None:
    done = broken.run("check", "--traceback")
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert "KeyError: 'missing'" in done.stderr.splitlines()[-1] + done.stderr.splitlines()[-2]


def on_terminal(app: Project, *arguments: str) -> str:
    """Run a command whose standard error is a terminal, and return its output."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "ctrlgen", *arguments],
        cwd=app.root,
        stdout=subprocess.DEVNULL,
        stderr=slave,
        env=os.environ | {"TERM": "xterm"},
    ) as process:
        os.close(slave)
        shown, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            try:
                read = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            shown += read
        process.wait(60)
    os.close(master)
    return shown.decode()


SLOW = '"""A model."""\n\nimport time\n\ntime.sleep(2.5)\n'


def test_progress_is_shown_on_a_terminal_after_a_second(app: Project) -> None:
    app.write("app/models.py", MODELS.replace('"""A model."""\n', SLOW))
    assert "importing `app.models`" in on_terminal(app, "check")
    assert on_terminal(app, "check", "--quiet") == ""


def test_no_progress_for_fast_runs_and_in_a_pipe(app: Project) -> None:
    app.write("app/models.py", MODELS.replace('"""A model."""\n', SLOW))
    done = app.run("check")
    assert not done.stderr, done.stderr
