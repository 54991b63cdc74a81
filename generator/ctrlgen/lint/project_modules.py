"""Follows names to their definitions, through the imports of the project's modules.

A route usually imports its session type from another module: ``from .database import Session``. The modules are read
and parsed, never imported or run. Each is read once per process. Modules outside of the project are not read.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import libcst as cst

from ctrlgen.lint.parsing import parse, python_tree
from ctrlgen.lint.source_code import SourceCode, dotted, last_name, positional
from ctrlgen.write import format_of

Node: TypeAlias = cst.ClassDef | cst.FunctionDef | cst.BaseExpression

_NEVER_OWN = frozenset({*sys.stdlib_module_names, "sqlalchemy", "sqlmodel"})
_REPOSITORY = (".git", ".hg")
_PROJECT = ("pyproject.toml", "setup.cfg", "setup.py")
_MODULES = ("{}/__init__.py", "{}.py", "{}/__init__.pyi", "{}.pyi")
_OPAQUE = frozenset({"Callable", "Literal", "Type", "type", "Set", "set", "sessionmaker", "async_sessionmaker"})
"""Generic types whose values have other methods than their argument."""
_LONGEST = 8
_DECORATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BARE = frozenset({"Any", "AsyncGenerator", "AsyncIterator", "Generator", "Iterator", "object"})
"""Annotations that do not tell what a function returns or yields."""

_ALIAS_CALLS = frozenset({"NewType", "TypeAliasType"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A class, a function, or the value that is assigned to a name, with the file that contains it."""

    source: SourceCode
    node: Node


class ProjectModules:
    """The modules of the projects that the checked files belong to."""

    def __init__(self) -> None:
        self._sources: dict[Path, SourceCode | None] = {}
        self._files: dict[tuple[Path, str], Path | None] = {}
        self._roots: dict[Path, list[Path]] = {}

    # Definitions

    def definitions(self, source: SourceCode, path: str) -> list[Definition]:
        """Return the definitions of a name at the top level of a file: ``User``, ``models.User``, ``manager.session``.

        There are several if the name is bound several times, as in ``try`` and ``except ImportError``.
        """
        return list(self._definitions(source, tuple(path.split(".")), set()))

    def _definitions(
        self, source: SourceCode, names: tuple[str, ...], seen: set[tuple[SourceCode, tuple[str, ...]]]
    ) -> Iterator[Definition]:
        if (source, names) in seen or len(names) > _LONGEST:
            return  # `x = x.y` would become longer with each step
        seen.add((source, names))
        head, *rest = names
        for node in source.top_level.get(head, ()):
            if not rest:
                yield Definition(source, node)
            elif isinstance(node, cst.ClassDef):
                yield from _methods(source, node, rest)
            elif path := dotted(node.func if isinstance(node, cst.Call) else node):
                yield from self._definitions(source, (*path.split("."), *rest), seen)
        origins = [*source.imports.get(head, ())]
        if not origins and head not in source.top_level:
            origins = [f"{module}{head}" for module in source.star_imports]
        for origin in origins:
            yield from self._imported(source, ".".join([origin, *rest]), seen)

    def _imported(
        self, source: SourceCode, origin: str, seen: set[tuple[SourceCode, tuple[str, ...]]]
    ) -> Iterator[Definition]:
        """Yield the definitions of a qualified name, which begins with dots if it is relative to the file."""
        names = tuple(origin.lstrip(".").split("."))
        level = len(origin) - len(origin.lstrip("."))
        for folder, path in self._places(source.file, level, names):
            definitions = list(self._in_folder(folder, path, seen))
            if definitions:
                yield from definitions
                return

    def _in_folder(
        self, folder: Path, names: tuple[str, ...], seen: set[tuple[SourceCode, tuple[str, ...]]]
    ) -> Iterator[Definition]:
        """Yield the definitions of ``app.models.User``, from the module with the longest path."""
        for length in range(len(names) - 1, 0, -1):
            module = self._source(folder.joinpath(*names[: length - 1]), names[length - 1])
            if module is not None:
                yield from self._definitions(module, names[length:], seen)
                return

    # Files

    def _places(self, file: Path | None, level: int, names: tuple[str, ...]) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """Yield the folders in which an imported name may be found, with its path from there."""
        if file is None or level > len(file.parents) or (not level and names[0] in _NEVER_OWN):
            return
        if level:
            package = file.parents[level - 1]
            yield (package, names) if len(names) > 1 else (package.parent, (package.name, *names))
            return
        roots = self._import_roots(file.parent)
        packages = [root for root in roots if self._file(root, names[0]) is not None]
        yield from ((root, names) for root in packages)
        for root in roots:
            if root not in packages and os.path.isdir(root / names[0]):  # noqa: PTH112 - False without permission
                yield root, names

    def _import_roots(self, folder: Path) -> list[Path]:
        """Return the folders that absolute imports may be relative to, the likeliest first.

        These are the folders around a file up to the top of its project, and ``src`` in each of them. A package is
        usually not one of them.
        """
        if folder not in self._roots:
            around = [folder, *folder.parents]
            around = around[: around.index(_top(around)) + 1]
            packages = [path for path in around if (path / "__init__.py").exists()]
            roots = [root for path in around if path not in packages for root in (path, path / "src")]
            self._roots[folder] = [root for root in [*roots, *packages] if root.is_dir()]
        return self._roots[folder]

    def _file(self, folder: Path, module: str) -> Path | None:
        key = folder, module
        if key not in self._files:
            candidates = [folder / pattern.format(module) for pattern in _MODULES]
            self._files[key] = next(filter(os.path.isfile, candidates), None)  # False without permission
        return self._files[key]

    def _source(self, folder: Path, module: str) -> SourceCode | None:
        """Return a module; None if it does not exist, cannot be parsed, or was emitted."""
        file = self._file(folder, module)
        if file is None:
            return None
        if file not in self._sources:
            self._sources[file] = _read(file)
        return self._sources[file]

    # Types

    def types(self, source: SourceCode, annotation: cst.BaseExpression) -> set[str]:
        """Return the names of the classes that an annotation consists of, and of their base classes.

        Aliases are followed. The names of classes outside of the project are qualified.
        """
        names: set[str] = set()
        self._collect(source, annotation, names, set())
        return names

    def base_names(self, source: SourceCode, path: str) -> set[str]:
        """Return the names of the base classes of a class, as :meth:`types` does."""
        return {
            name
            for definition in self.definitions(source, path)
            if isinstance(definition.node, cst.ClassDef)
            for base in bases(definition.node)
            for name in self.types(definition.source, base)
        }

    def _collect(self, source: SourceCode, node: cst.BaseExpression, names: set[str], seen: set[cst.CSTNode]) -> None:
        if node in seen:
            return
        seen.add(node)
        for part in self._parts(source, node):
            self._collect(source, part, names, seen)
        name = node.value if isinstance(node, cst.Subscript) else node
        path = dotted(name)
        if path is None:
            return
        definitions = self.definitions(source, path)
        for definition in definitions:
            if isinstance(definition.node, cst.ClassDef):
                names.add(definition.node.name.value)
                for base in bases(definition.node):
                    self._collect(definition.source, base, names, seen)
            elif not isinstance(definition.node, cst.FunctionDef):
                self._collect(definition.source, definition.node, names, seen)
        origins = source.qualified(name)
        names |= {origin for origin in origins if not definitions or origin.partition(".")[0] in _NEVER_OWN}
        if not definitions and not origins:
            names.add(path)

    def _parts(self, source: SourceCode, node: cst.BaseExpression) -> list[cst.BaseExpression]:
        """Return the annotations that an annotation contains, if a value of them is a value of it."""
        if isinstance(node, cst.SimpleString):
            return _quoted(node)
        if isinstance(node, cst.BinaryOperation):
            return [node.left, node.right]
        if isinstance(node, cst.Call) and last_name(node.func) in _ALIAS_CALLS:
            return positional(node)[1:2]
        if not isinstance(node, cst.Subscript) or last_name(node.value) in _OPAQUE:
            return []
        path = dotted(node.value)
        if path and any(isinstance(found.node, cst.ClassDef) for found in self.definitions(source, path)):
            return []  # a generic class: `Repository[AsyncSession]` is not a session
        inner = [item.slice.value for item in node.slice if isinstance(item.slice, cst.Index)]
        return inner if last_name(node.value) == "Union" else inner[:1]


def bases(definition: cst.ClassDef) -> list[cst.BaseExpression]:
    """Return the base classes of a class, without type arguments."""
    values = [base.value for base in definition.bases if not base.star]
    return [value.value if isinstance(value, cst.Subscript) else value for value in values]


def _methods(source: SourceCode, definition: cst.ClassDef, names: list[str]) -> Iterator[Definition]:
    if len(names) == 1:
        for statement in definition.body.body:
            if isinstance(statement, cst.FunctionDef) and statement.name.value == names[0]:
                yield Definition(source, statement)


def _quoted(node: cst.SimpleString) -> list[cst.BaseExpression]:
    try:
        return [cst.parse_expression(node.raw_value)]
    except cst.ParserSyntaxError:
        return []


def _top(folders: list[Path]) -> Path:
    """Return the top of the project among the folders around a file: the repository, or else the packaged folder."""
    for markers in (_REPOSITORY, _PROJECT):
        marked = [folder for folder in folders if any((folder / marker).exists() for marker in markers)]
        if marked:
            return marked[0] if markers is _REPOSITORY else marked[-1]
    current = Path.cwd()
    if current in folders:
        return current
    return next((folder for folder in folders if not (folder / "__init__.py").exists()), folders[0])


def _read(file: Path) -> SourceCode | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if format_of(content) is not None:
        return None  # the names of emitted classes tell what they are
    module, _ = parse(_outline(content), str(file))
    return SourceCode(str(file), module, file) if module is not None else None


def _outline(content: bytes) -> bytes:
    """Return a module without the bodies of functions that do not show what they return.

    The parser of Python is much faster than that of libcst, which then has less to do. A module that this Python cannot
    parse is returned as it is.
    """
    tree = python_tree(content)
    if tree is None:
        return content
    lines = content.splitlines(keepends=True)
    for function in _functions(tree.body):
        if not _is_annotated(function) and _has_result(function):
            continue
        first = function.body[0]
        decorators = first.decorator_list if isinstance(first, _DECORATED) else []
        start = min([first.lineno, *(decorator.lineno for decorator in decorators)])
        if start > function.lineno and not lines[start - 1][: first.col_offset].strip():
            indent = lines[first.lineno - 1][: first.col_offset]
            lines[start - 1 : function.end_lineno] = [
                indent + b"...\n",
                *[b""] * ((function.end_lineno or start) - start),
            ]
    return b"".join(lines)


def _functions(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions at the top level and in classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef | ast.If):
            yield from _functions(node.body)


def _is_annotated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether the annotation of a function tells what it returns."""
    name = getattr(function.returns, "attr", getattr(function.returns, "id", None))
    return function.returns is not None and name not in BARE


def _has_result(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function returns or yields a value, which may be a session."""
    return any(isinstance(node, ast.Return | ast.Yield) and node.value is not None for node in ast.walk(function))
