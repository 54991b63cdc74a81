"""Implements ``ctrlgen drift``. ``cli`` passes the arguments, and exits with the code that ``drift`` returns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import typer

from ctrlgen.child import Child
from ctrlgen.errors import AddressError, counted
from ctrlgen.findings import RULES, Finding
from ctrlgen.output_formats import FORMATS, TEXT, check_format, problem_of_finding, reporter_of
from ctrlgen.report import reported
from ctrlgen.scratch import scratch_folder
from ctrlgen.settings import Config, Settings, find_project, read_config
from ctrlgen.silencing import Silence

_STDERR = 2


def drift(
    database: str | None,
    *,
    flags: Settings,
    project: Path | None = None,
    alembic: Path | None = None,
    output_format: str = TEXT,
    quiet: bool = False,
) -> int:
    """Print the differences, and return the exit code.

    Raises
    ------
    CtrlgenError
        The address, the configuration, the models or the migrations are invalid, or the database is unreachable.
    """
    root = project or find_project(Path())
    with reported(root, output_format):
        check_format(output_format)
        if not database:
            hint = "write `postgresql://user:password@host/name` after `--database`, or set DATABASE_URL"
            raise AddressError("no database address is set", hint=hint)
        config = read_config(root, flags)
        address, reported_findings = _in_process(config, flags, database, alembic.resolve() if alembic else None)
        findings = Silence(config.options.silence, config.project).remaining(reported_findings)
        if quiet:
            findings = tuple(finding for finding in findings if RULES[finding.code].fails)
    if output_format == TEXT:
        _print(findings, address, quiet=quiet)
    else:
        rules = [RULES[finding.code] for finding in findings]
        problems = [
            problem_of_finding(finding, rule, "error" if rule.fails else "warning")
            for finding, rule in zip(findings, rules, strict=True)
        ]
        typer.echo(
            FORMATS[output_format](problems, reporter_of("ctrlgen drift", config.project, RULES.values())), nl=False
        )
    return 1 if any(RULES[finding.code].fails for finding in findings) else 0


def _in_process(
    config: Config, flags: Settings, database: str, alembic: Path | None
) -> tuple[str, tuple[Finding, ...]]:
    """Run the process that imports the models, and return the printable address and the findings."""
    with scratch_folder() as folder:
        order = {
            "folder": str(folder),
            "project": str(config.project),
            "models": flags.models,
            "alembic": str(alembic) if alembic else None,
            "database": database,
        }
        # -P: neither the working directory nor ctrlgen's own folder may shadow a module.
        command = [sys.executable, "-P", "-m", "ctrlgen.drift.drift_process"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=_STDERR) as process:
            try:
                process.communicate(json.dumps(order).encode())  # not on the command line, which other users can see
                return cast("tuple[str, tuple[Finding, ...]]", Child(process, folder).answer())
            finally:
                process.kill()  # has no effect if the process has ended
                process.wait()


def _print(findings: Sequence[Finding], address: str, *, quiet: bool) -> None:
    """Print one line for each difference, and their number."""
    for finding in findings:
        typer.echo(f"{finding.location}: {finding.code} {finding.message}")
    if quiet:
        return
    differences = sum(RULES[finding.code].fails for finding in findings)
    notes = len(findings) - differences
    summary = (
        f"{counted(differences, 'difference') if differences else 'no differences'} between the models and {address}"
    )
    typer.echo(f"{summary}, and {counted(notes, 'note')}" if notes else summary, err=True)
