"""Emits a test module per controller once, and adds tests for new methods later.

``values`` and ``patterns`` choose valid values, ``keys`` such that do not clash, ``factories`` plans how rows are made,
``rows`` which row a test needs, ``cases`` the tests; ``scope`` knows what names mean in a file, ``existing`` reads what
the user has, ``growth`` adds to it, ``stale`` tells what no longer fits. From the moment they exist the
files are the user's: nothing in them is ever changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ctrlgen.blueprint import Controller, Package
from ctrlgen.format import format_sources
from ctrlgen.render.templates import render_template
from ctrlgen.schema import Finding, Imported
from ctrlgen.stubs.cases import Cases
from ctrlgen.stubs.existing import TestFile, read_test_file, speaks_of
from ctrlgen.stubs.factories import Factories, Factory
from ctrlgen.stubs.growth import grow
from ctrlgen.stubs.names import FACTORIES, HELPERS, IN_FACTORIES, IN_TESTS, PLANS, new_row, row_values, test_file
from ctrlgen.stubs.rows import Rows
from ctrlgen.stubs.scope import Scope
from ctrlgen.stubs.stale import stale


@dataclass(frozen=True, slots=True)
class StubChanges:
    """The files to create or to grow, whole, and what the author should know."""

    files: dict[Path, bytes]
    findings: tuple[Finding, ...]


def stubs(package: Package, tests: Path, *, project: Path, first_party: Iterable[str] = ()) -> StubChanges:
    """Plan the stubs of a package against the test files that are there.

    Parameters
    ----------
    package
        What is emitted.
    tests
        The folder of the stubs; read, never written.
    project
        The project's folder, for the places in findings.
    first_party
        Top-level packages of the project, for the order of imports.

    Raises
    ------
    OutputError
        A test file is no valid Python.
    """
    there = {file: read_test_file(file, project) for file in sorted(tests.glob("*.py")) if file.is_file()}
    writer = _Writer(package, tests, there)
    sources = dict(writer.files())
    created = {path: text for path, text in sources.items() if isinstance(text, str)}
    formatted = format_sources(created, {*first_party, *HELPERS}) if created else {}
    grown = {path: raw for path, raw in sources.items() if isinstance(raw, bytes)}
    encoded = {path: text.encode() for path, text in formatted.items()}
    files = {tests / path: (grown | encoded)[path] for path in sources}
    return StubChanges(files, (*writer.factories.findings(), *stale(package, there, project)))


@dataclass(frozen=True, slots=True)
class FactoryView:
    """A factory as its template asks for it: names and sources as they stand in the file."""

    module: str
    model: str  # what the author calls it
    returns: str
    takes: str
    parents: tuple[tuple[str, str], ...]  # variable, and the factory that makes it
    values: tuple[tuple[str, str], ...]  # attribute and source


class _Writer:
    """Writes what is missing."""

    def __init__(self, package: Package, tests: Path, there: dict[Path, TestFile]) -> None:
        self.factories = Factories(package)
        self._package = package
        self._tests = tests
        self._there = there
        packaged = any((folder / "__init__.py").exists() for folder in (tests, tests.parent))
        self._prefix = "." if packaged else ""
        self._everything = "\n".join(file.text for file in there.values())

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        """Yield the path of every file to write, with the text of one to create, or all of one to grow."""
        if self._prefix and not self._has("__init__.py"):
            yield "__init__.py", '"""Tests of the generated controllers."""\n'
        if not self._has("conftest.py"):
            yield "conftest.py", render_template("stubs/conftest.py.jinja", package=self._package)
        if not self._has(f"{PLANS}.py"):
            yield f"{PLANS}.py", render_template("stubs/query_plans.py.jinja", package=self._package)
        yield from self._factories()
        for factory in self.factories.all():
            yield from self._tests_of(factory)

    def _factories(self) -> Iterator[tuple[str, str | bytes]]:
        file = self._there.get(self._tests / f"{FACTORIES}.py")
        known = {name for name, _ in file.functions} if file else set[str]()
        missing = [factory for factory in self.factories.all() if new_row(factory.controller) not in known]
        if not missing:
            return
        variables = {parent.variable for factory in missing for parent in factory.parents}
        scope = Scope(IN_FACTORIES | self.factories.functions | variables, file)
        scope.use(Imported(self._package.name, "Database"))
        text = render_template("stubs/factories.jinja", factories=[self._view(it, scope) for it in missing])
        imports = scope.imports(text)
        if file is None:
            yield f"{FACTORIES}.py", render_template("stubs/factories.py.jinja", imports=imports, body=text)
        else:
            yield f"{FACTORIES}.py", grow(file, imports, _formatted(text))

    def _view(self, factory: Factory, scope: Scope) -> FactoryView:
        it = factory.controller
        return FactoryView(
            module=it.module,
            model=it.model.reference.name,
            returns=scope.name(it.model.reference),
            takes=scope.name(Imported(f"{self._package.name}.{it.module}", it.create_name)),
            parents=tuple((parent.variable, new_row(parent.controller)) for parent in factory.parents),
            values=tuple((name, value.source(scope.name)) for name, value in factory.values.items()),
        )

    def _tests_of(self, factory: Factory) -> Iterator[tuple[str, str | bytes]]:
        controller = factory.controller
        path = test_file(controller)
        file = self._there.get(self._tests / path)
        taken = {name for name, _ in file.functions} if file else set[str]()
        rows = self._rows(factory, file)
        cases = [case for case in Cases(rows).all(partial(self._lacks, controller)) if f"test_{case.name}" not in taken]
        if not cases:
            return
        text = render_template("stubs/tests.jinja", cases=cases)
        imports = rows.scope.imports(text)
        if file is None:
            yield path, render_template("stubs/test_module.py.jinja", it=controller, imports=imports, body=text)
        else:
            yield path, grow(file, imports, _formatted(text))

    def _rows(self, factory: Factory, file: TestFile | None) -> Rows:
        """Return how the model's rows are made, by the factory that is there or else the one that is planned."""
        scope = Scope(IN_TESTS | self.factories.functions, file)
        for helper in self._helpers():
            scope.use(helper)
        there = self._there.get(self._tests / f"{FACTORIES}.py")
        own = dict(there.returned).get(row_values(factory.controller)) if there else None
        return Rows(factory, self.factories, factory.values.keys() if own is None else own, scope)

    def _helpers(self) -> Iterator[Imported]:
        """Yield what tests may call by its own name."""
        yield from (Imported(self._package.name, name) for name in ("Database", "NotFoundError"))
        yield from (Imported(f"{self._prefix}{FACTORIES}", name) for name in (*self.factories.functions, "present"))
        yield Imported(f"{self._prefix}{PLANS}", "explained")

    def _lacks(self, controller: Controller, method: str) -> bool:
        """Tell whether no file speaks of a method."""
        return not speaks_of(self._everything, controller, method)

    def _has(self, path: str) -> bool:
        return self._tests / path in self._there


def _formatted(text: str) -> str:
    return format_sources({"stub.py": text})["stub.py"]


__all__ = ["StubChanges", "stubs"]
