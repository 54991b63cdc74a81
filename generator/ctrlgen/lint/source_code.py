"""A parsed file, with the information that rules need: parents, enclosing functions, names, positions.

The tree is walked once. The more expensive metadata of libcst (positions, scopes) is computed only if a rule reports
something.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, TypeVar, cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider, QualifiedNameSource, Scope, ScopeProvider

from ctrlgen.lint.diagnostics import Edit, Place

_RELATED = {"sqlmodel": ("sqlalchemy",)}
"""Libraries that export the same functions, and after which an import is inserted."""
_EXPECTING = frozenset({"raises", "assertRaises", "assertRaisesRegex", "warns"})

NodeT = TypeVar("NodeT", bound=cst.CSTNode)

_LAYOUT = re.compile(
    r"^(whitespace|lpar|rpar|lbracket|rbracket|leading_lines|lines_|semicolon|comma|dot|header|footer)"
)
_TESTS = re.compile(r"(^|/)(tests?/|conftest\.py$|test_[^/]*\.py$|[^/]*_test\.py$)")


@dataclass(frozen=True, slots=True)
class Binding:
    """A name bound in a function, and the expression that it is bound to.

    ``kind`` is the kind of statement: ``name = value``, ``with value as name``, or ``for name in value``.
    """

    name: str
    value: cst.BaseExpression
    kind: Literal["assign", "with", "for"]
    node: cst.CSTNode


class SourceCode:
    """One parsed file.

    Parameters
    ----------
    path
        The path of the file in the output.
    module
        The syntax tree.
    file
        The absolute path, from which imports are followed; None for a source that is not in a file.
    """

    def __init__(self, path: str, module: cst.Module, file: Path | None = None) -> None:
        self.path = path
        self.file = file
        self.module = module
        self.in_tests = _TESTS.search(path) is not None
        self._parents: dict[int, cst.CSTNode] = {}  # by id, because the hashes of nodes are computed by Python code
        self._nodes: defaultdict[type[cst.CSTNode], list[cst.CSTNode]] = defaultdict(list)
        self._span: dict[int, tuple[int, int]] = {}
        self._wrapper = MetadataWrapper(module, unsafe_skip_copy=True)  # a tree from the parser has no node twice
        self._walk(module)

    def _walk(self, root: cst.CSTNode) -> None:
        """Assign numbers to the nodes in their order, and record their parents, without recursion, which is limited."""
        number = 0
        parents, spans, nodes = self._parents, self._span, self._nodes
        stack: list[cst.CSTNode | tuple[cst.CSTNode, int]] = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, tuple):
                spans[id(node[0])] = (node[1], number)
                continue
            number += 1
            nodes[type(node)].append(node)
            children = _children(node)
            if not children:
                spans[id(node)] = (number, number)
                continue
            stack.append((node, number))
            for child in reversed(children):
                parents[id(child)] = node
                stack.append(child)

    def order(self, node: cst.CSTNode) -> int:
        """Return the number of a node, by which nodes are sorted in the order of the source."""
        return self._span[id(node)][0]

    def all(self, kind: type[NodeT]) -> list[NodeT]:
        """Return all nodes of a type."""
        return cast("list[NodeT]", self._nodes.get(kind, []))

    def within(self, root: cst.CSTNode, kind: type[NodeT]) -> list[NodeT]:
        """Return all nodes of a type inside ``root``, including ``root``."""
        nodes = self.all(kind)
        first, last = self._span[id(root)]
        return nodes[bisect_left(nodes, first, key=self.order) : bisect_right(nodes, last, key=self.order)]

    def own(self, function: cst.CSTNode, kind: type[NodeT]) -> list[NodeT]:
        """Return the nodes of a type in a function, without those of nested functions."""
        return [node for node in self.within(function, kind) if self.function(node) is function]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Return the parent of a node."""
        return self._parents.get(id(node))

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield the ancestors of a node, the innermost first."""
        parent = self._parents.get(id(node))
        while parent is not None:
            yield parent
            parent = self._parents.get(id(parent))

    def is_in(self, node: cst.CSTNode, root: cst.CSTNode) -> bool:
        """Return whether a node is inside ``root``, or ``root`` itself."""
        first, last = self._span[id(root)]
        return first <= self.order(node) <= last

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | cst.Lambda | cst.Module:
        """Return the function whose body contains a node, or the module.

        Decorators, defaults and annotations belong to the enclosing function.
        """
        below = node
        for ancestor in self.ancestors(node):
            if isinstance(ancestor, cst.FunctionDef) and below is ancestor.body:
                return ancestor
            if isinstance(ancestor, cst.Lambda) and below is ancestor.body:
                return ancestor
            below = ancestor
        return self.module

    def functions(self, node: cst.CSTNode) -> Iterator[cst.FunctionDef]:
        """Yield the functions around a node, the innermost first. A decorator is not inside its function."""
        current = self.function(node)
        while not isinstance(current, cst.Module):
            if isinstance(current, cst.FunctionDef):
                yield current
            current = self.function(current)

    def class_around(self, node: cst.CSTNode) -> cst.ClassDef | None:
        """Return the innermost class around a node."""
        return next((ancestor for ancestor in self.ancestors(node) if isinstance(ancestor, cst.ClassDef)), None)

    def in_async_function(self, node: cst.CSTNode) -> bool:
        """Return whether ``await`` is allowed here."""
        function = self.function(node)
        return isinstance(function, cst.FunctionDef) and function.asynchronous is not None

    def statement(self, node: cst.CSTNode) -> cst.CSTNode:
        """Return the statement that contains a node: a whole line, or a compound statement."""
        if isinstance(node, cst.BaseStatement | cst.SimpleStatementLine):
            return node
        kinds = (cst.BaseStatement, cst.SimpleStatementLine)
        return next((ancestor for ancestor in self.ancestors(node) if isinstance(ancestor, kinds)), node)

    def text(self, node: cst.CSTNode) -> str:
        """Return the source of a node, on one line."""
        return re.sub(r"\s*\n\s*", " ", self.module.code_for_node(node)).strip()

    # Names

    @cached_property
    def _scopes(self) -> dict[cst.CSTNode, Scope | None]:
        return dict(self._wrapper.resolve(ScopeProvider))

    def qualified(self, node: cst.CSTNode) -> set[str]:
        """Return the qualified names of an imported name; empty if it is not imported.

        The scopes are used only if a file binds the name in another way, too: computing them takes longer than all
        rules.
        """
        path = dotted(node)
        root, _, rest = (path or "").partition(".")
        if root not in self.imports:
            return set()
        if root not in self._bound_otherwise:
            return {f"{origin}.{rest}" if rest else origin for origin in self.imports[root]}
        scope = self._scopes.get(node)
        names = scope.get_qualified_names_for(node) if scope is not None else ()
        return {name.name for name in names if name.source is QualifiedNameSource.IMPORT}

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """The qualified names of all imports in the file, by local name. Those of relative imports begin with dots."""
        imports: defaultdict[str, set[str]] = defaultdict(set)
        for statement in self.all(cst.Import):
            for alias in statement.names:
                name = dotted(alias.name) or ""
                local = last_name(alias.asname.name) if alias.asname else None
                imports[local or name.partition(".")[0]].add(name if local else name.partition(".")[0])
        for members in self.all(cst.ImportFrom):
            for alias in members.names if isinstance(members.names, Sequence) else ():
                name = last_name(alias.name) or ""
                local = last_name(alias.asname.name) if alias.asname else None
                imports[local or name].add(f"{_prefix(members)}{name}")
        return imports

    @cached_property
    def star_imports(self) -> list[str]:
        """The modules of ``from module import *``, with a dot at the end."""
        return [_prefix(members) for members in self.all(cst.ImportFrom) if isinstance(members.names, cst.ImportStar)]

    @cached_property
    def top_level(self) -> dict[str, list[cst.ClassDef | cst.FunctionDef | cst.BaseExpression]]:
        """The classes, functions and assigned values of the module, by name."""
        nodes: defaultdict[str, list[cst.ClassDef | cst.FunctionDef | cst.BaseExpression]] = defaultdict(list)
        definitions: list[cst.ClassDef | cst.FunctionDef] = [
            *self.own(self.module, cst.ClassDef),
            *self.own(self.module, cst.FunctionDef),
        ]
        for definition in definitions:
            if self.class_around(definition) is None:
                nodes[definition.name.value].append(definition)
        for alias in self.own(self.module, cst.TypeAlias):
            nodes[alias.name.value].append(alias.value)
        for binding in self.bindings(self.module):
            if binding.kind == "assign" and self.class_around(binding.node) is None:
                nodes[binding.name].append(binding.value)
        return nodes

    @cached_property
    def _bound_otherwise(self) -> set[str]:
        """The names that are bound by anything other than an import."""
        names = {node.name.value for node in self.all(cst.Param)}
        names |= {node.name.value for node in self.all(cst.FunctionDef)}
        names |= {node.name.value for node in self.all(cst.ClassDef)}
        targets: list[cst.CSTNode] = [
            *(node.target for node in self.all(cst.AssignTarget)),
            *(node.target for node in self.all(cst.AnnAssign)),
            *(node.target for node in self.all(cst.NamedExpr)),
            *(node.target for node in self.all(cst.For)),
            *(node.target for node in self.all(cst.CompFor)),
            *(node.name for node in self.all(cst.AsName)),
        ]
        for target in targets:
            if not isinstance(self.parent(target), cst.AsName) or not self._names_import(target):
                names |= {name.value for name in self.within(target, cst.Name)}
        return names

    def _names_import(self, name: cst.CSTNode) -> bool:
        """Return whether a name after ``as`` belongs to an import, and not to a context manager or an exception."""
        alias = self.parent(name)
        return alias is not None and isinstance(self.parent(alias), cst.ImportAlias)

    def is_bound(self, name: str) -> bool:
        """Return whether the module binds a name at its top level."""
        scope = self._scopes.get(self.module)
        return scope is not None and name in scope

    @cached_property
    def imported_modules(self) -> set[str]:
        """The modules imported anywhere in the file, except by relative imports."""
        modules: set[str] = set()
        for statement in self.all(cst.Import):
            modules.update(name for alias in statement.names if (name := dotted(alias.name)))
        for members in self.all(cst.ImportFrom):
            if not members.relative and members.module is not None and (name := dotted(members.module)):
                modules.add(name)
        return modules

    def imports_from(self, *packages: str) -> bool:
        """Return whether the file imports from one of these top-level packages."""
        return any(module.partition(".")[0] in packages for module in self.imported_modules)

    def module_of(self, name: str) -> str | None:
        """Return the module that a name is imported from, with the dots of a relative import."""
        origins = sorted(origin for origin in self.imports.get(name, ()) if "." in origin)
        return origins[0].rpartition(".")[0] if origins else None

    # Values

    def bindings(self, function: cst.CSTNode) -> list[Binding]:
        """Return the names bound in a function, in the order of the source."""
        if function not in self._bindings:
            self._bindings[function] = sorted(
                self._find_bindings(function), key=lambda binding: self.order(binding.node)
            )
        return self._bindings[function]

    @cached_property
    def _bindings(self) -> dict[cst.CSTNode, list[Binding]]:
        return {}

    def _find_bindings(self, function: cst.CSTNode) -> Iterator[Binding]:
        for assign in self.own(function, cst.Assign):
            for target in assign.targets:
                yield from _bound(target.target, assign.value, "assign", assign)
        for annotated in self.own(function, cst.AnnAssign):
            yield from _bound(annotated.target, annotated.value, "assign", annotated)
        for walrus in self.own(function, cst.NamedExpr):
            yield from _bound(walrus.target, walrus.value, "assign", walrus)
        for item in self.own(function, cst.WithItem):
            yield from _bound(item.asname.name if item.asname else None, item.item, "with", item)
        for loop in self.own(function, cst.For):
            yield from _bound(loop.target, loop.iter, "for", loop)

    def binding(self, name: cst.Name) -> Binding | None:
        """Return the last binding of a name before a position, in its function or in an enclosing one."""
        function: cst.CSTNode = self.function(name)
        before = self.order(name)
        while True:
            same = [binding for binding in self.bindings(function) if binding.name == name.value]
            earlier = [binding for binding in same if self.order(binding.node) < before]
            if earlier:
                return earlier[-1]
            if isinstance(function, cst.Module) or self.parameter(function, name.value) is not None:
                return None
            function = self.function(function)

    def parameter(self, function: cst.CSTNode, name: str) -> cst.Param | None:
        """Return the parameter of a function with this name."""
        if not isinstance(function, cst.FunctionDef | cst.Lambda):
            return None
        parameters = function.params
        stars = [star for star in (parameters.star_arg, parameters.star_kwarg) if isinstance(star, cst.Param)]
        every = [*parameters.posonly_params, *parameters.params, *parameters.kwonly_params, *stars]
        return next((parameter for parameter in every if parameter.name.value == name), None)

    def annotation(self, name: cst.Name) -> cst.BaseExpression | None:
        """Return the annotation of the parameter that a name refers to."""
        function: cst.CSTNode = self.function(name)
        while not isinstance(function, cst.Module):
            parameter = self.parameter(function, name.value)
            if parameter is not None:
                return parameter.annotation.annotation if parameter.annotation else None
            function = self.function(function)
        return None

    # Positions

    @cached_property
    def _positions(self) -> dict[cst.CSTNode, CodeRange]:
        return dict(self._wrapper.resolve(PositionProvider))

    def start(self, node: cst.CSTNode) -> Place:
        """Return the start of a node."""
        position = self._positions[node].start
        return Place(position.line, position.column)

    def end(self, node: cst.CSTNode) -> Place:
        """Return the end of a node."""
        position = self._positions[node].end
        return Place(position.line, position.column)

    def expects_an_error(self, place: Place) -> bool:
        """Return whether a node is in a ``with pytest.raises(...)`` block, where mistakes are made on purpose."""
        return any(start <= place <= end for start, end in self._expecting_blocks)

    @cached_property
    def _expecting_blocks(self) -> list[tuple[Place, Place]]:
        return [
            (self.start(block), self.end(block))
            for block in self.all(cst.With)
            if any(isinstance(item.item, cst.Call) and last_name(item.item.func) in _EXPECTING for item in block.items)
        ]

    def replace(self, node: cst.CSTNode, text: str) -> Edit:
        """Return the edit that replaces a node by ``text``."""
        return Edit(self.start(node), self.end(node), text)

    def replace_and_import(self, node: cst.CSTNode, text: str, names: Iterable[str]) -> tuple[Edit, ...]:
        """Return the edits that replace a node by ``text``, and import the ``names`` that it uses from sqlmodel.

        There are none if one of the names is bound to something else.
        """
        edits = [self.replace(node, text)]
        for name in names:
            imports = self.import_edits("sqlmodel", name)
            if imports is None:
                return ()
            edits += imports
        return tuple(edits)

    def import_edits(self, module: str, name: str) -> tuple[Edit, ...] | None:
        """Return the edit that imports a name; empty if it is imported already, None if the name is bound otherwise."""
        related = _RELATED.get(module, ())
        if name in self._bound_otherwise:
            return None
        if self.is_bound(name):
            return () if (self.module_of(name) or "").partition(".")[0] in {module, *related} else None
        for _, part in self._top_imports:
            if isinstance(part, cst.ImportFrom) and isinstance(part.names, Sequence) and _imported_from(part) == module:
                return (self._add_to_import(part.names, name),)
        statement = f"from {module} import {name}{self.module.default_newline}"
        for line, part in reversed(self._top_imports):
            if _imported_from(part).partition(".")[0] in related:
                after = Place(self.end(line).line + 1, 0)
                return (Edit(after, after, statement),)
        return (self.insert(self._top_imports[0][0], statement),) if self._top_imports else None

    @cached_property
    def _top_imports(self) -> list[tuple[cst.SimpleStatementLine, cst.Import | cst.ImportFrom]]:
        """The imports at the top level, outside of blocks such as ``if TYPE_CHECKING:``."""
        lines = [line for line in self.module.body if isinstance(line, cst.SimpleStatementLine)]
        imports = [
            (line, part) for line in lines for part in line.body if isinstance(part, cst.Import | cst.ImportFrom)
        ]
        return [(line, part) for line, part in imports if _imported_from(part) != "__future__"]

    def _add_to_import(self, names: Sequence[cst.ImportAlias], name: str) -> Edit:
        """Return the edit that adds a name to an import, in the order of ruff and isort."""
        for alias in names:
            if _sort_key(dotted(alias.name) or "") > _sort_key(name):
                return self.insert(alias, f"{name}, ")
        last = names[-1].asname or names[-1].name
        end = self.end(last)
        return Edit(end, end, f", {name}")

    def insert(self, node: cst.CSTNode, text: str) -> Edit:
        """Return the edit that inserts ``text`` before a node."""
        return Edit(self.start(node), self.start(node), text)


def _prefix(statement: cst.ImportFrom) -> str:
    """Return the first part of the qualified names of an import: ``app.models.``, or ``..`` for ``from .. import``."""
    module = (dotted(statement.module) if statement.module else None) or ""
    return "." * len(statement.relative) + (f"{module}." if module else "")


def _imported_from(statement: cst.Import | cst.ImportFrom) -> str:
    """Return the module of an import; empty for a relative one."""
    if isinstance(statement, cst.Import):
        return dotted(statement.names[0].name) or ""
    return "" if statement.relative or statement.module is None else dotted(statement.module) or ""


def _sort_key(name: str) -> tuple[int, str]:
    """Return the position of a name in an import: constants, classes, everything else."""
    return 0 if name.isupper() else 1 if name[:1].isupper() else 2, name


def _bound(
    target: cst.CSTNode | None,
    value: cst.BaseExpression | None,
    kind: Literal["assign", "with", "for"],
    node: cst.CSTNode,
) -> Iterator[Binding]:
    if isinstance(target, cst.Name) and value is not None:
        yield Binding(target.value, value, kind, node)


def dotted(node: cst.CSTNode) -> str | None:
    """Return ``a.b.c`` for a chain of names, else None."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    return ".".join([node.value, *reversed(parts)])


def last_name(node: cst.CSTNode) -> str | None:
    """Return the last name of a chain: ``c`` of ``a().b.c``."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else None


def keyword(call: cst.Call, name: str) -> cst.BaseExpression | None:
    """Return the value of a keyword argument of a call."""
    return next((arg.value for arg in call.args if arg.keyword is not None and arg.keyword.value == name), None)


def positional(call: cst.Call) -> list[cst.BaseExpression]:
    """Return the positional arguments of a call, up to the first starred one."""
    values: list[cst.BaseExpression] = []
    for argument in call.args:
        if argument.star or argument.keyword is not None:
            break
        values.append(argument.value)
    return values


def method(call: cst.Call) -> str | None:
    """Return the name of the method that is called: ``c`` of ``a.b.c()``."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else None


def receiver(call: cst.Call) -> cst.BaseExpression | None:
    """Return the receiver of a method call: ``a.b`` of ``a.b.c()``."""
    return call.func.value if isinstance(call.func, cst.Attribute) else None


def snake(name: str) -> str:
    """Return ``guild_config`` for ``app.models.GuildConfig``, the name of its controller."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower()


def unwrapped(node: cst.BaseExpression) -> cst.BaseExpression:
    """Return the operand of ``await``, or the expression itself."""
    return node.expression if isinstance(node, cst.Await) else node


@cache
def _child_fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not _LAYOUT.match(field.name))


class _NodeTypes(dict[type[object], bool]):
    """Whether classes are classes of nodes. ``isinstance`` would ask the abstract base class for each value."""

    def __missing__(self, kind: type[object]) -> bool:
        self[kind] = issubclass(kind, cst.CSTNode)
        return self[kind]


_IS_NODE = _NodeTypes()


def _children(node: cst.CSTNode) -> list[cst.CSTNode]:
    children: list[cst.CSTNode] = []
    for name in _child_fields(type(node)):
        value: object = getattr(node, name)
        if _IS_NODE[type(value)]:
            children.append(cast("cst.CSTNode", value))
        elif isinstance(value, tuple | list):
            children += [cast("cst.CSTNode", item) for item in cast("Sequence[object]", value) if _IS_NODE[type(item)]]
    return children
