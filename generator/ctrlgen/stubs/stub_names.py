"""The names in stubs: files, factories, variables, and imports."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection, Iterable
from functools import cache

from ctrlgen.blueprint import Controller
from ctrlgen.namespace import Namespace
from ctrlgen.render.templates import render_template
from ctrlgen.schema import Imported
from ctrlgen.stubs.read_tests import TestFile

FACTORIES = "controller_factories"
"""The module of the factories."""

PLANS = "query_plans"
"""The module that returns query plans of PostgreSQL."""

LOCALS = frozenset({"changed", "db", "first", "is_new", "plans", "second", "value", "values"})
"""The variables of tests, besides those named after a model."""


def test_file(controller: Controller) -> str:
    """Return the name of a controller's test module."""
    return f"test_{controller.module}_controller.py"


def new_row(controller: Controller) -> str:
    """Return the name of the factory that inserts a row."""
    return f"new_{controller.module}"


def row_values(controller: Controller) -> str:
    """Return the name of the factory of the values of a new row."""
    return f"{controller.module}_values"


def factory_functions(controllers: Iterable[Controller]) -> frozenset[str]:
    """Return the names of all factories."""
    return frozenset(function(controller) for controller in controllers for function in (new_row, row_values))


@cache
def names_in_factories() -> frozenset[str]:
    """Return the reserved names in the module of the factories: those of its template."""
    return _names_in(render_template("stubs/factories_module.py.jinja", imports=[], body="")) | {
        "Database",
        "db",
        "str",
    }


@cache
def names_in_tests() -> frozenset[str]:
    """Return the reserved names in a test."""
    skeleton = render_template("stubs/test_module.py.jinja", module="", imports=[], body="")
    return _names_in(skeleton) | LOCALS | {"Database", "NotFoundError", "explained", "present", "len", "range"}


def variable(name: str, taken: Collection[str]) -> str:
    """Return a name for a local variable that is neither a keyword nor reserved."""
    while keyword.iskeyword(name) or name in taken:
        name += "_"
    return name


def _names_in(source: str) -> frozenset[str]:
    """Return every name that a module defines, imports or reads."""
    names = set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=local):
                names.add(local or name)
            case _:
                pass
    return frozenset(names)


class FileNames:
    """The namespace of one test file: fixed names, and imports, which are renamed if a name is not available.

    Parameters
    ----------
    fixed
        Names that stubs use without renaming: helpers and local variables.
    file
        The existing file; None for a new one.
    """

    def __init__(self, fixed: Collection[str], file: TestFile | None) -> None:
        self._existing = file.imported if file else frozenset[str]()
        self._aliases = {Imported(origin.module, origin.name): origin.local for origin in file.origins} if file else {}
        functions = {function.name for function in file.functions} if file else set[str]()
        self._names = Namespace({*fixed, *self._existing, *functions})
        self._helpers: dict[str, Imported] = {}
        self._imported: dict[str, Imported] = {}

    def name(self, item: Imported) -> str:
        """Return the name of ``item`` in the file, qualified for a nested class, and import it if necessary."""
        outer, dot, inner = item.name.partition(".")
        outermost = Imported(item.module, outer)
        if outermost in self._aliases:
            return f"{self._aliases[outermost]}{dot}{inner}"
        local = self._names.name(outermost)
        self._imported[local] = outermost
        return f"{local}{dot}{inner}"

    def use(self, helper: Imported) -> None:
        """Import a helper under its own name, unless the file already has that name."""
        if helper.name not in self._existing:
            self._helpers[helper.name] = helper

    def import_lines(self, source: str) -> list[str]:
        """Return the import statements that a source needs and the file does not have."""
        words = set(re.findall(r"\w+", source))
        helpers = [f"from {item.module} import {name}" for name, item in self._helpers.items() if name in words]
        used = [item for local, item in self._imported.items() if local in words]
        by_module: dict[str, list[str]] = {}
        for line in sorted((*helpers, *self._names.import_lines(used))):
            module, _, imported = line.partition(" import ")
            by_module.setdefault(module, []).append(imported)
        return [f"{module} import {', '.join(names)}" for module, names in by_module.items()]
