"""Completes errors with the user's own line, and prints them for tools as well; every command runs inside of it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ctrlgen import toml
from ctrlgen.errors import CtrlgenError
from ctrlgen.finding import Location

_SETTINGS = "pyproject.toml"


@contextmanager
def reported(project: Path, output_format: str) -> Generator[None]:
    """Give an error that passes its line, and print it in the format that was asked for; then it goes on its way.

    Parameters
    ----------
    project
        What the places of errors are relative to.
    output_format
        One of ``output_formats``; as text, errors are printed at the end by ``cli``.
    """
    try:
        yield
    except CtrlgenError as error:
        complete(error, project)
        _print(error, output_format)
        raise


def complete(error: CtrlgenError, project: Path) -> None:
    """Add the place of the setting that an error is about, and the line at its place."""
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


def _print(error: CtrlgenError, output_format: str) -> None:
    from ctrlgen.output_formats import FORMATS, Reporter, RuleEntry, problems_of_error  # only where there is an error

    if output_format in FORMATS:
        import typer

        every = [error, *error.others]
        rules = {each.code: RuleEntry(each.code, type(each).__name__, each.meaning, each.docs()) for each in every}
        reporter = Reporter("ctrlgen", tuple(rules.values()))
        typer.echo(FORMATS[output_format](problems_of_error(error), reporter), nl=False)
