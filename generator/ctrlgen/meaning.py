"""Describes a change of emitted modules for their callers: methods gained, lost and changed, fields, types.

``staleness`` prints it before the diff. The modules are compared as source, because the files on disk may come from an
earlier version of ctrlgen, and from models that no longer exist.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from ctrlgen.write import Change

Function = ast.FunctionDef | ast.AsyncFunctionDef
_OWN_METHOD = "__"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a change: its kinds, each with the affected names, in the order of printing."""

    subject: str
    change: Change
    groups: Mapping[str, tuple[str, ...]]

    @property
    def text(self) -> str:
        """The meaning as the predicate of a sentence about the file."""
        groups = [f"{kind}: {', '.join(names)}" if names else kind for kind, names in self.groups.items()]
        if self.change.state == "created":
            return "; ".join(["is missing", *groups])
        return f"is stale: {'; '.join(groups) or 'no change is visible to callers'}"


def meaning_of(change: Change) -> Meaning:
    """Return the meaning of a change of an emitted module. Other files than controllers are identified by file name."""
    before, after = _surface(change.before), _surface(change.after)
    subject = next((surface.model for surface in (after, before) if surface and surface.model), change.file.name)
    if before is None or after is None or not (before.model or after.model):
        return Meaning(subject, change, _of_whole_file(change, before, after))
    return Meaning(subject, change, _of_surfaces(before, after))


@dataclass(frozen=True, slots=True)
class _Surface:
    """The public interface of a controller module."""

    model: str = ""
    methods: Mapping[str, tuple[str, str, str]] = field(default_factory=dict[str, tuple[str, str, str]])
    """The signature, body and docstring of each method."""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """The type of each column and relationship."""
    required: frozenset[str] = frozenset()


def _of_whole_file(change: Change, before: _Surface | None, after: _Surface | None) -> dict[str, tuple[str, ...]]:
    match change.state:
        case "created" if after and after.model:
            return {f"new controller with {len(after.methods)} methods": ()}
        case "removed" if before and before.model:
            return {"controller removed, with every method": ()}
        case "created":
            return {}
        case "removed":
            return {"file removed": ()}
        case _ if change.before is not None and before is None:
            return {"the file on disk is not valid Python, so it was edited": ()}
        case _:
            return _of_functions(change)


def _of_functions(change: Change) -> dict[str, tuple[str, ...]]:
    """Return the functions that a test file lacks, and those that lack lines."""
    before, after = _functions(change.before), _functions(change.after)
    missing = [name for name in after if name not in before]
    groups = {
        "missing tests": [name for name in missing if name.startswith("test_")],
        "missing functions": [name for name in missing if not name.startswith("test_")],
        "functions without required lines": [name for name in after if name in before and before[name] != after[name]],
    }
    return {kind: tuple(names) for kind, names in groups.items() if names}


def _functions(content: bytes | None) -> dict[str, str]:
    """Return the functions at the top level of a module."""
    functions = [node for node in ast.parse(content or b"").body if isinstance(node, Function)]
    return {node.name: ast.unparse(node) for node in functions}


def _of_surfaces(before: _Surface, after: _Surface) -> dict[str, tuple[str, ...]]:
    common = [name for name in after.methods if name in before.methods]
    signatures = [name for name in common if before.methods[name][0] != after.methods[name][0]]
    statements = [name for name in common if before.methods[name][1] != after.methods[name][1]]
    documented = [name for name in common if before.methods[name][2] != after.methods[name][2]]
    required, optional = after.required - before.required, before.required - after.required
    types = [name for name in after.fields if name in before.fields and before.fields[name] != after.fields[name]]
    groups = {
        "methods lost": [name for name in before.methods if name not in after.methods],
        "methods gained": [name for name in after.methods if name not in before.methods],
        "methods with other parameters or results": signatures,
        "methods that do something else": [name for name in statements if name not in signatures],
        "methods backed or described otherwise": [
            name for name in documented if name not in {*signatures, *statements}
        ],
        "fields lost": [name for name in before.fields if name not in after.fields],
        "fields gained": [name for name in after.fields if name not in before.fields],
        "fields now required": sorted(required),
        "fields no longer required": sorted(name for name in optional if name in after.fields),
        "types changed": [f"{name} ({before.fields[name]} → {after.fields[name]})" for name in types],
    }
    return {kind: tuple(names) for kind, names in groups.items() if names}


def _surface(content: bytes | None) -> _Surface | None:
    """Return the public interface of a module; None if there is none, or if it is not valid Python."""
    if content is None:
        return None
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return None
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    controller = next(
        (node for node in classes if any(_base_name(base) == "BaseController" for base in node.bases)), None
    )
    if controller is None:
        return _Surface()
    columns = next((node for node in classes if node.name.endswith("Columns") and not node.bases), None)
    fields = {name: _unwrapped(annotation) for name, annotation in _annotations(columns)} if columns else {}
    return _Surface(_model_of(controller), _methods(controller), fields, _required(controller))


def _base_name(base: ast.expr) -> str:
    return _base_name(base.value) if isinstance(base, ast.Subscript) else getattr(base, "id", "")


def _model_of(controller: ast.ClassDef) -> str:
    """Return the name of the model, which is the first type argument of the base class."""
    for base in controller.bases:
        if isinstance(base, ast.Subscript):
            first = base.slice.elts[0] if isinstance(base.slice, ast.Tuple) else base.slice
            return ast.unparse(first)
    return controller.name.removesuffix("Controller")


def _methods(controller: ast.ClassDef) -> dict[str, tuple[str, str, str]]:
    functions = (node for node in controller.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: _parts(node) for node in functions if not node.name.startswith(_OWN_METHOD)}


def _parts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, str, str]:
    result = ast.unparse(function.returns) if function.returns else ""
    signature = f"{type(function).__name__} ({ast.unparse(function.args)}) {result}"
    doc = ast.get_docstring(function) or ""
    body = function.body[1:] if doc else function.body
    return signature, "\n".join(map(ast.unparse, body)), " ".join(doc.split())


def _annotations(cls: ast.ClassDef) -> list[tuple[str, str]]:
    return [
        (node.target.id, ast.unparse(node.annotation))
        for node in cls.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]


def _unwrapped(annotation: str) -> str:
    return annotation.removeprefix("Mapped[").removesuffix("]") if annotation.startswith("Mapped[") else annotation


def _required(controller: ast.ClassDef) -> frozenset[str]:
    """Return the required fields of a new row, from ``Facts(required=...)``."""
    for call in (node for node in ast.walk(controller) if isinstance(node, ast.Call)):
        for keyword in call.keywords if getattr(call.func, "id", "") == "Facts" else ():
            if keyword.arg == "required":
                return frozenset(cast("tuple[str, ...]", ast.literal_eval(keyword.value)))
    return frozenset()
