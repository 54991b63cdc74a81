"""Starts the child process that reads the models as early as possible, because its imports take the longest.

``__main__`` calls :func:`warm_up` before it imports the command. ``child`` takes over that process, and sends it a
request. This module imports almost nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

from ctrlgen.interruption import do_at_end, held

_STDERR = 2
_waiting: list[subprocess.Popen[bytes]] = []


def warm_up() -> None:
    """Start a process that imports the libraries and waits for a request."""
    _waiting.append(_start())


def take_process() -> subprocess.Popen[bytes]:
    """Return the process that was started early, or a new one."""
    return _waiting.pop() if _waiting else _start()


def cool_down() -> None:
    """End a process that was not used, for example after an error in the arguments."""
    while _waiting:
        with _waiting.pop() as process:
            process.kill()


def _start() -> subprocess.Popen[bytes]:
    # -P: neither the working directory nor ctrlgen's own folder may shadow a module.
    command = [sys.executable, "-P", "-m", "ctrlgen.child"]
    with held():  # the child must not receive Ctrl-C, which a terminal sends to both; the parent ends it
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=_STDERR)
        do_at_end(partial(_end, process))
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process from a signal handler, in which its lock may be held."""
    if process.returncode is None:
        process.kill()
        os.waitpid(process.pid, 0)
