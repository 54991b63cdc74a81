"""The folder of the record, and running without it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Workspace


@pytest.fixture
def forgotten(workspace: Workspace) -> Workspace:
    """The project, without what is remembered of it."""
    shutil.rmtree(workspace.project / ".ctrlgen_cache")
    return workspace


@pytest.mark.parametrize("way", ["option", "variable", "setting"])
def test_folder_is_where_the_user_says(forgotten: Workspace, tmp_path: Path, way: str) -> None:
    """An option and the variable are relative to the working directory, the setting to the project."""
    forgotten.environment["CTRLGEN_CACHE_DIR"] = (
        "nowhere" if way == "option" else "../cache" if way == "variable" else ""
    )
    if way == "setting":
        forgotten.edit("pyproject.toml", "[tool.ctrlgen]", '[tool.ctrlgen]\ncache_dir = "../cache"')
    arguments = ["--cache-dir", "../cache"] if way == "option" else []
    assert not forgotten.is_remembered("check", *arguments)
    assert forgotten.is_remembered("check", *arguments) or forgotten.is_remembered("check", *arguments)
    assert (forgotten.root / "cache/CACHEDIR.TAG").exists()
    assert not (forgotten.project / ".ctrlgen_cache").exists()
    assert not (forgotten.project / "nowhere").exists()
    shutil.rmtree(forgotten.root / "cache")


def test_run_without_cache_uses_and_leaves_none(forgotten: Workspace) -> None:
    assert not forgotten.is_remembered("check", "--no-cache")
    assert not forgotten.is_remembered("check", "--no-cache")
    assert not (forgotten.project / ".ctrlgen_cache").exists()


def test_record_is_used_from_every_working_directory(workspace: Workspace) -> None:
    before = workspace.imports()
    assert workspace.run("check", cwd=workspace.project / "app")[0] == 0
    assert workspace.run("check", "--project", str(workspace.project), cwd=workspace.root)[0] == 0
    assert workspace.imports() == before


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"key": []}', '{"key": [], "states": {"files": 3}}'])
def test_damaged_record_is_no_error(workspace: Workspace, damage: str) -> None:
    for file in (workspace.project / ".ctrlgen_cache").glob("run-*.json"):
        key = file.read_text().partition('"states"')[0]
        file.write_text(damage if damage != "null" else f'{key}"states":{{"files":[]}},"printed":3}}')
    assert not workspace.is_remembered()
    assert workspace.is_remembered()


def test_folder_that_cannot_be_written_is_no_error(forgotten: Workspace) -> None:
    (forgotten.project / ".ctrlgen_cache").write_text("a file in its place")
    assert not forgotten.is_remembered()
    assert not forgotten.is_remembered()
    (forgotten.project / ".ctrlgen_cache").unlink()


def test_folder_with_other_files_is_refused_whatever_names_it(forgotten: Workspace) -> None:
    forgotten.write("notes/todo.txt", "buy milk")
    forgotten.write("../elsewhere/todo.txt", "buy milk")
    before = forgotten.contents()
    for arguments, environment in ((["--cache-dir", "notes"], ""), ([], "notes"), ([], "../elsewhere")):
        forgotten.environment["CTRLGEN_CACHE_DIR"] = environment
        code, stdout, stderr = forgotten.run("check", *arguments)
        assert (code, stdout) == (2, "")
        assert "`, which contains files that ctrlgen did not write\nhint: git and backups ignore all files" in stderr
    assert forgotten.contents() == before
    shutil.rmtree(forgotten.root / "elsewhere")


@pytest.mark.parametrize("content", [{}, {".gitignore": "*"}, {"CACHEDIR.TAG": "", "of-another-program": ""}])
def test_empty_folder_and_other_caches_are_accepted(forgotten: Workspace, content: dict[str, str]) -> None:
    (forgotten.project / "cache").mkdir()
    for name, text in content.items():
        forgotten.write(f"cache/{name}", text)
    forgotten.environment["CTRLGEN_CACHE_DIR"] = "cache"
    assert not forgotten.is_remembered()
    assert forgotten.is_remembered()
    shutil.rmtree(forgotten.project / "cache")


def test_cache_is_excluded_from_git_and_backups(workspace: Workspace) -> None:
    folder = workspace.project / ".ctrlgen_cache"
    assert "*\n" in (folder / ".gitignore").read_text()
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert len(list(folder.glob("run-*"))) <= 16


def test_folder_of_a_run_that_was_killed_gets_its_files(forgotten: Workspace) -> None:
    folder = forgotten.project / ".ctrlgen_cache"
    folder.mkdir()
    assert not forgotten.is_remembered()
    assert {".gitignore", "CACHEDIR.TAG"} <= {file.name for file in folder.iterdir()}
