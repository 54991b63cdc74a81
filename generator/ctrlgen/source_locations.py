"""The locations of declarations: files, lines, and the source of these lines.

``load`` uses them for errors, ``inspect`` for all locations in the ``Schema``, and for the findings that it collects in
a :class:`Context`. Lines come from the syntax trees of the sources, because classes have no line number before Python
3.13.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

from ctrlgen.errors import CtrlgenError, described
from ctrlgen.findings import UNREADABLE, Finding, Location, Rule

_NOT_SOURCES = (Path(__file__).resolve().parent, Path(os.__file__).resolve().parent)
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_FOREIGN = frozenset({"abc", "builtins", "pydantic", "sqlmodel", "typing"})

T = TypeVar("T")


class Sources:
    """The sources of one run. Each file is parsed once.

    Parameters
    ----------
    root
        The project's folder, which locations are relative to.
    package
        The import name of the generated package, which models must not import.
    """

    def __init__(self, root: Path, package: str = "") -> None:
        self.root = root.resolve()
        self.package = package
        self._files: dict[str | None, SourceFile] = {}
        self._names: dict[str, str] = {}

    def is_in_project(self, file: str) -> bool:
        """Return whether ``file`` belongs to the project: not a library, not ctrlgen, not ``<string>``."""
        return is_source(file) and Path(file).resolve().is_relative_to(self.root)

    def place(self, file: str, line: int) -> Location:
        """Return a location, relative to the project, or for a library to the folder it is imported from."""
        if file not in self._names:
            self._names[file] = self._name(file)
        return Location(self._names[file], line)

    def _name(self, file: str) -> str:
        path = Path(file).resolve()
        if is_source(file):
            return Path(os.path.relpath(path, self.root)).as_posix()
        inside = (path.relative_to(root) for root in _import_roots() if path.is_relative_to(root))
        return next(inside, path).as_posix()

    def of_class(self, cls: type, file: str | None = None) -> Location:
        """Return the location of ``cls``. ``file`` is its file if its module is not imported, because it failed."""
        if file and _path(cls) is None:
            node = SourceFile(Path(file)).classes.get(cls.__qualname__)
            return self.place(file, node.lineno if node else 1)
        node = self._file(cls).classes.get(cls.__qualname__)
        return self._location(cls, node.lineno if node else 1)

    def of_attribute(self, cls: type, attribute: str) -> Location:
        """Return the location of ``attribute`` in the class or a base class, or else that of the class."""
        for base in _declaring(cls):
            line = self._file(base).attribute_line(base.__qualname__, attribute)
            if line is not None:
                return self._location(base, line)
        return self.of_class(cls)

    def of_index(self, cls: type, name: str | None, columns: Sequence[str], attribute: str) -> Location:
        """Return the location of an index or constraint.

        In order of preference: the call with its name, the call with its columns, ``attribute``.
        """
        for base in _declaring(cls):
            file = self._file(base)
            line = file.named_calls.get(name or "") or file.call_line(base.__qualname__, columns)
            if line is not None:
                return self._location(base, line)
        return self.of_attribute(cls, attribute)

    def type_checking_imports(self, cls: type) -> list[str]:
        """Return the import statements under ``if TYPE_CHECKING:`` in the module of ``cls``."""
        return self._file(cls).type_checking_imports

    def has_string_annotations(self, cls: type) -> bool:
        """Return whether the module of ``cls`` has ``from __future__ import annotations``."""
        return self._file(cls).has_string_annotations

    def text(self, location: Location) -> str | None:
        """Return a line of a file of the project, without leading and trailing whitespace."""
        return linecache.getline(str(self.root / location.file), location.line).strip() or None

    def _location(self, cls: type, line: int) -> Location:
        file = _path(cls)
        return self.place(file, line) if file else Location(cls.__module__.replace(".", "/") + ".py", line)

    def _file(self, cls: type) -> SourceFile:
        path = _path(cls)
        if path not in self._files:
            self._files[path] = SourceFile(Path(path or "."))
        return self._files[path]


@dataclass
class Context:
    """The sources of the models, whether samples of columns are needed, and the findings."""

    sources: Sources
    with_samples: bool = True
    findings: list[Finding] = field(default_factory=list[Finding])

    def warn(self, rule: Rule, location: Location, **names: object) -> None:
        """Add a finding."""
        self.findings.append(rule.at(location, **names))

    def attempt(self, what: str, location: Location, read: Callable[[], T]) -> T | None:
        """Return the result of ``read``. If it raises an unexpected exception, add a finding and return None.

        A member that cannot be read is left out, and the run continues.
        """
        try:
            return read()
        except CtrlgenError:
            raise
        except Exception as error:  # noqa: BLE001 - user-defined types, defaults and descriptors may raise anything
            reason = " ".join(described(error).split())
            self.warn(UNREADABLE, location, what=what, reason=reason)
            return None


def is_source(file: str | Path) -> bool:
    """Return whether the user edits ``file``: not a library, not ctrlgen, not ``<string>``.

    It may be outside the project, in a package that another project of the repository shares with it.
    """
    path = Path(file)
    if not path.is_absolute():  # "<frozen importlib._bootstrap>" would be resolved to the working directory
        return False
    path = path.resolve()
    return _INSTALLED.isdisjoint(path.parts) and not any(path.is_relative_to(folder) for folder in _NOT_SOURCES)


def _path(cls: type) -> str | None:
    path: object = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return path if isinstance(path, str) else None


def _declaring(cls: type) -> Iterator[type]:
    """Yield the class and its bases, except those of pydantic, SQLModel and the standard library."""
    return (base for base in cls.__mro__ if base.__module__.partition(".")[0] not in _FOREIGN)


def _import_roots() -> list[Path]:
    """Return the folders on the import path, the deepest first."""
    folders = {Path(entry).resolve() for entry in sys.path if entry}
    return sorted(folders, key=lambda folder: (-len(folder.parts), folder))


class SourceFile:
    """The syntax tree of one file; empty if there is no source, as for a compiled module."""

    def __init__(self, path: Path) -> None:
        self._tree = _parse(path)
        self._calls: dict[str, dict[tuple[str, ...], int]] = {}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """All classes by qualified name. The last definition of a name counts, as at run time."""
        return dict(_classes(self._tree))

    @cached_property
    def named_calls(self) -> dict[str, int]:
        """The lines of ``Index(...)`` and ``...Constraint(...)`` calls, by the strings in their arguments."""
        calls = (call for call in ast.walk(self._tree) if _declares_index(call))
        return {text: call.lineno for call in calls if isinstance(call, ast.Call) for text in _strings(call)}

    @cached_property
    def has_string_annotations(self) -> bool:
        """Whether ``from __future__ import annotations`` turns annotations into strings."""
        imports = (node for node in self._tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__")
        return any(alias.name == "annotations" for node in imports for alias in node.names)

    @cached_property
    def type_checking_imports(self) -> list[str]:
        """The imports under ``if TYPE_CHECKING:``."""
        blocks = (node for node in _statements(self._tree) if isinstance(node, ast.If) and _is_type_checking(node.test))
        statements = (statement for block in blocks for statement in block.body)
        return [ast.unparse(line) for line in statements if isinstance(line, ast.Import | ast.ImportFrom)]

    def attribute_line(self, qualname: str, attribute: str) -> int | None:
        """Return the line that declares ``attribute`` in the class body, if any."""
        body = self.classes[qualname].body if qualname in self.classes else []
        lines = (statement.lineno for statement in body if attribute in _declared(statement))
        return next(lines, None)

    def call_line(self, qualname: str, strings: Sequence[str]) -> int | None:
        """Return the line of a call in the class whose positional strings are exactly ``strings``."""
        if qualname not in self._calls:
            nodes = ast.walk(self.classes[qualname]) if qualname in self.classes else ()
            calls = [call for call in nodes if isinstance(call, ast.Call)]
            self._calls[qualname] = {
                tuple(_positional(call)): call.lineno for call in reversed(calls)
            }  # the first one counts
        return self._calls[qualname].get(tuple(strings))


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _classes(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    for child in _blocks(node):
        inner = prefix
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            inner = f"{prefix}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{prefix}{child.name}.<locals>."
        yield from _classes(child, inner)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for child in _blocks(node):
        yield child
        yield from _statements(child)


def _blocks(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements in the blocks of a node, and the parts of it that have blocks, such as ``except``.

    Expressions, which are most of a tree, contain no statements.
    """
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        block: object = getattr(node, name, None)
        if isinstance(block, list):
            yield from cast("list[ast.AST]", block)


def _declared(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.FunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case _:
            return []


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in {getattr(test, "id", None), getattr(test, "attr", None)}


def _declares_index(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name.endswith(("Index", "Constraint"))
        case _:
            return False


def _strings(call: ast.Call) -> list[str]:
    arguments = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
    return [string for node in arguments for string in _string(node)]


def _positional(call: ast.Call) -> list[str]:
    return [string for node in call.args for string in _string(node)]


def _string(node: ast.expr) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
