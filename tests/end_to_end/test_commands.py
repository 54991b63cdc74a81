"""The README's first command, on a fresh copy of the committed files, in a folder with a space in its name."""

from __future__ import annotations

from pathlib import Path

from .conftest import Run


def test_demo_runs_on_a_fresh_clone_and_again(project: Path, tmp_path: Path, run: Run) -> None:
    clone = tmp_path / "a fresh clone"
    run("git", "clone", "--quiet", project, clone, cwd=tmp_path)
    for _ in range(2):
        done = run("make", "demo", cwd=clone)
        assert "#1 warn: brian → chen, spam" in done.stdout
    assert run("git", "status", "--porcelain", cwd=clone).stdout == ""
