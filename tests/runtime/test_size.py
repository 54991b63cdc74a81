"""The runtime stays small, and uses only public APIs of other libraries, with listed exceptions."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest
from sqlalchemy import literal

from tests.runtime.models import Guild

RUNTIME = Path(__file__).resolve().parent.parent.parent / "templates" / "runtime"
LINES, MODULES, LONGEST = 3_133, 21, 216  # without links.py, which few packages contain
REPLICA_LINES = 306  # of these, in one module that is imported only by a database with replicas
CACHE_LINES = 824  # in packages with a cached model; 138 of these lines only with `cache_sync`
PRIVATE = {"_generate_cache_key", "_sa_instance_state"}
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(path: Path) -> int:
    """Return how many lines are neither blank nor comments nor docstrings."""
    text, docstrings = path.read_text(), set[int]()
    for node in ast.walk(ast.parse(text)):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            docstrings.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def private_attributes(path: Path) -> set[str]:
    """Return the private attributes that are accessed on objects of other libraries."""
    own = {
        name
        for file in RUNTIME.glob("*.py")
        for name in re.findall(r"(?:def|self\.|^    )\s*(_[a-z]\w*)", file.read_text(), re.MULTILINE)
    }
    read = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    return {name for name in read if name.startswith("_") and not name.startswith("__")} - own


def is_optional(path: Path) -> bool:
    """Return whether only some packages contain a module."""
    return path.name == "links.py" or path.name.startswith("cache")


def test_caching_does_not_exceed_its_line_limit() -> None:
    sizes = {path.name: code_lines(path) for path in RUNTIME.glob("cache*.py")}
    assert sum(sizes.values()) <= CACHE_LINES
    assert max(sizes.values()) <= LONGEST


def test_runtime_does_not_exceed_its_limits_of_lines_and_modules() -> None:
    sizes = {path.name: code_lines(path) for path in RUNTIME.glob("*.py") if not is_optional(path)}
    assert sum(sizes.values()) <= LINES
    assert len(sizes) <= MODULES
    assert sizes.pop("replicas.py") <= REPLICA_LINES
    assert max(sizes.values()) <= LONGEST


@pytest.mark.parametrize("path", sorted(RUNTIME.glob("*.py")), ids=lambda path: path.stem)
def test_only_listed_private_attributes_are_used(path: Path) -> None:
    assert private_attributes(path) <= PRIVATE


def test_expressions_of_the_same_shape_have_the_same_cache_key() -> None:
    first, second = (literal(number) + 1 for number in (1, 2))
    keys = [expression._generate_cache_key() for expression in (first, second)]
    assert keys[0] is not None, "SQLAlchemy no longer creates cache keys, on which templates/runtime/sql.py relies"
    assert keys[0].key == keys[1].key


def test_instance_state_is_where_the_runtime_puts_it() -> None:
    kept = "_sa_instance_state" in vars(Guild(id=1, name="x"))
    assert kept, "SQLAlchemy no longer keeps the state of an instance where templates/runtime/execution.py expects it"
