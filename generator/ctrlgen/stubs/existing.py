"""Reads the user's test files: what they import, and which methods they already speak of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import libcst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from ctrlgen.errors import OutputError
from ctrlgen.package import Controller
from ctrlgen.schema import Location


@dataclass(frozen=True, slots=True)
class TestFile:
    """A test file as it stands."""

    text: str
    imported: frozenset[str]
    last_import: int  # the line after which imports may be added, 0 for the top
    functions: tuple[tuple[str, int], ...]  # name and line


def read_test_file(file: Path, project: Path) -> TestFile:
    """Read a test file.

    Raises
    ------
    OutputError
        It is no valid Python; nothing can be added to it.
    """
    text = file.read_bytes().decode()
    try:
        wrapper = MetadataWrapper(libcst.parse_module(text))
    except libcst.ParserSyntaxError as error:
        place = file.relative_to(project).as_posix() if file.is_relative_to(project) else file.as_posix()
        message = "this test file is not valid Python, so no stubs can be added"
        raise OutputError(message, Location(place, error.raw_line), "mend it, and generate again") from error
    reader = _Reader()
    wrapper.visit(reader)
    return TestFile(text, frozenset(reader.imported), reader.last_import, tuple(reader.functions))


def speaks_of(text: str, controller: Controller, method: str) -> bool:
    """Tell whether a text names the method as ``….<controller>.<method>``, in code or in a comment."""
    return re.search(rf"\.{controller.module}\.{method}\b", text) is not None


class _Reader(libcst.CSTVisitor):
    """Collects the names imported and the functions defined at the top of a module."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.imported: set[str] = set()
        self.functions: list[tuple[str, int]] = []
        self.last_import = 0

    def visit_SimpleStatementLine(self, node: libcst.SimpleStatementLine) -> bool:
        if any(isinstance(part, libcst.Import | libcst.ImportFrom) for part in node.body):
            self.last_import = max(self.last_import, self._lines(node).end.line)
        elif self.last_import == 0 and any(isinstance(part, libcst.Expr) for part in node.body):
            self.last_import = self._lines(node).end.line  # the docstring
        return True

    def visit_ImportAlias(self, node: libcst.ImportAlias) -> None:
        name = node.evaluated_alias or node.evaluated_name
        self.imported.add(name.partition(".")[0])

    def visit_FunctionDef(self, node: libcst.FunctionDef) -> bool:
        self.functions.append((node.name.value, self._lines(node).start.line))
        return False

    def visit_ClassDef(self, node: libcst.ClassDef) -> bool:
        return False

    def visit_If(self, node: libcst.If) -> bool:
        return False

    def _lines(self, node: libcst.CSTNode) -> CodeRange:
        place = self.get_metadata(PositionProvider, node)
        if not isinstance(place, CodeRange):
            raise TypeError("libcst gives every node a range")
        return place
