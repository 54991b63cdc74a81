"""Shuts down the process on a signal: child processes are ended, and temporary files are removed.

``__main__`` installs it first. The handler neither raises nor returns, because an exception raised at an arbitrary line
may be swallowed or printed there. Operations that must not be interrupted, such as writing the files of a package, run
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
    """Install the handler for termination signals, except those that the process ignores."""
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)
            atexit.register(signal.signal, number, signal.SIG_IGN)  # the run is over; Python restores the default next


def say_at_interruption(line: str) -> None:
    """Set the message that is printed at Ctrl-C, for commands that run until then."""
    _farewells.append(line)


@contextmanager
def cleaned_up(clean_up: Callable[[], None]) -> Generator[None]:
    """Call ``clean_up`` when the block ends, or when a signal ends the process in the block."""
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
    """Defer signals until the end of the block. A process started in the block ignores SIGINT."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(number: int, _frame: FrameType | None) -> None:
    for handled in _SIGNALS:
        signal.signal(handled, signal.SIG_IGN)
    for clean_up in [*_left_to_do.values()]:
        with suppress(Exception):
            clean_up()
    if number == signal.SIGINT:
        with suppress(OSError):
            os.write(2, f"{_farewells[-1]}\n".encode())
        os._exit(INTERRUPTED)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
