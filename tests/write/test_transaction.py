"""Either all files are written or none."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ctrlgen.errors import OutputError
from ctrlgen.write import HEADER, Change, Changes, apply, compare

OURS = f"{HEADER}\nx = 1\n"


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_files_are_created_changed_and_removed_with_their_folders(tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime/gone.py").write_text(OURS)
    (tmp_path / "a.py").write_text(OURS)
    apply(compare({"a.py": f"{OURS}#\n", "new/b.py": OURS}, tmp_path), tmp_path)
    assert tree(tmp_path) == {"a.py": f"{OURS}#\n", "new/b.py": OURS}
    assert not (tmp_path / "runtime").exists()


def test_unchanged_file_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(OURS)
    before = (tmp_path / "a.py").stat()
    apply(compare({"a.py": OURS}, tmp_path), tmp_path)
    after = (tmp_path / "a.py").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_failed_write_restores_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(OURS)
    (tmp_path / "taken.py").mkdir()
    changes = Changes(
        (
            Change(tmp_path / "a.py", OURS.encode(), b"changed"),
            Change(tmp_path / "new/b.py", None, b"new"),
            Change(tmp_path / "taken.py", None, b"cannot replace a folder"),
        )
    )
    with pytest.raises(OutputError, match="nothing was changed"):
        apply(changes, tmp_path)
    assert tree(tmp_path) == {"a.py": OURS}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "taken.py"]


def test_permissions_of_a_changed_file_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(OURS)
    (tmp_path / "a.py").chmod(0o640)
    apply(compare({"a.py": f"{OURS}#\n"}, tmp_path), tmp_path)
    assert (tmp_path / "a.py").stat().st_mode & 0o777 == 0o640


def test_full_disk_is_reported_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")  # like the error of `write`, which names no file

    monkeypatch.setattr("os.fdopen", fail)
    with pytest.raises(OutputError, match=r"cannot write `.*a\.py`: No space left on device") as caught:
        apply(compare({"a.py": OURS}, tmp_path), tmp_path)
    assert caught.value.hint == "free some disk space"
    assert tree(tmp_path) == {}
