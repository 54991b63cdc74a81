"""The third step: renders the missing parts of the test files."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ctrlgen.blueprint import Controller, Package
from ctrlgen.render.templates import render_template
from ctrlgen.schema import Imported
from ctrlgen.stubs.plan_factories import Factories, Factory
from ctrlgen.stubs.plan_rows import Rows
from ctrlgen.stubs.plan_tests import TestCase, TestCases
from ctrlgen.stubs.read_tests import Function, TestFile, mentions
from ctrlgen.stubs.stub_names import (
    FACTORIES,
    PLANS,
    FileNames,
    names_in_factories,
    names_in_tests,
    new_row,
    row_values,
    test_file,
)


@dataclass(frozen=True, slots=True)
class Completion:
    """The missing parts of a factory: lines before its ``return``, and entries of the dict that it returns."""

    statements: tuple[str, ...]
    entries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Addition:
    """The additions to an existing file: imports, functions at its end, and missing parts of factories by name."""

    imports: tuple[str, ...]
    source: str
    completions: Mapping[str, Completion] = field(default_factory=dict[str, Completion])


@dataclass(frozen=True, slots=True)
class FactoryView:
    """The variables of the template of a factory: names and sources for the file."""

    module: str
    model: str  # the name in the file
    returns: str
    takes: str
    parents: tuple[tuple[str, str], ...]  # variable, and the factory that creates it
    values: Mapping[str, str]
    missing: frozenset[str]  # the missing ones of the two functions: "values", "row"


class StubSources:
    """Renders the missing stubs of a folder.

    Parameters
    ----------
    package
        What is emitted.
    factories
        The factories of the package.
    folder
        The folder of the tests.
    files
        The existing files.
    """

    def __init__(self, package: Package, factories: Factories, folder: Path, files: Mapping[Path, TestFile]) -> None:
        self._package, self._factories, self._folder, self._files = package, factories, folder, files
        packaged = any((place / "__init__.py").exists() for place in (folder, folder.parent))
        self._prefix = "." if packaged else ""
        self._everything = "\n".join(file.text for file in files.values())
        self._existing = files.get(folder / f"{FACTORIES}.py")

    def created(self) -> dict[str, str]:
        """Return the files to create, by name."""
        files = dict[str, str]()
        if self._prefix and self._file("__init__.py") is None:
            files["__init__.py"] = '"""Tests of the generated controllers."""\n'
        for name in ("conftest.py", f"{PLANS}.py"):
            if self._file(name) is None:
                files[name] = render_template(f"stubs/{name}.jinja", package=self._package)
        if self._existing is None and self._factories.all():
            addition = self.factories()
            values = {"imports": addition.imports, "body": addition.source}
            files[f"{FACTORIES}.py"] = render_template("stubs/factories_module.py.jinja", **values)
        for factory in self._factories.all():
            name = test_file(factory.controller)
            if self._file(name) is None and (addition := self.tests(factory)).source:
                values = {"imports": addition.imports, "body": addition.source, "module": factory.controller.module}
                files[name] = render_template("stubs/test_module.py.jinja", **values)
        return files

    def added(self) -> dict[str, Addition]:
        """Return the additions to existing files, by name."""
        tests = {test_file(factory.controller): factory for factory in self._factories.all()}
        additions = {name: self.tests(factory) for name, factory in tests.items() if self._file(name) is not None}
        if self._existing is not None:
            additions[f"{FACTORIES}.py"] = self.factories()
        return {name: addition for name, addition in additions.items() if addition.source or addition.completions}

    def factories(self) -> Addition:
        """Return the factories that are missing or incomplete."""
        variables = {parent.variable for factory in self._factories.all() for parent in factory.parents}
        names = FileNames(names_in_factories() | self._factories.functions | variables, self._existing)
        names.use(Imported(self._package.name, "Database"))
        views = [self._view(factory, names) for factory in self._factories.all()]
        source = render_template("stubs/factory_functions.jinja", factories=[view for view in views if view.missing])
        completions = dict[str, Completion]()
        for factory, view in zip(self._factories.all(), views, strict=True):
            function = self._existing.function(row_values(factory.controller)) if self._existing else None
            if function and (completion := _completion(view, function, factory.controller)):
                completions[function.name] = completion
        added = "".join(
            text
            for completion in completions.values()
            for text in (*completion.statements, *completion.entries.values())
        )
        return Addition(tuple(names.import_lines(source + added)), source.rstrip("\n"), completions)

    def _view(self, factory: Factory, names: FileNames) -> FactoryView:
        controller = factory.controller
        functions = {"values": row_values(controller), "row": new_row(controller)}
        existing = {function.name for function in self._existing.functions} if self._existing else set[str]()
        return FactoryView(
            module=controller.module,
            model=controller.model.reference.name,
            returns=names.name(controller.model.reference),
            takes=names.name(Imported(f"{self._package.name}.{controller.module}", controller.create_name)),
            parents=tuple((parent.variable, new_row(parent.controller)) for parent in factory.parents),
            values={attribute: value.source(names.name) for attribute, value in factory.values.items()},
            missing=frozenset(part for part, name in functions.items() if name not in existing),
        )

    def tests(self, factory: Factory) -> Addition:
        """Return the missing tests of one controller."""
        controller = factory.controller
        file = self._file(test_file(controller))
        taken = {function.name for function in file.functions} if file else set[str]()
        rows = self._rows(factory, file)
        cases = [case for case in self._cases(rows) if f"test_{case.name}" not in taken]
        source = render_template("stubs/test_functions.jinja", cases=cases) if cases else ""
        return Addition(tuple(rows.names.import_lines(source)), source)

    def _cases(self, rows: Rows) -> list[TestCase]:
        def lacks(method: str) -> bool:
            return not mentions(self._everything, rows.controller, method)

        return list(TestCases(rows).all(lacks))

    def _rows(self, factory: Factory, file: TestFile | None) -> Rows:
        """Return the existing factory of a model, or else the planned one."""
        names = FileNames(names_in_tests() | self._factories.functions, file)
        for helper in ("Database", "NotFoundError"):
            names.use(Imported(self._package.name, helper))
        for helper in (*self._factories.functions, "present"):
            names.use(Imported(f"{self._prefix}{FACTORIES}", helper))
        names.use(Imported(f"{self._prefix}{PLANS}", "explained"))
        own = self._existing.function(row_values(factory.controller)) if self._existing else None
        required = {entry.key for entry in factory.controller.create if entry.required} & factory.values.keys()
        keys = factory.values.keys() if own is None or own.keys is None else own.keys | required
        return Rows(factory, self._factories, keys, names)

    def _file(self, name: str) -> TestFile | None:
        return self._files.get(self._folder / name)


def _completion(view: FactoryView, function: Function, controller: Controller) -> Completion | None:
    """Return the missing parts of a factory; None if it is complete, or no longer has the emitted structure."""
    if function.keys is None:
        return None
    required = {entry.key for entry in controller.create if entry.required}
    missing = {name: source for name, source in view.values.items() if name in required - function.keys}
    if not missing:
        return None
    body = ast.parse(function.source).body[0]
    if not isinstance(body, ast.AsyncFunctionDef):
        return None
    statements = {f"{variable} = await {factory}(db)" for variable, factory in view.parents}
    written = {ast.unparse(statement) for statement in body.body[:-1] if not _is_docstring(statement)}
    if not written <= statements:
        return None
    needed = {
        node.id for source in missing.values() for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
    }
    lines = [f"{name} = await {factory}(db)" for name, factory in view.parents if name in needed]
    return Completion(tuple(line for line in lines if line not in written), missing)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
