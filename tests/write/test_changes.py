"""Differences between the generated files and the disk, and refused changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctrlgen.errors import OutputError
from ctrlgen.write import HEADER, compare, unified_diff

OURS = f"{HEADER}\nx = 1\n"


def states(folder: Path, sources: dict[str, str]) -> dict[str, str]:
    return {change.file.name: change.state for change in compare(sources, folder).files}


def test_new_changed_unchanged_and_removed_files_are_distinguished(tmp_path: Path) -> None:
    for name in ("equal.py", "changed.py", "vanished.py"):
        (tmp_path / name).write_text(OURS)
    sources = {"equal.py": OURS, "changed.py": f"{OURS}y = 2\n", "new.py": OURS}
    assert states(tmp_path, sources) == {
        "equal.py": "unchanged",
        "changed.py": "changed",
        "new.py": "created",
        "vanished.py": "removed",
    }


def test_file_without_the_header_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("x = 1\n")
    (tmp_path / "notes.txt").write_text(OURS)
    assert states(tmp_path, {}) == {}


def test_clash_with_a_foreign_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text("mine\n")
    with pytest.raises(OutputError, match=r"user\.py` was not written by ctrlgen"):
        compare({"user.py": OURS}, tmp_path)


def test_file_in_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "runtime").write_text("mine\n")
    with pytest.raises(OutputError, match="is a file, but a folder is needed"):
        compare({"runtime/service.py": OURS}, tmp_path)


def test_diff_is_a_patch_relative_to_the_project(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db/a.py").write_text(OURS)
    changes = compare({"a.py": OURS.replace("1", "2"), "b.py": OURS}, tmp_path / "db")
    assert unified_diff(changes, tmp_path).splitlines() == [
        "--- a/db/a.py",
        "+++ b/db/a.py",
        "@@ -1,2 +1,2 @@",
        f" {HEADER}",
        "-x = 1",
        "+x = 2",
        "--- /dev/null",
        "+++ b/db/b.py",
        "@@ -0,0 +1,2 @@",
        f"+{HEADER}",
        "+x = 1",
    ]


def test_package_in_the_folder_of_another_one_is_not_its_own(tmp_path: Path) -> None:
    for path in ("inner/hero.py", "inner/runtime/bulk.py", "runtime/old.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(OURS)
    assert states(tmp_path, {}) == {"old.py": "removed"}


def test_line_endings_of_a_checkout_are_not_a_difference(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(OURS.replace("\n", "\r\n").encode())
    assert states(tmp_path, {"a.py": OURS}) == {"a.py": "unchanged"}
    changes = compare({"a.py": f"{OURS}y = 2\n"}, tmp_path)
    assert [line for line in unified_diff(changes, tmp_path).splitlines() if line[0] in "+-"][2:] == ["+y = 2"]
