"""Renders an explanation as text, in lines of at most 80 columns unless a name is longer."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

import typer

from ctrlgen.explain.explanation import (
    ExplainedMethod,
    ExplainedModel,
    Explanation,
    MissingIndex,
    Signature,
    Statement,
    summary,
)

_WIDTH = 80
_INDENT = "    "
_COLUMNS = "<columns>"
_CLAUSE = re.compile(r" (?=(?:(?<!DELETE )FROM|WHERE|SET|VALUES|ON CONFLICT|RETURNING|ORDER BY|LIMIT)\b)")
_NOTE = """\
Inserts are shown with required values and defaults, updates with one column,
and methods that accept filters without one, so for all rows of the table."""


def as_text(explanation: Explanation, *, whole: bool) -> str:
    """Return the explanation as text.

    Parameters
    ----------
    whole
        Whether statements are printed in full. Otherwise the columns that all statements of a model return are printed
        once.
    """
    blocks = ["\n".join(_model(model, whole=whole)) for model in explanation.models]
    if not whole and blocks:
        blocks.append(_NOTE)
    return "\n\n\n".join(blocks) + "\n"


def missing_as_text(explanation: Explanation, *, all_columns: bool) -> str:
    """Return the missing indexes as source to paste, grouped by model."""
    blocks: list[str] = []
    for model in explanation.models:
        if indexes := [index for index in model.missing_indexes if index.is_foreign_key or all_columns]:
            heading = f"# {model.name} ({model.location}), in its __table_args__; adds {_finders(indexes)}"
            blocks.append("\n".join([*textwrap.wrap(heading, _WIDTH, subsequent_indent="# "), *_sources(indexes)]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _finders(indexes: list[MissingIndex]) -> str:
    return ", ".join(index.finder for index in indexes)


def _sources(indexes: list[MissingIndex]) -> list[str]:
    return [index.source for index in indexes]


def _model(model: ExplainedModel, *, whole: bool) -> Iterator[str]:
    yield typer.style(model.name, bold=True) + f" ({model.location})"
    yield from _wrapped(f"table {model.table}, {model.controller}, db.{model.attribute}", "")
    if not whole:
        yield from _wrapped(f"{_COLUMNS}: {model.select_list}", "")
    for method in model.methods:
        yield ""
        yield from _method(method, "" if whole else model.select_list)
    if model.absent:
        yield ""
        yield typer.style("Not emitted", bold=True)
        for absence in model.absent:
            yield f"{_INDENT}{absence.name}"
            yield from _wrapped(absence.reason, _INDENT * 2)


def _method(method: ExplainedMethod, columns: str) -> Iterator[str]:
    yield from _signature(method.signature)
    yield from _wrapped(summary(method), _INDENT)
    if method.problem:
        yield from _wrapped(method.problem, _INDENT)
    for statement in method.statements:
        yield from _statement(statement, columns)


def _signature(signature: Signature) -> Iterator[str]:
    name = typer.style(signature.name, fg=typer.colors.CYAN, bold=True)
    line = str(signature)
    if len(line) <= _WIDTH:
        yield line.replace(signature.name, name, 1)
        return
    yield f"{signature.head}(".replace(signature.name, name, 1)
    yield from (f"{_INDENT}{parameter}," for parameter in signature.parameters)
    yield from _wrapped(f") -> {signature.returns}", "")


def _statement(statement: Statement, columns: str) -> Iterator[str]:
    sql = statement.sql.replace(columns, _COLUMNS) if columns else statement.sql
    sql = " ".join(sql.split())
    if len(sql) + len(_INDENT) <= _WIDTH:
        yield _INDENT + sql
    else:
        first, *clauses = _CLAUSE.split(sql)
        yield from _wrapped(first, _INDENT)
        for clause in clauses:
            yield from _wrapped(clause, f"{_INDENT}  ")
    if statement.parameters and set(statement.parameters) != _compared(sql):
        names = [f"${number}\N{NO-BREAK SPACE}{name}" for number, name in enumerate(statement.parameters, 1)]
        yield from (line.replace("\N{NO-BREAK SPACE}", " ") for line in _wrapped(f"-- {', '.join(names)}", _INDENT))


def _compared(sql: str) -> set[str]:
    """Return the columns compared with a parameter, if every parameter is compared with a column."""
    names = re.findall(r"(\w+) = \$\d", sql)
    return set(names) if len(names) == sql.count("$") else set()


def _wrapped(text: str, indent: str) -> list[str]:
    """Return wrapped text, with continuation lines indented by two more columns."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
