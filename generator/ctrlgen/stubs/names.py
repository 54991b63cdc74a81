"""What stubs are called, files and names: so that they meet no others, which pytest and Python want apart."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable

from ctrlgen.blueprint import Controller

FACTORIES = "controller_factories"
PLANS = "query_plans"
HELPERS = (FACTORIES, PLANS)

IN_FACTORIES = frozenset(
    {"Database", "T", "TypeVar", "annotations", "count", "db", "numbers", "present", "str", "value"}
)
"""Names that mean something in the module of the factories."""

IN_TESTS = frozenset(
    {
        *("Database", "NotFoundError", "annotations", "explained", "present", "pytest", "pytestmark"),
        *("changed", "db", "first", "is_new", "plans", "second", "value", "values", "len", "range"),
    }
)
"""Names that mean something in a test."""


def test_file(controller: Controller) -> str:
    """Return the name of a controller's test module."""
    return f"test_{controller.module}_controller.py"


def new_row(controller: Controller) -> str:
    """Return the name of the factory that inserts a row."""
    return f"new_{controller.module}"


def row_values(controller: Controller) -> str:
    """Return the name of the factory of what a new row takes."""
    return f"{controller.module}_values"


def factory_functions(controllers: Iterable[Controller]) -> frozenset[str]:
    """Return the names of all factories."""
    return frozenset(function(controller) for controller in controllers for function in (new_row, row_values))


def variable(name: str, taken: Collection[str]) -> str:
    """Return a local variable's name that is no keyword and means nothing else."""
    while keyword.iskeyword(name) or name in taken:
        name += "_"
    return name
