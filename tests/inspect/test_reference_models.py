"""The schema of the reference models."""

from pathlib import Path

import pytest
from sqlmodel import SQLModel

import models
from ctrlgen.inspect import inspect
from ctrlgen.schema import Schema
from ctrlgen.source_locations import Sources

TABLES: set[type[SQLModel]] = {cls for cls in vars(models).values() if hasattr(cls, "__table__")}


@pytest.fixture(scope="module")
def schema(project: Path) -> Schema:
    return inspect(TABLES, Sources(project))


def test_every_model_is_read_without_a_finding(schema: Schema) -> None:
    assert {model.reference.name for model in schema.models} == {cls.__name__ for cls in TABLES}
    assert schema.findings == ()


def test_every_location_is_the_line_of_the_declaration(schema: Schema, project: Path) -> None:
    lines = {path: path.read_text().splitlines() for path in project.glob("models/*.py")}
    for model in schema.models:
        assert lines[project / model.location.file][model.location.line - 1].startswith(
            f"class {model.reference.name}("
        )
        for item in (*model.columns, *model.relations):
            assert lines[project / item.location.file][item.location.line - 1].startswith(f"    {item.attribute}: ")


def test_every_predicate_and_expression_is_understood(schema: Schema) -> None:
    indexes = [index for model in schema.models for index in model.indexes]
    assert [index.name for index in indexes if index.predicate and index.predicate.conditions is None] == []
    assert [part for index in indexes for part in index.parts if getattr(part, "name", "") is None] == []


def test_order_of_classes_does_not_matter(schema: Schema, project: Path) -> None:
    assert inspect(sorted(TABLES, key=lambda cls: cls.__name__), Sources(project)) == schema
