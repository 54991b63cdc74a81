"""What ``ctrlgen explain`` does: asks the child process for the explanation, and prints it."""

from __future__ import annotations

from importlib.util import find_spec

import typer

from ctrlgen.child import child_process
from ctrlgen.errors import InstallationError, UnknownFormatError, did_you_mean
from ctrlgen.explain.explanation import Explanation
from ctrlgen.explain.explanation_work import ExplanationWork
from ctrlgen.settings import Config

_FORMATS = ("text", "json")


def explain(config: Config, choice: str | None, *, indexes: bool, output_format: str, quiet: bool) -> None:
    """Print what the methods of a model, or of all, are and send; or the indexes that are missing.

    Raises
    ------
    CtrlgenError
        There is no such model, method or format, or the models cannot be loaded.
    """
    if output_format not in _FORMATS:
        hint = did_you_mean(output_format, _FORMATS) or f"known are {', '.join(_FORMATS)}"
        raise UnknownFormatError(f"`--format {output_format}` is not known", hint=hint)
    explanation = _explanation(config, choice)
    if explanation.incomplete and not quiet:
        typer.echo(f"warning: {explanation.incomplete}", err=True)
    one_method = bool(choice) and all(len(each.methods) + len(each.absent) <= 1 for each in explanation.models)
    if output_format == "json":
        from ctrlgen.explain.as_json import as_json

        typer.echo(as_json(explanation), nl=False)
        return
    from ctrlgen.explain.as_text import as_text, missing_as_text

    if not indexes:
        typer.echo(as_text(explanation, whole=one_method), nl=False)
    elif missing := missing_as_text(explanation, all_columns=one_method):
        typer.echo(missing, nl=False)
    elif not quiet:
        typer.echo("no foreign key lacks an index", err=True)


def _explanation(config: Config, choice: str | None) -> Explanation:
    if find_spec("asyncpg") is None:
        raise InstallationError(
            "`asyncpg` is not installed, and the SQL is made with it", hint="pip install 'ctrlgen[asyncpg]'"
        )
    with child_process(config, ExplanationWork(config.package, config.options, choice)) as child:
        explanation = child.answer()
    assert isinstance(explanation, Explanation), explanation
    return explanation
