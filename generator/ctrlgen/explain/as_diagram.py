"""Renders the tables and their foreign keys as diagrams for Mermaid and Graphviz."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ctrlgen.explain.explanation import ExplainedColumn, ExplainedForeignKey, ExplainedModel, Explanation

_DOT_HEAD = """\
digraph schema {
  graph [rankdir=LR, nodesep=0.3, ranksep=1.1, fontname="Helvetica"];
  node [shape=plain, fontname="Helvetica", fontsize=11];
  edge [color="#66708a", fontname="Helvetica", fontsize=9];
"""


_OUTSIDE = "table "
"""The prefix of the names of tables without a model. No attribute of ``db`` can begin with it."""


@dataclass(frozen=True, slots=True)
class _Link:
    """A connection between two tables. ``key`` is None for a link table without a model."""

    source: str
    target: str
    label: str
    key: ExplainedForeignKey | None


def as_mermaid(explanation: Explanation) -> str:
    """Return a Mermaid ``erDiagram``."""
    ids = _ids(explanation)
    lines = ["erDiagram"]
    for model in explanation.models:
        lines.append(f"    {ids[model.attribute]}[{_mermaid_text(model.name)}] {{")
        lines += [f"        {_mermaid_column(column, model)}" for column in model.structure.columns]
        lines.append("    }")
    lines += [
        f"    {ids[link.target]} {_mermaid_ends(link.key)} {ids[link.source]} : {_mermaid_text(link.label)}"
        for link in _links(explanation)
    ]
    outside = [table for table in ids if table.startswith(_OUTSIDE)]
    lines[1:1] = [f"    {ids[table]}[{_mermaid_text(table.removeprefix(_OUTSIDE))}]" for table in outside]
    return "\n".join(lines) + "\n"


def as_dot(explanation: Explanation) -> str:
    """Return a Graphviz graph in the DOT language."""
    ids = _ids(explanation)
    models = {model.attribute: model for model in explanation.models}
    lines = [f"  {ids[table]} [label=<{_dot_table(table, models.get(table))}>];" for table in ids]
    for link in _links(explanation):
        style = "dir=both, arrowtail=crow, arrowhead=crow, style=dashed" if link.key is None else _dot_ends(link.key)
        lines.append(f"  {ids[link.source]} -> {ids[link.target]} [{style}, tooltip={_dot_text(link.label)}];")
    return _DOT_HEAD + "\n".join(lines) + "\n}\n"


def _links(explanation: Explanation) -> Iterator[_Link]:
    """Yield the foreign keys, then the link tables without a model, each once."""
    tables = {model.reference: model.attribute for model in explanation.models}
    mapped = {model.qualified_table for model in explanation.models}
    seen: set[tuple[str, frozenset[str]]] = set()
    for model in explanation.models:
        for key in model.structure.foreign_keys:
            target = tables.get(key.target or "", f"{_OUTSIDE}{key.table}")
            yield _Link(model.attribute, target, ", ".join(key.columns), key)
    for model in explanation.models:
        for relationship in model.structure.relationships:
            through, other = relationship.through, tables.get(relationship.target)
            if through is None or other is None or through in mapped:
                continue
            pair = through, frozenset({model.attribute, other})
            if pair not in seen:
                seen.add(pair)
                yield _Link(model.attribute, other, through, None)


def _ids(explanation: Explanation) -> dict[str, str]:
    """Return an identifier for each table, those without a model last.

    It is quoted, because some words are reserved.
    """
    models = [model.attribute for model in explanation.models]
    others = sorted({end for link in _links(explanation) for end in (link.source, link.target)} - {*models})
    return {
        **{attribute: f'"{attribute}"' for attribute in models},
        **{table: f'"table {number}"' for number, table in enumerate(others, 1)},
    }


# Mermaid: types and names must be words; everything else is a quoted comment.


def _mermaid_column(column: ExplainedColumn, model: ExplainedModel) -> str:
    marks = [*(["PK"] if column.primary_key else []), *_marks(column, model)]
    comment = "" if not column.nullable else ' "nullable"'
    return f"{_word(_type(column))} {_word(column.name)}{' ' * bool(marks)}{', '.join(marks)}{comment}"


def _marks(column: ExplainedColumn, model: ExplainedModel) -> Iterator[str]:
    if any(column.name in key.columns for key in model.structure.foreign_keys):
        yield "FK"
    if any(
        index.parts == (column.name,) and index.unique and index.where is None and index.origin != "primary key"
        for index in model.structure.indexes
    ):
        yield "UK"


def _word(text: str) -> str:
    """Return text as a valid type or name in Mermaid."""
    word = re.sub(r"[^A-Za-z0-9_()\[\]\u00c0-\uffff-]+", "_", text)
    return word if word[:1].isalpha() or word.startswith("_") else f"_{word}"


def _mermaid_text(text: str) -> str:
    clean = " ".join(text.split()).replace("#", "#35;").replace('"', "#quot;")
    return f'"{clean.replace("<", "#lt;").replace(">", "#gt;")}"'


def _mermaid_ends(key: ExplainedForeignKey | None) -> str:
    if key is None:
        return "}o--o{"
    return f"{'|o' if key.nullable else '||'}--{'o|' if key.unique else 'o{'}"


# Graphviz: a table is an HTML-like label.


def _dot_table(table: str, model: ExplainedModel | None) -> str:
    name = model.name if model else table.removeprefix(_OUTSIDE)
    style = "" if model else ' STYLE="DASHED"'
    head = f'<TR><TD COLSPAN="2" BGCOLOR="#e4ebfc"><B>{_html(name)}</B></TD></TR>'
    rows = [_dot_row(column, model) for column in model.structure.columns] if model else []
    return f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="4"{style}>{head}{"".join(rows)}</TABLE>'


def _dot_row(column: ExplainedColumn, model: ExplainedModel) -> str:
    name = _html(column.name)
    marks = " ".join([*(["PK"] if column.primary_key else []), *_marks(column, model)])
    left = f"<B>{name}</B> <I>{marks}</I>" if marks else name
    kind = _html(_type(column)) + ("?" if column.nullable else "")
    return f'<TR><TD ALIGN="LEFT">{left}</TD><TD ALIGN="LEFT">{kind}</TD></TR>'


def _dot_ends(key: ExplainedForeignKey) -> str:
    tail = "teeodot" if key.unique else "crowodot"
    return f"dir=both, arrowtail={tail}, arrowhead={'teeodot' if key.nullable else 'teetee'}"


def _dot_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _html(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text


def _type(column: ExplainedColumn) -> str:
    return (column.sql_type or column.type).lower()
