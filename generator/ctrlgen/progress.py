"""Shows what a run is at, on a terminal, once it has taken a second; in a pipe nothing.

``cli`` opens it around the pipeline, whose steps say what they are about to do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

_PATIENCE = 1.0  # seconds
_REFRESH = 0.1

Doing = Callable[[], str]
Step = Callable[[Doing], None]
"""Takes what tells what is going on, which may change while it does."""


def no_progress(_doing: Doing) -> None:
    """Show nothing."""


@contextmanager
def shown_progress(*, quiet: bool = False) -> Generator[Step]:
    """Show the steps of the block on standard error, if that is a terminal and the block takes long."""
    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from threading import Event, Thread  # which a run that is answered from its record does without

    steps: list[Doing] = [lambda: "starting"]
    done = Event()
    thread = Thread(target=_show, args=(steps, done), daemon=True)
    thread.start()
    try:
        yield steps.append
    finally:
        done.set()
        thread.join()


def _show(steps: list[Doing], done: Event) -> None:
    if done.wait(_PATIENCE):
        return
    from rich.console import Console  # takes longer to import than most runs take
    from rich.markup import escape

    with Console(stderr=True).status(escape(steps[-1]())) as status:
        while not done.wait(_REFRESH):
            status.update(escape(steps[-1]()))
