"""Ends the process in order when a signal says so: nothing it started is left running, nothing temporary stays.

``__main__`` installs it first of all. The handler neither raises nor returns, because an exception that may come at
any line is lost in some and printed by others. What must not be cut in two, as writing the files of a package, is done
with the signals :func:`held`.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_farewells = ["error: interrupted"]
_left_to_do: dict[int, Callable[[], None]] = {}


def end_in_order() -> None:
    """Install the handler of signals that end a process, except where the process was told to ignore one."""
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)
            atexit.register(signal.signal, number, signal.SIG_IGN)  # the run is over; Python restores the default next


def say_at_interruption(line: str) -> None:
    """Say this at Ctrl-C, for what has no other end."""
    _farewells.append(line)


@contextmanager
def cleaned_up(clean_up: Callable[[], None]) -> Generator[None]:
    """Call ``clean_up`` when the block ends, and also if a signal ends the process meanwhile."""
    key = id(clean_up)
    _left_to_do[key] = clean_up
    try:
        yield
    finally:
        clean_up()
        del _left_to_do[key]


def do_at_end(clean_up: Callable[[], None]) -> None:
    """Call ``clean_up`` if a signal ends the process."""
    _left_to_do[id(clean_up)] = clean_up


@contextmanager
def held() -> Generator[None]:
    """Let signals wait until the block has ended; a process that is started in it never gets SIGINT."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(number: int, _frame: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    for clean_up in [*_left_to_do.values()]:
        with suppress(Exception):
            clean_up()
    if number == signal.SIGINT:
        with suppress(OSError):
            os.write(2, f"{_farewells[-1]}\n".encode())
        os._exit(INTERRUPTED)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
