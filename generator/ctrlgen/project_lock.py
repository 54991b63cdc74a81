"""Locks the project: ``generate`` takes an exclusive lock, ``check`` and ``diff`` a shared one.

The lock is on the project's folder, so it leaves no file. It is released when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(project: Path, *, to_write: bool) -> Generator[None]:
    """Hold the lock of a project. If another run holds it, print a message and wait."""
    folder = os.open(project, os.O_RDONLY)
    try:
        _lock(folder, fcntl.LOCK_EX if to_write else fcntl.LOCK_SH)
        yield
    finally:
        os.close(folder)


def _lock(folder: int, kind: int) -> None:
    try:
        try:
            fcntl.flock(folder, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("waiting for another run of ctrlgen in this project\n")
            sys.stderr.flush()
            fcntl.flock(folder, kind)
    except OSError:
        return  # the file system does not support locks
