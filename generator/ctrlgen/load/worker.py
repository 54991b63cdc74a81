"""The child: ``python -P -m ctrlgen.load.worker REPLY PROGRESS PROJECT PACKAGE MODULE...``, started by ``process``.

User code runs here and nowhere else. It may print, replace hooks, start threads or leave: the reply goes
through a file of its own, and the process ends without waiting for anybody.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from ctrlgen.errors import CtrlgenError, LoadError, ModelError
from ctrlgen.inspect import inspect
from ctrlgen.load.failures import described
from ctrlgen.load.imports import Report, import_configured, import_submodules
from ctrlgen.load.ours import empty_modules, importable, no_models, table_models, unmapped
from ctrlgen.load.reply import Reply, write_reply
from ctrlgen.load.source import Sources
from ctrlgen.schema import Schema


def main(arguments: Sequence[str]) -> None:
    """Load, reply, and end the process."""
    reply, progress, project, package, *names = arguments
    streams = sys.stdout, sys.stderr
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    _open_project(Path(project))
    write_reply(Path(reply), _answer(names, Sources(Path(project), package), _reporter(Path(progress))))
    for stream in streams:
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)  # threads and exit handlers of theirs must not hold us


def read(names: Sequence[str], sources: Sources, report: Report) -> Schema:
    """Import the modules called ``names`` and return what their models say."""
    modules = import_configured(names, sources, report)
    findings = list(import_submodules(modules, sources, report))
    report("reading the models")
    models, hidden = importable(table_models(modules), sources)
    if not models:
        raise no_models(names, modules, [*findings, *hidden], sources)
    try:
        schema = inspect(models, sources.root)
    except ModelError as error:
        if findings:  # what is missing is most likely in the module that failed
            raise LoadError(
                findings[0].message, findings[0].location, None, sources.text(findings[0].location)
            ) from error
        raise
    if not schema.models:
        raise no_models(names, modules, [*findings, *schema.findings], sources)
    findings += [*hidden, *unmapped(modules, sources), *empty_modules(modules, models, sources), *schema.findings]
    return dataclasses.replace(schema, findings=tuple(sorted(findings)))


def _answer(names: Sequence[str], sources: Sources, report: Report) -> Reply:
    try:
        return read(names, sources, report)
    except CtrlgenError as error:
        return error
    except Exception as error:
        if os.environ.get("CTRLGEN_TRACEBACK"):
            raise
        return CtrlgenError(
            f"the models can not be read, which is a mistake in ctrlgen: {described(error)}",
            hint="please report it; `CTRLGEN_TRACEBACK=1` shows where it happened",
        )


def _open_project(root: Path) -> None:
    """Make the project's modules importable, before all others; those of a ``src`` folder after all others."""
    sys.path.insert(0, str(root))
    sys.path.append(str(root / "src"))


def _reporter(path: Path) -> Report:
    def report(doing: str) -> None:
        path.write_text(doing, "utf-8")

    return report


if __name__ == "__main__":
    main(sys.argv[1:])
