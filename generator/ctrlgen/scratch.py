"""Folders for what lasts no longer than a run: the reply of the child process, and the sources that ruff formats.

Such a folder goes with the block, with a signal, and, where the process was killed, with the next run: a process holds
a lock on its folders, so what nobody holds is left over.
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
"""The folders of this process, past ones too."""

_PREFIX = "ctrlgen-run-"  # of nothing else: what begins so is deleted where no process holds it
_RANDOM = "[a-z0-9_]" * 8  # which `mkdtemp` adds
_UNLOCKED_AT_FIRST = 1.0  # seconds: longer than from making a folder to locking it


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Make a folder that is deleted with the block."""
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
    """Delete the folders of processes that were killed."""
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
