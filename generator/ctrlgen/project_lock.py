"""Lets one run write at a time: ``generate`` has the project for itself, ``check`` and ``diff`` share it.

The lock is on the project's folder, so that it leaves no file, and it goes with the process, however that ends.
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
    """Hold the lock of a project; where another run holds it, say so and wait."""
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
        return  # a file system without locks: then runs are not kept apart
