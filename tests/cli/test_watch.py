"""``ctrlgen watch``: which saves start a run, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import MODELS, SETTINGS, Project

pytestmark = pytest.mark.usefixtures("real_processes")

_LONG = 60  # seconds


@dataclass
class Watcher:
    """A running watch. Its output goes to files, because a pipe could fill up."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def lines(self, number: int) -> list[str]:
        """Wait for that many lines, and return them without the time."""
        end = time.monotonic() + _LONG
        while len(self.out.read_text().splitlines()) < number:
            assert time.monotonic() < end, self.out.read_text() + self.err.read_text()
            assert self.process.poll() is None, self.err.read_text()
            time.sleep(0.02)
        return self.settled()

    def settled(self) -> list[str]:
        """Return the lines so far, without the time."""
        return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in self.out.read_text().splitlines()]

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@contextmanager
def watching(app: Project, tmp_path: Path, *arguments: str) -> Iterator[Watcher]:
    out, err = tmp_path / "out.txt", tmp_path / "err.txt"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "ctrlgen", "watch", *arguments],
            cwd=app.root,
            stdout=stdout,
            stderr=stderr,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            yield Watcher(process, out, err)
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def app(generated: Path, tmp_path: Path) -> Project:
    import shutil

    shutil.copytree(generated, tmp_path / "project")
    return Project(tmp_path / "project")


def test_save_starts_a_run_and_prints_a_line(app: Project, tmp_path: Path) -> None:
    with watching(app, tmp_path) as watcher:
        assert watcher.lines(1) == [f"watching {app.root}, press Ctrl-C to stop: no changes"]
        app.write("app/models.py", MODELS.replace("unique", "index"))
        assert watcher.lines(2)[1] == "app/models.py: changed app/db/hero.py"
        assert "find_by_name" in (app.root / "app/db/hero.py").read_text()
        app.write("app/models.py", MODELS.replace("Hero", "Villain"))
        created, _, removed = watcher.lines(3)[2].partition(", removed ")
        assert created.startswith("app/models.py: created app/db/villain.py, changed ")
        assert removed == "app/db/hero.py"
        assert watcher.interrupt() == 130
    assert watcher.err.read_text() == "stopped watching\n"


def test_save_of_a_linked_file_outside_the_project_starts_a_run(app: Project, tmp_path: Path) -> None:
    shared = tmp_path / ".shared" / "models.py"
    shared.parent.mkdir()
    (app.root / "app/models.py").rename(shared)
    (app.root / "app/models.py").symlink_to(shared)
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        (shared.parent / "other.py").write_text("X = 1\n")
        replacement = shared.with_suffix(".new")
        replacement.write_text(MODELS.replace("unique", "index"))
        replacement.rename(shared)  # as many editors save
        assert watcher.lines(2)[1] == "app/models.py: changed app/db/hero.py"


def test_save_in_a_linked_folder_outside_the_project_starts_a_run(app: Project, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "deeper").mkdir(parents=True)
    (app.root / "app/models.py").rename(shared / "deeper/models.py")
    (app.root / "app/linked").symlink_to(shared, target_is_directory=True)
    (app.root / "app/models.py").symlink_to(app.root / "app/linked/deeper/models.py")
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        (shared / "deeper/models.py").write_text(MODELS.replace("unique", "index"))
        line = watcher.lines(2)[1]
        assert re.fullmatch(r"app/(linked/deeper/)?models\.py: changed app/db/hero\.py", line), line


def test_watch_continues_after_a_syntax_error(app: Project, tmp_path: Path) -> None:
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        app.write("app/models.py", f"{MODELS}class Broken(:\n")
        assert watcher.lines(2)[1] == "app/models.py: nothing was written"
        app.write("app/models.py", MODELS.replace("unique", "index"))
        assert watcher.lines(3)[2].startswith("app/models.py: changed ")
    printed = watcher.err.read_text()
    assert "SyntaxError" in printed
    assert "--> app/models.py:11" in printed
    assert "Traceback" not in printed


def test_watch_continues_after_a_mistake_in_the_settings(app: Project, tmp_path: Path) -> None:
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        app.write("pyproject.toml", "[tool.ctrlgen\n")
        assert watcher.lines(2)[1] == "pyproject.toml: nothing was written"
        app.write("pyproject.toml", SETTINGS + 'strip = ["o"]\n')
        assert watcher.lines(3)[2].startswith("pyproject.toml: created app/db/her.py")
    assert "is not valid TOML" in watcher.err.read_text()


def test_mistake_in_the_settings_has_its_line(app: Project, tmp_path: Path) -> None:
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        app.write("pyproject.toml", f'{SETTINGS}ouput = "x"\n')
        assert watcher.lines(2)[1] == "pyproject.toml: nothing was written"
    said = '  --> pyproject.toml:4\n   4 | ouput = "x"\n     | ^^^^^\n'
    assert said in watcher.err.read_text()
    assert said in app.fails("watch")


def test_burst_of_saves_is_one_run(app: Project, tmp_path: Path) -> None:
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        for number in range(40):
            app.write("app/models.py", MODELS.replace("Hero", f"Hero{number}"))
            app.write(f"app/more{number % 7}.py", f"NUMBER = {number}\n")
            time.sleep(0.02)
        last = watcher.lines(2)[1]
        assert last.startswith("app/models.py, app/more0.py, app/more1.py and 5 more: created app/db/hero39.py")
        time.sleep(3)
        assert len(watcher.settled()) == 2


def test_branch_switch_is_one_run(app: Project, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments]
        subprocess.run(command, cwd=app.root, check=True, capture_output=True)

    app.write(".gitignore", ".ctrlgen_cache\n__pycache__\n")
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "other")
    app.write("app/models.py", MODELS.replace("Hero", "Villain"))
    for number in range(30):
        app.write(f"app/part{number}.py", "X = 1\n")
    assert app.run("generate", "-q").returncode == 0
    git("add", "-A")
    git("commit", "-qm", "two")
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        git("checkout", "-q", "main")
        assert watcher.lines(2)[1].endswith(": no changes")
        time.sleep(3)
        assert len(watcher.settled()) == 2
    assert app.run("check").returncode == 0


@pytest.mark.parametrize(
    "path", ["app/db/hero.py", "app/db/mine.py", "README.md", ".venv/lib/x.py", "app/__pycache__/models.pyc"]
)
def test_irrelevant_files_start_no_run(app: Project, tmp_path: Path, path: str) -> None:
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        app.write(path, "# Generated by ctrlgen.\n")
        time.sleep(2)
        app.write("app/other.py", "X = 1\n")
        assert len(watcher.lines(2)) == 2
        assert watcher.settled()[1].startswith("app/other.py: ")


def test_save_during_a_run_starts_another_run(app: Project, tmp_path: Path) -> None:
    slow = MODELS.replace('"""A model."""', '"""A model."""\n\nimport time\n\ntime.sleep(1.5)\n')
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        app.write("app/models.py", slow)
        time.sleep(1.2)
        app.write("app/models.py", MODELS.replace("unique", "index"))
        watcher.lines(3)
    assert "find_by_name" in (app.root / "app/db/hero.py").read_text()


def test_mistake_at_the_start_ends_watch(app: Project) -> None:
    app.write("pyproject.toml", "[tool.ctrlgen\n")
    assert "is not valid TOML" in app.fails("watch")


def test_warning_is_printed_once(app: Project, tmp_path: Path) -> None:
    team = MODELS.replace("name: str = Field(unique=True)", "leader_id: int = Field(foreign_key='hero.id')")
    with watching(app, tmp_path) as watcher:
        watcher.lines(1)
        app.write("app/models.py", team)
        watcher.lines(2)
        app.write("app/models.py", team + "    more: int\n")
        watcher.lines(3)
        assert watcher.interrupt() == 130
    assert watcher.err.read_text().count("CG101") == 1
