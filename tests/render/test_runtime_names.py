"""The names that the package re-exports from its runtime."""

from __future__ import annotations

import ast
from pathlib import Path

from ctrlgen.blueprint import RUNTIME_NAMES

ERRORS = Path(__file__).resolve().parents[2] / "templates" / "runtime" / "errors.py"


def test_every_error_of_the_runtime_can_be_imported_from_the_package() -> None:
    tree = ast.parse(ERRORS.read_text())
    assert {node.name for node in tree.body if isinstance(node, ast.ClassDef)} == set(RUNTIME_NAMES["errors"])
