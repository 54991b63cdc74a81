"""One parsed source file: its classes, what they declare, and on which lines. Called by ``source`` alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path


class SourceFile:
    """The syntax tree of one file; empty where there is none to read (a compiled module, say)."""

    def __init__(self, path: Path) -> None:
        self._tree = _parse(path)

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Every class by its qualified name; of several with one name the last counts, as at run time."""
        return dict(_classes(self._tree))

    @cached_property
    def named_calls(self) -> dict[str, int]:
        """The lines of ``Index(...)`` and ``...Constraint(...)`` calls by each string they are given."""
        calls = (call for call in ast.walk(self._tree) if _declares_index(call))
        return {text: call.lineno for call in calls if isinstance(call, ast.Call) for text in _texts(call)}

    @cached_property
    def has_text_annotations(self) -> bool:
        """Whether ``from __future__ import annotations`` makes a text of every annotation."""
        imports = (node for node in self._tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__")
        return any(alias.name == "annotations" for node in imports for alias in node.names)

    @cached_property
    def type_checking_imports(self) -> list[str]:
        """The imports under ``if TYPE_CHECKING:``."""
        blocks = (node for node in ast.walk(self._tree) if isinstance(node, ast.If) and _is_type_checking(node.test))
        statements = (statement for block in blocks for statement in block.body)
        return [ast.unparse(one) for one in statements if isinstance(one, ast.Import | ast.ImportFrom)]

    def attribute_line(self, qualname: str, attribute: str) -> int | None:
        """Return the line that declares ``attribute`` in the body of the class, if one does."""
        body = self.classes[qualname].body if qualname in self.classes else []
        lines = (statement.lineno for statement in body if attribute in _declared(statement))
        return next(lines, None)

    def call_line(self, qualname: str, texts: Sequence[str]) -> int | None:
        """Return the line of a call in the class whose positional strings are exactly ``texts``."""
        node = self.classes.get(qualname)
        calls = (call for call in ast.walk(node) if isinstance(call, ast.Call)) if node else ()
        return next((call.lineno for call in calls if _positional(call) == list(texts)), None)


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _classes(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            inner = f"{prefix}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{prefix}{child.name}.<locals>."
        yield from _classes(child, inner)


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


def _texts(call: ast.Call) -> list[str]:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
    return [text for node in given for text in _text(node)]


def _positional(call: ast.Call) -> list[str]:
    return [text for node in call.args for text in _text(node)]


def _text(node: ast.expr) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
