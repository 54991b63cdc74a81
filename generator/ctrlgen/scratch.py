"""Temporary folders of a run: for the reply of the child process, and for the sources that ruff formats.

A folder is deleted at the end of the block, on a signal, or, if the process was killed, by the next run. A process
locks its folders, so an unlocked folder is left over.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ctrlgen.interruption import cleaned_up, held
from ctrlgen.tracing import unobserved

created: list[Path] = []
"""The folders of this process, including past ones."""

_PREFIX = "ctrlgen-run-"  # must be unique to ctrlgen: unlocked folders with this prefix are deleted
_RANDOM = "[a-z0-9_]" * 8  # added by `mkdtemp`
_UNLOCKED_AT_FIRST = 1.0  # seconds, longer than the time between creating and locking a folder


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Create a folder that is deleted at the end of the block."""
    with ExitStack() as stack:
        with held():
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
            created.append(folder)
            stack.enter_context(cleaned_up(lambda: _delete(folder)))
            lock = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def delete_leftovers() -> None:
    """Delete the folders of killed processes."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + _RANDOM):
        with suppress(OSError):
            status = folder.stat()
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > _UNLOCKED_AT_FIRST:
                _delete_unlocked(folder)


def _delete(folder: Path) -> None:
    with unobserved():
        shutil.rmtree(folder, ignore_errors=True)


def _delete_unlocked(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _delete(folder)
    finally:
        os.close(lock)
