"""Emits a test module per controller once, and adds tests for new methods later.

``values`` chooses valid values, ``factories`` and ``cases`` plan what is written, ``existing`` reads what the user
has, ``growth`` adds to it, ``stale`` tells what no longer fits. From the moment they exist the files are the user's:
nothing in them is ever changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ctrlgen.format import format_sources
from ctrlgen.package import Controller, Package
from ctrlgen.render.engine import render_template
from ctrlgen.schema import Finding, Imported
from ctrlgen.stubs.cases import Case, Cases
from ctrlgen.stubs.existing import TestFile, read_test_file, speaks_of
from ctrlgen.stubs.factories import Factories, Factory
from ctrlgen.stubs.growth import grow
from ctrlgen.stubs.names import FACTORIES, HELPERS, PLANS, test_file
from ctrlgen.stubs.stale import stale


@dataclass(frozen=True, slots=True)
class StubChanges:
    """New texts of the files to create or to grow, and what the author should know."""

    files: dict[Path, str]
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
    created = {path: text for path, text in sources.items() if tests / path not in there}
    formatted = format_sources(created, {*first_party, *HELPERS}) if created else {}
    files = {tests / path: text for path, text in (sources | formatted).items()}
    return StubChanges(files, (*writer.factories.findings(), *stale(package, there, project)))


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

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield path and text of every file to create or grow."""
        if self._prefix and not self._has("__init__.py"):
            yield "__init__.py", '"""Tests of the generated controllers."""\n'
        if not self._has("conftest.py"):
            yield "conftest.py", render_template("stubs/conftest.py.jinja", package=self._package)
        if not self._has(f"{PLANS}.py"):
            yield f"{PLANS}.py", render_template("stubs/query_plans.py.jinja", package=self._package)
        yield from self._factories()
        for factory in self.factories.all():
            yield from self._tests_of(factory)

    def _factories(self) -> Iterator[tuple[str, str]]:
        file = self._there.get(self._tests / f"{FACTORIES}.py")
        known = {name for name, _ in file.functions} if file else set[str]()
        missing = [factory for factory in self.factories.all() if f"new_{factory.controller.module}" not in known]
        if not missing:
            return
        text = render_template("stubs/factories.jinja", factories=missing)
        names = (name for factory in missing for name in self._factory_imports(factory))
        imports = _statements(names, file.imported if file else ())
        if file is None:
            yield f"{FACTORIES}.py", render_template("stubs/factories.py.jinja", imports=imports, body=text)
        else:
            yield f"{FACTORIES}.py", grow(file, imports, _formatted(text))

    def _tests_of(self, factory: Factory) -> Iterator[tuple[str, str]]:
        controller = factory.controller
        path = test_file(controller)
        file = self._there.get(self._tests / path)
        taken = {name for name, _ in file.functions} if file else set[str]()
        cases = [case for case in self._missing(factory) if f"test_{case.name}" not in taken]
        if not cases:
            return
        text = render_template("stubs/tests.jinja", cases=cases)
        names = chain(self._test_imports(controller, text), *(case.imports for case in cases))
        imports = _statements(names, file.imported if file else ())
        if file is None:
            yield path, render_template("stubs/test_module.py.jinja", it=controller, imports=imports, body=text)
        else:
            yield path, grow(file, imports, _formatted(text))

    def _missing(self, factory: Factory) -> list[Case]:
        """Return the tests of methods that no file speaks of."""
        cases = Cases(factory).all()
        return [case for case in cases if not speaks_of(self._everything, factory.controller, case.method)]

    def _factory_imports(self, factory: Factory) -> Iterator[Imported]:
        it = factory.controller
        yield Imported(self._package.name, "Database")
        yield Imported(self._package.name, it.create_name)
        yield it.model.reference
        yield from factory.imports

    def _test_imports(self, controller: Controller, text: str) -> Iterator[Imported]:
        yield Imported(self._package.name, "Database")
        if "NotFoundError" in text:
            yield Imported(self._package.name, "NotFoundError")
        for name in (f"new_{controller.module}", f"{controller.module}_values", "present"):
            if f"{name}(" in text:
                yield Imported(f"{self._prefix}{FACTORIES}", name)
        if "explained(" in text:
            yield Imported(f"{self._prefix}{PLANS}", "explained")

    def _has(self, path: str) -> bool:
        return self._tests / path in self._there


def _statements(names: Iterable[Imported], known: Collection[str] = ()) -> list[str]:
    """Return the import statements of what is not known yet, one for each module."""
    modules: dict[str, set[str]] = {}
    for name in names:
        outer = name.name.partition(".")[0]
        if outer not in known:
            modules.setdefault(name.module, set()).add(outer)
    return [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]


def _formatted(text: str) -> str:
    return format_sources({"stub.py": text})["stub.py"]


__all__ = ["StubChanges", "stubs"]
