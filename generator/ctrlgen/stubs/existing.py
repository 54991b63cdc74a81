"""Reads the user's test files: what they import, and which methods they already speak of."""

from __future__ import annotations

import re
import tokenize
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import libcst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from ctrlgen.blueprint import Controller
from ctrlgen.errors import OutputError
from ctrlgen.schema import Location


@dataclass(frozen=True, slots=True)
class Origin:
    """One name of a ``from module import name as local``."""

    module: str
    name: str
    local: str
    line: int


@dataclass(frozen=True, slots=True)
class TestFile:
    """A test file as it stands."""

    raw: bytes
    encoding: str
    text: str
    imported: frozenset[str]
    last_import: int  # the line after which imports may be added, 0 for the top
    functions: tuple[tuple[str, int], ...]  # name and line
    origins: tuple[Origin, ...]
    returned: tuple[tuple[str, frozenset[str]], ...]  # function, and the keys of the one dict it returns


def read_test_file(file: Path, project: Path) -> TestFile:
    """Read a test file.

    Raises
    ------
    OutputError
        It is no valid Python; nothing can be added to it.
    """
    raw = file.read_bytes()
    try:
        encoding = tokenize.detect_encoding(BytesIO(raw).readline)[0]
        text = raw.decode(encoding)
        wrapper = MetadataWrapper(libcst.parse_module(text))
    except libcst.ParserSyntaxError as error:
        place = file.relative_to(project).as_posix() if file.is_relative_to(project) else file.as_posix()
        message = "this test file is not valid Python, so no stubs can be added"
        raise OutputError(message, Location(place, error.raw_line), "mend it, and generate again") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        message = f"`{file.name}` can not be read: {error}"
        raise OutputError(message, hint="save it as UTF-8, or say its encoding in its first line") from error
    reader = _Reader()
    wrapper.visit(reader)
    return TestFile(
        raw,
        encoding,
        text,
        frozenset(reader.imported),
        reader.last_import,
        tuple(reader.functions),
        tuple(reader.origins),
        tuple(reader.returned),
    )


def speaks_of(text: str, controller: Controller, method: str) -> bool:
    """Tell whether a text names the method as ``….<controller>.<method>``, in code or in a comment."""
    return re.search(rf"\.{controller.module}\.{re.escape(method)}\b", text) is not None


class _Reader(libcst.CSTVisitor):
    """Collects the names imported and the functions defined at the top of a module."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.imported: set[str] = set()
        self.functions: list[tuple[str, int]] = []
        self.origins: list[Origin] = []
        self.returned: list[tuple[str, frozenset[str]]] = []
        self.last_import = 0
        self._top = set[int]()

    def visit_SimpleStatementLine(self, node: libcst.SimpleStatementLine) -> bool:
        if id(node) not in self._top:
            return True  # in a try, or an if: no place to add to
        if any(isinstance(part, libcst.Import | libcst.ImportFrom) for part in node.body):
            self.last_import = max(self.last_import, self._lines(node).end.line)
        elif self.last_import == 0 and any(isinstance(part, libcst.Expr) for part in node.body):
            self.last_import = self._lines(node).end.line  # the docstring
        return True

    def visit_ImportFrom(self, node: libcst.ImportFrom) -> None:
        if isinstance(node.names, libcst.ImportStar):
            return
        module = "." * len(node.relative) + ((node.module and get_full_name_for_node(node.module)) or "")
        names = ((alias.evaluated_name, alias.evaluated_alias) for alias in node.names)
        line = self._lines(node).start.line
        self.origins += [Origin(module, name, alias or name, line) for name, alias in names]

    def visit_ImportAlias(self, node: libcst.ImportAlias) -> None:
        name = node.evaluated_alias or node.evaluated_name
        self.imported.add(name.partition(".")[0])

    def visit_FunctionDef(self, node: libcst.FunctionDef) -> bool:
        self.functions.append((node.name.value, self._lines(node).start.line))
        if (keys := _returned_keys(node)) is not None:
            self.returned.append((node.name.value, keys))
        return False

    def visit_Module(self, node: libcst.Module) -> None:
        self._top = {id(statement) for statement in node.body}

    def visit_ClassDef(self, node: libcst.ClassDef) -> bool:
        return False

    def _lines(self, node: libcst.CSTNode) -> CodeRange:
        place = self.get_metadata(PositionProvider, node)
        if not isinstance(place, CodeRange):
            raise TypeError("libcst gives every node a range")
        return place


def _returned_keys(node: libcst.FunctionDef) -> frozenset[str] | None:
    """Return the keys of the dict that a function ends with; None where it is not one of plain texts."""
    body = node.body.body
    last = body[-1] if isinstance(node.body, libcst.IndentedBlock) and body else None
    returned = last.body[-1] if isinstance(last, libcst.SimpleStatementLine) else None
    value = returned.value if isinstance(returned, libcst.Return) else None
    if not isinstance(value, libcst.Dict):
        return None
    keys = [item.key for item in value.elements if isinstance(item, libcst.DictElement)]
    texts = [key.evaluated_value for key in keys if isinstance(key, libcst.SimpleString)]
    return frozenset(str(text) for text in texts) if len(texts) == len(value.elements) else None
