"""Shows the current step of a run that takes longer than a second, on a terminal only.

``cli`` opens it around the pipeline, which reports its steps.
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

DescribeStep = Callable[[], str]
Step = Callable[[DescribeStep], None]
"""Accepts a function that describes the current step."""


def no_progress(_describe: DescribeStep) -> None:
    """Show nothing."""


@contextmanager
def shown_progress(*, quiet: bool = False) -> Generator[Step]:
    """Show the steps of the block on standard error, if it is a terminal and the block takes long."""
    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from threading import Event, Thread  # not needed for a recorded run

    steps: list[DescribeStep] = [lambda: "starting"]
    done = Event()
    thread = Thread(target=_show, args=(steps, done), daemon=True)
    thread.start()
    try:
        yield steps.append
    finally:
        done.set()
        thread.join()


def _show(steps: list[DescribeStep], done: Event) -> None:
    if done.wait(_PATIENCE):
        return
    from rich.console import Console  # importing it takes longer than most runs
    from rich.markup import escape

    with Console(stderr=True).status(escape(steps[-1]())) as status:
        while not done.wait(_REFRESH):
            status.update(escape(steps[-1]()))
