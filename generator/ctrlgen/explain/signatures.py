"""Reads the signatures of emitted methods from their source, which has the annotations in readable form."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import cast

from ctrlgen.explain.explanation import Signature

_BASE_PARAMETERS: tuple[str, ...] = ("M", "L", "C", "U", "K")
"""The type parameters of ``BaseController``, in order."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = tuple[Signature, str]


def signatures(emitted: str, controller: str, base: str) -> dict[str, Documented]:
    """Return the signature and docstring of each public method, those of the class itself first.

    Parameters
    ----------
    emitted
        The source of the emitted module.
    controller
        The name of its controller class.
    base
        The source of the runtime module that defines ``BaseController``.
    """
    own, inherited = _class(emitted, controller), _class(base, "BaseController")
    arguments = cast("ast.Tuple", cast("ast.Subscript", own.bases[0]).slice).elts
    named = dict(zip(_BASE_PARAMETERS, arguments, strict=True))
    methods = {method.name: _documented(method, {}) for method in _methods(own)}
    return methods | {
        method.name: _documented(method, named) for method in _methods(inherited) if method.name not in methods
    }


def _class(source: str, name: str) -> ast.ClassDef:
    body = ast.parse(source).body
    return next(node for node in body if isinstance(node, ast.ClassDef) and node.name == name)


def _methods(cls: ast.ClassDef) -> Iterator[Function]:
    for node in cls.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node


def _documented(method: Function, named: Mapping[str, ast.expr]) -> Documented:
    doc = " ".join((ast.get_docstring(method) or "").split())
    method = cast("Function", _Named(named).visit(method)) if named else method
    returns = ast.unparse(method.returns) if method.returns else "None"
    is_async = isinstance(method, ast.AsyncFunctionDef)
    return Signature(is_async, method.name, tuple(_parameters(method.args)), returns), doc


class _Named(ast.NodeTransformer):
    """Replaces the type parameters of the generic base class by the arguments of an emitted class."""

    def __init__(self, named: Mapping[str, ast.expr]) -> None:
        self._named = named

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the argument for a type parameter."""
        return self._named.get(node.id, node)


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    """Yield the parameters without ``self``."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    last_positional_only = len(arguments.posonlyargs) - 1
    for number, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        if number:
            yield _parameter(argument, default)
        if number == last_positional_only and number:
            yield "/"
    if arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, default)
    if arguments.kwarg:
        yield f"**{_parameter(arguments.kwarg, None)}"


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    value = f" = {ast.unparse(default)}" if default else ""
    return f"{argument.arg}{annotation}{value}"
