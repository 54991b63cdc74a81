"""The parent's side: start the child, wait, and return what it found or raise what it reports.

Nothing here imports sqlmodel or SQLAlchemy; `ctrlgen.load.worker` does, in the child.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ctrlgen.errors import CtrlgenError, LoadError
from ctrlgen.load.reply import Reply, read_reply
from ctrlgen.schema import Schema

_STDERR = 2


class Project(Protocol):
    """What loading needs to know of the configuration."""

    @property
    def project(self) -> Path:
        """The project's folder, absolute."""
        ...

    @property
    def package(self) -> str:
        """The import name of the generated package."""
        ...

    @property
    def models(self) -> Sequence[str]:
        """Import paths of the modules and packages that hold the models."""
        ...


def load(config: Project) -> Schema:
    """Import the configured modules in a child process and return what their models say.

    Raises
    ------
    LoadError
        If a configured module can not be imported, or none holds a table model.
    ModelError
        If a model is declared so that nothing can be generated from it.
    """
    with tempfile.TemporaryDirectory(prefix="ctrlgen-") as name:
        reply = _ask(config, Path(name))
    if isinstance(reply, CtrlgenError):
        raise reply
    return reply


def _ask(config: Project, folder: Path) -> Reply:
    answer, progress = folder / "reply", folder / "progress"
    # -P: neither the working directory nor ctrlgen's own folder may shadow a module.
    command = [sys.executable, "-P", "-m", "ctrlgen.load.worker"]
    arguments = [str(answer), str(progress), str(config.project), config.package, *config.models]
    done = subprocess.run(
        [*command, *arguments], cwd=config.project, stdin=subprocess.DEVNULL, stdout=_STDERR, check=False
    )
    return read_reply(answer) or _died(done.returncode, progress)


def _died(code: int, progress: Path) -> LoadError:
    doing = progress.read_text("utf-8") if progress.exists() else "starting"
    return LoadError(
        f"the process that loads the models ended while {doing} ({_ending(code)})",
        None,
        "A module of models must come back from its import: look for os._exit, a crash of an extension, "
        "or too little memory; what it printed stands above.",
    )


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
