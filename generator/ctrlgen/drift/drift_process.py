"""The process of ``ctrlgen drift``: it imports the models, compares, and writes the findings as its reply."""

from __future__ import annotations

import gc
import logging
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ctrlgen.child import PROGRESS, REPLY, end_process, open_project, progress_to, read_request, reply_of, write_reply
from ctrlgen.errors import InstallationError
from ctrlgen.findings import Finding
from ctrlgen.settings import Settings, read_config

_LIBRARIES = {"alembic", "asyncpg"}


@dataclass(frozen=True, slots=True)
class Order:
    """The request of the parent process, sent as JSON."""

    folder: str
    project: str
    models: tuple[str, ...] | None
    alembic: str | None
    database: str


def main() -> None:
    """Read the request from standard input, and write the reply."""
    gc.disable()
    warnings.simplefilter("ignore")  # warnings about what SQLAlchemy cannot reflect, and about the models
    logging.disable(logging.WARNING)
    order = Order(**cast("dict[str, Any]", read_request()))
    os.chdir(order.project)
    open_project(Path(order.project))
    write_reply(Path(order.folder, REPLY), reply_of(lambda: _compared(order), "the comparison failed"))
    end_process((sys.stdout, sys.stderr))


def _compared(order: Order) -> tuple[str, tuple[Finding, ...]]:
    """Return the printable address of the database, and the findings."""
    try:
        from ctrlgen.drift.drift_findings import address_of, findings
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        message = f"`{error.name}` is not installed; `ctrlgen drift` needs it"
        raise InstallationError(message, hint="run `pip install 'ctrlgen[drift]'`") from error
    address = address_of(order.database)  # before the models are imported, which takes longer
    config = read_config(Path(order.project), Settings(tuple(order.models) if order.models else None))
    alembic = Path(order.alembic) if order.alembic else None
    return address.shown, tuple(findings(config, address, alembic, progress_to(Path(order.folder, PROGRESS))))


if __name__ == "__main__":
    main()
