"""The first step: reads the imports, functions and mentioned methods of the test files, with their lines."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from ctrlgen.blueprint import Controller
from ctrlgen.errors import OutputError, TestFileError
from ctrlgen.findings import Location, shown_path

_AFTER_LINE = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
"""The end of a line in Python."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One name of ``from module import name as local``."""

    module: str  # with its leading dots
    name: str
    local: str
    line: int


@dataclass(frozen=True, slots=True)
class Function:
    """A top-level function of a file. ``keys`` are the keys of the dict that it returns, if they are plain strings."""

    name: str
    line: int
    source: str
    keys: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class TestFile:
    """An existing test file."""

    raw: bytes
    encoding: str
    text: str
    imported: frozenset[str]
    last_import: int  # the line after which imports are added, 0 for the top
    functions: tuple[Function, ...]
    origins: tuple[Origin, ...]

    def function(self, name: str) -> Function | None:
        """Return the function with this name, the last if there are several."""
        return next((function for function in reversed(self.functions) if function.name == name), None)


def read_tests(folder: Path, project: Path) -> dict[Path, TestFile]:
    """Read the test files in a folder.

    Raises
    ------
    OutputError
        A file is not valid Python, so nothing can be added to it.
    """
    return {file: read_test_file(file, project) for file in sorted(folder.glob("*.py")) if file.is_file()}


def read_test_file(file: Path, project: Path) -> TestFile:
    """Read a test file.

    Raises
    ------
    OutputError
        The file is not valid Python, so nothing can be added to it.
    """
    raw = file.read_bytes()
    try:
        encoding = tokenize.detect_encoding(BytesIO(raw).readline)[0]
        text = raw.decode(encoding)
        tree = ast.parse(text)
    except UnicodeDecodeError as error:
        raise _unreadable(file, error) from error
    except SyntaxError as error:
        if error.lineno is None:
            raise _unreadable(file, error) from error
        place = shown_path(file, project)
        message = "this test file is not valid Python, so no stubs can be added"
        raise TestFileError(message, Location(place, error.lineno), "fix the file, and generate again") from error
    except ValueError as error:  # the file contains NUL
        raise _unreadable(file, error) from error
    origins = tuple(_origins(tree))
    return TestFile(
        raw,
        encoding,
        text,
        frozenset({*(origin.local for origin in origins), *_modules(tree)}),
        _last_import(tree),
        tuple(_functions(tree, text)),
        origins,
    )


def mentions(text: str, controller: Controller, method: str) -> bool:
    """Return whether a source refers to the method as ``….<controller>.<method>``, in code or in a comment."""
    return re.search(rf"\.{controller.module}\.{re.escape(method)}\b", text) is not None


def lines_of(text: str) -> list[str]:
    """Return the lines of a source with their separators, which are those of Python."""
    return _AFTER_LINE.split(text)


def _unreadable(file: Path, error: Exception) -> OutputError:
    hint = "save the file as UTF-8, or declare its encoding in the first line"
    return TestFileError(f"`{file.name}` cannot be read: {error}", hint=hint)


def _origins(tree: ast.Module) -> Iterator[Origin]:
    for node in _outside_functions(tree):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name != "*":
                    yield Origin(module, alias.name, alias.asname or alias.name, node.lineno)


def _modules(tree: ast.Module) -> Iterator[str]:
    for node in _outside_functions(tree):
        if isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _last_import(tree: ast.Module) -> int:
    """Return the last line of the top-level imports, or of the docstring. Imports in blocks do not count."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    first = next((node for node in tree.body if isinstance(node, ast.Expr)), None)
    last = imports[-1] if imports else first
    return (last.end_lineno or 0) if last else 0


def _functions(tree: ast.Module, text: str) -> Iterator[Function]:
    lines = lines_of(text)
    for node in _outside_functions(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            source = "".join(lines[node.lineno - 1 : node.end_lineno])
            yield Function(node.name, node.lineno, source, _returned_keys(node))


def _outside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of a module outside its functions and classes."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)


def _returned_keys(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str] | None:
    """Return the keys of the dict that a function returns at its end; None if they are not plain strings."""
    last = node.body[-1]
    if not isinstance(last, ast.Return) or not isinstance(last.value, ast.Dict):
        return None
    keys = [key.value for key in last.value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return frozenset(keys) if len(keys) == len(last.value.keys) else None
