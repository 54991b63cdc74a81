"""Temporary folders are deleted after a run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from ctrlgen.scratch import delete_leftovers, scratch_folder

LONG_AGO = (0.0, 0.0)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_folder_of_a_killed_process_is_deleted_and_one_in_use_stays(temporary: Path) -> None:
    with scratch_folder() as used:
        left = Path(tempfile.mkdtemp(prefix=used.name[:-8]))
        for folder in (used, left):
            os.utime(folder, LONG_AGO)
        delete_leftovers()
        assert [*temporary.iterdir()] == [used]
    assert [*temporary.iterdir()] == []


@pytest.mark.parametrize(
    "name", ["ctrlgen-tests-a1b2c3d4", "ctrlgen-a1b2c3d4", "ctrlgen", "ctrlgen-run-mine", "ctrlgen-run-of-yesterday"]
)
def test_other_files_and_folders_are_not_deleted(name: str, temporary: Path) -> None:
    (temporary / name).mkdir()
    (temporary / name / "file").write_text("precious")
    os.utime(temporary / name, LONG_AGO)
    delete_leftovers()
    assert (temporary / name / "file").read_text() == "precious"
