"""Implements ``ctrlgen explain``: gets the explanation from the child process, and prints it or writes it as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import typer

from ctrlgen.child import child_process
from ctrlgen.errors import InstallationError, OutputError, UsageError
from ctrlgen.explain.explanation import Explanation
from ctrlgen.explain.explanation_work import ExplanationWork
from ctrlgen.output_formats import check_format
from ctrlgen.settings import Config

_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of the output. At most one field differs from its default."""

    output_format: str = "text"
    indexes: bool = False
    html: Path | None = None
    mermaid: bool = False
    dot: bool = False

    @property
    def has_statements(self) -> bool:
        """Whether the output shows SQL: diagrams and missing indexes do not."""
        return not (self.mermaid or self.dot or self.indexes)

    def check(self) -> None:
        """Raise a UsageError if the format does not exist, or if more than one form is requested."""
        check_format(self.output_format, _FORMATS)
        flags = list(self._flags())
        if len(flags) > 1:
            raise UsageError(
                f"`{flags[0]}` and `{flags[1]}` are mutually exclusive", hint="run the command once with each of them"
            )

    def _flags(self) -> Iterator[str]:
        if self.output_format != "text":
            yield f"--format {self.output_format}"
        for flag in ("indexes", "html", "mermaid", "dot"):
            if getattr(self, flag):
                yield f"--{flag}"


def explain(config: Config, choice: str | None, form: Form, *, quiet: bool) -> None:
    """Print the explanation of one model or of all models: as text, JSON, a page, or a diagram.

    Raises
    ------
    CtrlgenError
        The model, method or format does not exist, the models cannot be loaded, or the page cannot be written.
    """
    form.check()
    explanation = _explanation(config, choice, with_statements=form.has_statements)
    if explanation.incomplete and not quiet:
        typer.echo(f"warning: {explanation.incomplete}", err=True)
    if form.html:
        _write_page(form.html, explanation, config, quiet=quiet)
    elif form.indexes:
        _print_missing(explanation, quiet=quiet)
    else:
        typer.echo(_text(explanation, form), nl=False)


def _text(explanation: Explanation, form: Form) -> str:
    """Return the output. The module of each form is imported only when it is needed."""
    if form.mermaid:
        from ctrlgen.explain.as_diagram import as_mermaid

        return as_mermaid(explanation)
    if form.dot:
        from ctrlgen.explain.as_diagram import as_dot

        return as_dot(explanation)
    if form.output_format == "json":
        from ctrlgen.explain.as_json import as_json

        return as_json(explanation)
    from ctrlgen.explain.as_text import as_text

    return as_text(explanation, whole=explanation.method is not None)


def _print_missing(explanation: Explanation, *, quiet: bool) -> None:
    from ctrlgen.explain.as_text import missing_as_text

    if missing := missing_as_text(explanation, all_columns=explanation.method is not None):
        typer.echo(missing, nl=False)
    elif not quiet:
        typer.echo("every foreign key has an index", err=True)


def _write_page(file: Path, explanation: Explanation, config: Config, *, quiet: bool) -> None:
    from ctrlgen.explain.as_page import as_page

    page = as_page(explanation, config.package)
    if str(file) == "-":
        typer.echo(page, nl=False)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, "utf-8", newline="\n")
    except OSError as error:
        raise OutputError(
            f"`{file}` cannot be written: {error.strerror}", hint="pass the name of a writable file"
        ) from error
    if not quiet:
        tables = len(explanation.models)
        size = len(page.encode()) // 1024
        typer.echo(f"wrote {file}: {tables} {'table' if tables == 1 else 'tables'}, {size:,} kB; open it in a browser")


def _explanation(config: Config, choice: str | None, *, with_statements: bool) -> Explanation:
    libraries = {"asyncpg": "asyncpg", **({"cachetools": "cache"} if config.options.cache else {})}
    for library, extra in libraries.items() if with_statements else ():
        if find_spec(library) is None:
            raise InstallationError(
                f"`{library}` is not installed; it is needed to render the SQL",
                hint=f"run `pip install 'ctrlgen[{extra}]'`",
            )
    work = ExplanationWork(config.package, config.options, choice, with_statements)
    with child_process(config, work, with_samples=False) as child:
        explanation = child.answer()
    assert isinstance(explanation, Explanation), explanation
    return explanation
