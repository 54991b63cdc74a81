"""Formatted files are cached, and reused only for identical sources and settings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ctrlgen.cache_folder import NAME
from ctrlgen.format import format_or_recall

SOURCES = {"m.py": "x=1\n", "py.typed": ""}
FORMATTED = {"m.py": "x = 1\n", "py.typed": ""}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose package was formatted once."""
    (tmp_path / "ruff.toml").write_text("line-length = 80\n")
    assert formatted(tmp_path) == FORMATTED
    return tmp_path


def formatted(project: Path, sources: dict[str, str] | None = None) -> dict[str, str]:
    return format_or_recall(sources or SOURCES, {"app"}, project / "app/db", project / NAME)


def test_same_sources_are_formatted_without_ruff(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*arguments: object, **options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "run", start)
    assert formatted(project) == FORMATTED


@pytest.mark.parametrize("change", ["sources", "settings", "extended settings", "package"])
def test_changes_that_affect_the_format_invalidate_the_cache(
    project: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = dict(SOURCES)
    (project / "base.toml").touch()
    if change == "extended settings":
        (project / "ruff.toml").write_text("extend = 'base.toml'\n")
        formatted(project)
        (project / "base.toml").write_text("line-length = 90\n")
    elif change == "settings":
        (project / "ruff.toml").write_text("line-length = 70\n")
    elif change == "package":
        (project / "app").mkdir()
        (project / "app/__init__.py").touch()
    else:
        sources["m.py"] = "x=2\n"
    started: list[object] = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: (started.append(args), run(*args, **options))[1])
    assert formatted(project, sources)["m.py"] == sources["m.py"].replace("=", " = ")
    assert started


def test_library_with_the_name_of_a_new_folder_becomes_first_party(project: Path) -> None:
    sources = {"m.py": "import sqlmodel\nimport typer\n\nx = sqlmodel, typer\n"}
    assert formatted(project, sources) == sources
    (project / "sqlmodel").mkdir()
    assert formatted(project, sources)["m.py"].startswith("import typer\n\nimport sqlmodel\n")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}', "null"])
def test_damaged_cache_is_no_error(project: Path, damage: str) -> None:
    (file,) = (project / NAME).glob("*.json")
    file.write_text(damage)
    assert formatted(project) == FORMATTED


def test_cache_is_ignored_by_git_and_optional(project: Path) -> None:
    assert (project / NAME / ".gitignore").read_text() == "# Created by ctrlgen.\n*\n"
    assert (project / NAME / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    for file in (project / NAME).iterdir():
        file.unlink()
    (project / NAME).rmdir()
    (project / NAME).write_text("a file in its place")
    assert formatted(project) == FORMATTED


def test_only_what_changed_is_formatted_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {**SOURCES, "n.py": "y=1\n"}
    formatted(project, sources)
    seen: list[str] = []
    write = Path.write_bytes

    def note(file: Path, content: bytes) -> int:
        seen.append(file.name)
        return write(file, content)

    monkeypatch.setattr(Path, "write_bytes", note)
    assert formatted(project, {**sources, "n.py": "y=2\n"}) == {**FORMATTED, "n.py": "y = 2\n"}
    assert "n.py" in seen
    assert "m.py" not in seen
