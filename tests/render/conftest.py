"""Snapshots as real Python files that a reviewer can read."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class PythonFileExtension(SingleFileSnapshotExtension):
    """One ``.py`` file per snapshot."""

    file_extension = "py"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def snapshot_py(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(PythonFileExtension)
