"""Prints the output of the commands: the summary to standard output, findings and errors to standard error.

Every command runs inside :func:`reported`, which adds source lines to errors, and prints errors in the formats for
tools.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import typer

from ctrlgen import toml
from ctrlgen.errors import CtrlgenError, EncodingError, UsageError
from ctrlgen.findings import Finding, Location
from ctrlgen.write import Changes, State

_SUGGESTION = re.compile(r"(?:\. Did you mean '| \(Possible options: )([^',)]+)[^)?]*[)?]+\.?")
_QUOTED = re.compile(r"'([^']+)'")
_SETTINGS = "pyproject.toml"
_SHOWN = 3  # findings of each code
_DIFF_COLOURS = {
    "---": None,
    "+++": None,
    "@@": typer.colors.CYAN,
    "-": typer.colors.RED,
    "+": typer.colors.GREEN,
}
_COLOURS = {"created": typer.colors.GREEN, "changed": typer.colors.YELLOW, "removed": typer.colors.RED}


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text, in colour only on a terminal unless NO_COLOR or FORCE_COLOR is set."""
    color = False if os.environ.get("NO_COLOR") else True if os.environ.get("FORCE_COLOR") else None
    typer.echo(text, err=err, nl=nl, color=color)


def make_printable() -> None:
    """Make any text printable in any locale; if the locale is ASCII, print UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if ascii_only else None, errors="backslashreplace")


def print_summary(changes: Changes, project: Path) -> None:
    """Print the files that were created, changed or removed, and the number of files by state."""
    for change in changes.pending:
        path = change.file.relative_to(project).as_posix()
        echo(f"{typer.style(change.state.ljust(8), fg=_COLOURS[change.state])} {path}")
    states: tuple[State, ...] = ("created", "changed", "unchanged", "removed")
    echo(", ".join(f"{len(changes.having(state))} {state}" for state in states))


def print_stale(changes: Changes, project: Path) -> None:
    """Print the stale files to standard error, so that standard output has only the diff."""
    for change in changes.pending:
        echo(f"{change.state.ljust(8)} {change.file.relative_to(project).as_posix()}", err=True)
    stale = len(changes.pending)
    echo(f"{stale} {'file is' if stale == 1 else 'files are'} stale; run `ctrlgen generate`", err=True)


def print_diff(diff: str) -> None:
    """Print a diff to standard output, in colour on a terminal."""
    echo("".join(map(_coloured, diff.splitlines(keepends=True))), nl=False)


def _coloured(line: str) -> str:
    for beginning, colour in _DIFF_COLOURS.items():
        if line.startswith(beginning):
            text = line.rstrip("\n")
            return typer.style(text, fg=colour, bold=True if colour is None else None) + line[len(text) :]
    return line


def print_incomplete(incomplete: Finding) -> None:
    """Print that ctrlgen cannot determine whether the package is stale, because models may be missing."""
    echo(f"ctrlgen cannot determine whether everything is up to date, because {incomplete.message}", err=True)


def print_findings(findings: tuple[Finding, ...], *, verbose: bool = False) -> None:
    """Print findings with location and code, grouped by code; only the first few of each code unless ``verbose``."""
    label = typer.style("warning", fg=typer.colors.YELLOW, bold=True)
    for code, group in groupby(sorted(findings, key=lambda finding: finding.code), key=lambda finding: finding.code):
        alike = list(group)
        shown = alike if verbose or len(alike) <= _SHOWN + 1 else alike[:_SHOWN]
        for finding in shown:
            echo(f"{finding.location}: {label} {finding.code}: {finding.message}", err=True)
            print_details(finding.import_chain, finding.traceback)
        if hidden := len(alike) - len(shown):
            echo(f"... and {hidden} more of {code}, {len(alike)} in all; `--verbose` shows all", err=True)


@dataclass
class Detail:
    """How much detail is printed about a failure, as set by the options of the command and by the environment."""

    verbose: bool = False
    traceback: bool = False


DETAIL = Detail(traceback=bool(os.environ.get("CTRLGEN_TRACEBACK")))


def print_details(import_chain: tuple[str, ...], traceback: str) -> None:
    """Print the import chain and the traceback of a failed import, if the options ask for them."""
    if DETAIL.verbose and import_chain:
        echo("  import chain:", err=True)
        for line in import_chain:
            echo(f"    {line}", err=True)
    if DETAIL.traceback and traceback:
        echo(traceback, err=True, nl=False)


def print_error(error: CtrlgenError) -> None:
    """Print the message, location, source line, hint and documentation link of an error."""
    label = typer.style(f"error {error.code}", fg=typer.colors.RED, bold=True)
    echo(f"{label}: {error.message}", err=True)
    if error.location:
        echo(f"  --> {error.location}", err=True)
    if error.source:
        _print_line(error.source, str(error.location.line) if error.location else "", error.mark)
    if error.hint:
        echo(f"{typer.style('hint', fg=typer.colors.CYAN)}: {error.hint}", err=True)
    echo(f"{typer.style('docs', fg=typer.colors.CYAN)}: {error.docs()}", err=True)
    print_details(error.import_chain, error.traceback)
    for other in error.others:
        print_error(other)


def _print_line(source: str, number: str, mark: str | None) -> None:
    """Print a source line, with carets under ``mark`` or under the whole line."""
    line = source.strip().expandtabs(4)
    marked = mark if mark and mark in line else line
    margin = f"{' ' * len(number)} | {' ' * line.index(marked)}"
    carets = typer.style("^" * len(marked), fg=typer.colors.RED)
    echo(f"   {number} | {line}\n   {margin}{carets}", err=True)


def print_interrupted() -> None:
    """Print that the run was interrupted."""
    echo("error: interrupted", err=True)


def print_usage_error(error: Exception) -> None:
    """Print an error in the arguments in the same form as all other errors."""
    if type(error).__name__ == "NoArgsIsHelpError":
        show: Callable[[], None] = getattr(error, "show")  # noqa: B009 - typer does not export the class
        show()
        return
    described: Callable[[], str] = getattr(error, "format_message", error.__str__)
    text = _SUGGESTION.sub("", message := described()).removesuffix(".")
    suggestion = _SUGGESTION.search(message)
    context: object = getattr(error, "ctx", None)
    command = getattr(context, "info_name", None) if getattr(context, "parent", None) else None
    help_ = " ".join(filter(None, ("ctrlgen", command, "--help")))
    hint = f"did you mean `{suggestion[1]}`?" if suggestion else f"`{help_}` lists the arguments and options"
    print_error(UsageError(_QUOTED.sub(r"`\1`", text[:1].lower() + text[1:]), hint=hint))


def print_unencodable(error: UnicodeEncodeError) -> None:
    """Print that the locale cannot encode a file name."""
    name = error.object.rpartition("/")[2]
    message = f"the locale cannot encode the file name `{name}`; its encoding is {error.encoding}"
    print_error(EncodingError(message, hint="set `PYTHONUTF8=1`, or use a UTF-8 locale"))


# Errors.


@contextmanager
def reported(project: Path, output_format: str) -> Generator[None]:
    """Add the source line to an error raised in the block, print the error in the requested format, and raise it again.

    Parameters
    ----------
    project
        The folder that the locations of errors are relative to.
    output_format
        One of ``output_formats``. In the text format, ``cli`` prints the error at the end.
    """
    try:
        yield
    except CtrlgenError as error:
        complete(error, project)
        _print(error, output_format, project)
        raise


def complete(error: CtrlgenError, project: Path) -> None:
    """Add the location of the setting that an error is about, and the source line at its location."""
    if error.setting and error.location is None:
        with suppress(OSError, UnicodeDecodeError):
            line = toml.find_setting((project / _SETTINGS).read_text("utf-8"), error.setting, error.mark)
            error.location = Location(_SETTINGS, line) if line else None
    if error.location and error.source is None:
        with suppress(OSError, UnicodeDecodeError):
            lines = (project / error.location.file).read_text("utf-8").splitlines()
            error.source = next(iter(lines[max(error.location.line - 1, 0) : error.location.line]), None) or None
    for other in error.others:
        complete(other, project)


def _print(error: CtrlgenError, output_format: str, project: Path) -> None:
    from ctrlgen.output_formats import FORMATS, Reporter, RuleEntry, problems_of_error  # imported only for an error

    if output_format in FORMATS:
        errors = [error, *error.others]
        rules = {err.code: RuleEntry(err.code, type(err).__name__, err.meaning, err.docs()) for err in errors}
        reporter = Reporter("ctrlgen", project, tuple(rules.values()))
        typer.echo(FORMATS[output_format](problems_of_error(error), reporter), nl=False)
