"""The process of ``ctrlgen drift``: it imports the models, compares, and writes the findings as its reply."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from ctrlgen.child import PROGRESS, REPLY, open_project, progress_to, write_reply
from ctrlgen.drift.address import Address
from ctrlgen.errors import CtrlgenError, InstallationError, bug
from ctrlgen.schema import Schema
from ctrlgen.settings import Settings, read_config

_LIBRARIES = {"alembic", "asyncpg"}


@dataclass(frozen=True, slots=True)
class Order:
    """The request of the parent process, sent as JSON."""

    folder: str
    project: str
    models: tuple[str, ...] | None
    alembic: str | None
    url: str
    shown: str
    secrets: tuple[str, ...]


def main() -> None:
    """Read the request from standard input, and write the reply."""
    gc.disable()
    warnings.simplefilter("ignore")  # warnings about what SQLAlchemy cannot reflect, and about the models
    logging.disable(logging.WARNING)
    text = sys.stdin.buffer.read()
    if not text:
        os._exit(0)  # the parent process has ended
    order = Order(**json.loads(text))
    os.chdir(order.project)
    open_project(Path(order.project))
    write_reply(Path(order.folder, REPLY), _answer(order))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)  # do not wait for threads and exit handlers of the models


def _answer(order: Order) -> Schema | CtrlgenError:
    try:
        return _compared(order)
    except CtrlgenError as error:
        return error.with_traceback_of_cause()
    except Exception as error:  # noqa: BLE001 - the parent prints it
        if isinstance(error, ModuleNotFoundError) and error.name in _LIBRARIES:
            return InstallationError(
                f"`{error.name}` is not installed; `ctrlgen drift` needs it", hint="run `pip install 'ctrlgen[drift]'`"
            )
        return bug("the comparison failed because of a bug in ctrlgen", error)


def _compared(order: Order) -> Schema:
    from ctrlgen.drift.live import findings  # an optional dependency may be missing

    config = read_config(Path(order.project), Settings(tuple(order.models) if order.models else None))
    address = Address(order.url, order.shown, tuple(order.secrets))
    alembic = Path(order.alembic) if order.alembic else None
    return Schema((), tuple(findings(config, address, alembic, progress_to(Path(order.folder, PROGRESS)))))


if __name__ == "__main__":
    main()
