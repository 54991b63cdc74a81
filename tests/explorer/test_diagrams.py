"""``ctrlgen explain --mermaid`` and ``--dot``: the diagram as text."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Explorer, scratch

WORDS = '''"""Models whose names mean something in the languages of diagrams."""

from sqlalchemy import Column, ForeignKey, Table
from sqlmodel import Field, SQLModel

Table('tricky "name" <b>\\\\', SQLModel.metadata, Column("id", primary_key=True))


class Node(SQLModel, table=True):
    """A word of Graphviz."""

    id: int | None = Field(default=None, primary_key=True)
    größe: int
    outside: int = Field(sa_column=Column(ForeignKey('tricky "name" <b>\\\\.id')))


class Style(SQLModel, table=True):
    """A word of Mermaid."""

    id: int | None = Field(default=None, primary_key=True)
    node_id: int = Field(foreign_key="node.id")


class Edge(SQLModel, table=True):
    """A word of Graphviz."""

    id: int | None = Field(default=None, primary_key=True)
    style_id: int | None = Field(default=None, foreign_key="style.id", unique=True)
'''


def printed(explorer: Explorer, *flags: str) -> str:
    done = explorer.project.run("explain", *flags, "-q")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mermaid_has_tables_keys_and_connections(odd: Explorer) -> None:
    assert (
        printed(odd, "--mermaid")
        == """\
erDiagram
    "table 1"["outside"]
    "cover"["Cover"] {
        integer note_id PK, FK
        varchar colour "nullable"
    }
    "label"["Label"] {
        integer id PK
        varchar name UK
    }
    "note"["Note"] {
        integer id PK
        varchar(80) title "nullable"
        integer parent_id FK "nullable"
        integer outside_id FK
    }
    "note" ||--o| "cover" : "note_id"
    "note" |o--o{ "note" : "parent_id"
    "table 1" ||--o{ "note" : "outside_id"
    "note" }o--o{ "label" : "note_labels"
"""
    )


def test_names_of_any_kind_fit_mermaid(tmp_path: Path) -> None:
    done = scratch(tmp_path, WORDS).run("explain", "--mermaid", "-q")
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert '"table 1"["tricky #quot;name#quot; #lt;b#gt;\\"]' in lines
    assert "integer größe" in lines
    assert '"style"["Style"] {' in lines
    assert '"style" |o--o| "edge" : "style_id"' in lines


def test_graphviz_draws_every_table_and_connection(odd: Explorer) -> None:
    assert drawn(printed(odd, "--dot")) == (
        {"cover": "Cover", "label": "Label", "note": "Note", "table 1": "outside"},
        {("cover", "note"), ("label", "note"), ("note", "note"), ("note", "table 1")},
    )


def test_names_of_any_kind_fit_graphviz(tmp_path: Path) -> None:
    done = scratch(tmp_path, WORDS).run("explain", "--dot", "-q")
    assert done.returncode == 0, done.stderr
    assert drawn(done.stdout) == (
        {"edge": "Edge", "node": "Node", "style": "Style", "table 1": 'tricky "name" <b>\\'},
        {("style", "node"), ("node", "table 1"), ("edge", "style")},
    )


def drawn(text: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Return the tables with their heads, and the ends of the connections, as Graphviz reads them."""
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed (apt-get install graphviz)")
    for output in ("svg", "json"):
        done = subprocess.run(["dot", f"-T{output}"], input=text, capture_output=True, encoding="utf-8", check=True)
        assert done.stderr == ""
    graph = json.loads(done.stdout)
    names = [node["name"] for node in graph["objects"]]
    heads = {node["name"]: html.unescape(re.findall("<B>(.*?)</B>", node["label"])[0]) for node in graph["objects"]}
    return heads, {(names[edge["tail"]], names[edge["head"]]) for edge in graph["edges"]}
