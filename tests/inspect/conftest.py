"""Fixtures for mapped classes: each test has its own registry, and needs no child process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from ctrlgen.inspect import inspect
from ctrlgen.schema import Annotation, Column, Model, Schema
from ctrlgen.source_locations import Sources

Inspected = Callable[..., Model]


@pytest.fixture
def base() -> type[SQLModel]:
    """A base class with its own registry."""

    class Base(SQLModel, registry=registry()):
        pass

    return Base


@pytest.fixture
def read(project: Path) -> Callable[..., Schema]:
    """Return the schema of some classes."""
    return lambda *classes: inspect(classes, Sources(project))


@pytest.fixture
def inspected(read: Callable[..., Schema]) -> Inspected:
    """Return the model of a class."""

    def inspected(cls: type[SQLModel]) -> Model:
        return next(model for model in read(cls).models if model.reference.name == cls.__qualname__)

    return inspected


def text(annotation: Annotation) -> str:
    """Return an annotation with full names."""
    pieces = annotation.pieces
    return "".join(piece if isinstance(piece, str) else f"{piece.module}.{piece.name}" for piece in pieces)


def by_attribute(model: Model) -> dict[str, Column]:
    """Return a model's columns by attribute."""
    return {column.attribute: column for column in model.columns}
