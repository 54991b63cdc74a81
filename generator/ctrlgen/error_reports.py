"""Adds source lines to errors, and prints errors in the formats for tools. Every command runs inside ``reported``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ctrlgen import toml
from ctrlgen.errors import CtrlgenError
from ctrlgen.findings import Location

_SETTINGS = "pyproject.toml"


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
        _print(error, output_format)
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


def _print(error: CtrlgenError, output_format: str) -> None:
    from ctrlgen.output_formats import FORMATS, Reporter, RuleEntry, problems_of_error  # imported only for an error

    if output_format in FORMATS:
        import typer

        errors = [error, *error.others]
        rules = {err.code: RuleEntry(err.code, type(err).__name__, err.meaning, err.docs()) for err in errors}
        reporter = Reporter("ctrlgen", tuple(rules.values()))
        typer.echo(FORMATS[output_format](problems_of_error(error), reporter), nl=False)
