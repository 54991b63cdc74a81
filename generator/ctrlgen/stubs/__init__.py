"""Emits a test module per controller once, and adds tests for new methods later.

``values`` chooses valid values, ``factories`` and ``cases`` plan what is written, ``existing`` reads what the user
has, ``growth`` adds to it. From the moment they exist the files are the user's: nothing in them is ever changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ctrlgen.format import format_sources
from ctrlgen.package import Controller, Package
from ctrlgen.render.engine import render_template
from ctrlgen.schema import Finding, Imported, Location
from ctrlgen.stubs.cases import Cases
from ctrlgen.stubs.existing import TestFile, read_test_file, speaks_of
from ctrlgen.stubs.factories import Factories, Factory
from ctrlgen.stubs.growth import grow

_DERIVED = ("get_", "update_by_", "delete_", "upsert_", "find_by_", "load_")


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
    there = {file: read_test_file(file, project) for file in sorted(tests.glob("*.py"))}
    writer = _Writer(package, tests, there)
    sources = dict(writer.files())
    created = {path: text for path, text in sources.items() if tests / path not in there}
    formatted = format_sources(created, {*first_party, "factories"}) if created else {}
    gone = chain.from_iterable(_gone(controller, tests, there, project) for controller in package.controllers)
    files = {tests / path: text for path, text in (sources | formatted).items()}
    return StubChanges(files, (*writer.factories.findings(), *gone))


class _Writer:
    """Writes what is missing."""

    def __init__(self, package: Package, tests: Path, there: dict[Path, TestFile]) -> None:
        self.factories = Factories(package)
        self._package = package
        self._tests = tests
        self._there = there
        packaged = any((folder / "__init__.py").exists() for folder in (tests, tests.parent))
        self._factories_module = ".factories" if packaged else "factories"
        self._everything = "\n".join(file.text for file in there.values())

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield path and text of every file to create or grow."""
        if self._factories_module.startswith(".") and not self._has("__init__.py"):
            yield "__init__.py", '"""Tests of the generated controllers."""\n'
        if not self._has("conftest.py"):
            yield "conftest.py", render_template("stubs/conftest.py.jinja", package=self._package, **self._metadata())
        yield from self._factories()
        for factory in self.factories.all():
            yield from self._tests_of(factory)

    def _factories(self) -> Iterator[tuple[str, str]]:
        file = self._there.get(self._tests / "factories.py")
        known = {name for name, _ in file.functions} if file else set[str]()
        missing = [factory for factory in self.factories.all() if f"new_{factory.controller.module}" not in known]
        if not missing:
            return
        text = render_template("stubs/factories.jinja", factories=missing)
        imports = _statements(name for factory in missing for name in self._factory_imports(factory))
        if file is None:
            yield "factories.py", render_template("stubs/factories.py.jinja", imports=imports, body=text)
        else:
            yield "factories.py", grow(file, _new(imports, file), _formatted(text))

    def _tests_of(self, factory: Factory) -> Iterator[tuple[str, str]]:
        controller = factory.controller
        path = f"test_{controller.module}.py"
        file = self._there.get(self._tests / path)
        cases = [case for case in Cases(controller).all() if not speaks_of(self._everything, controller, case.method)]
        if not cases:
            return
        text = render_template("stubs/tests.jinja", cases=cases)
        imports = _statements(chain(self._test_imports(controller, text), *(case.imports for case in cases)))
        if file is None:
            yield path, render_template("stubs/test_module.py.jinja", it=controller, imports=imports, body=text)
        else:
            yield path, grow(file, _new(imports, file), _formatted(text))

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
                yield Imported(self._factories_module, name)

    def _metadata(self) -> dict[str, object]:
        models = [controller.model.reference for controller in self._package.controllers]
        return {"models": models}

    def _has(self, path: str) -> bool:
        return self._tests / path in self._there


def _statements(names: Iterable[Imported]) -> list[str]:
    return sorted({f"from {name.module} import {name.name.partition('.')[0]}" for name in names})


def _new(statements: Sequence[str], file: TestFile) -> list[str]:
    return [line for line in statements if line.rpartition(" ")[2] not in file.imported]


def _formatted(text: str) -> str:
    return format_sources({"stub.py": text})["stub.py"]


def _gone(controller: Controller, tests: Path, there: dict[Path, TestFile], project: Path) -> Iterator[Finding]:
    """Yield the tests of methods that are no longer emitted; deleting them is the user's business."""
    file = tests / f"test_{controller.module}.py"
    if file not in there:
        return
    emitted = {method.name for method in controller.methods} | {"update_where"}
    for name, line in there[file].functions:
        method = name.removeprefix("test_")
        if method.startswith(_DERIVED) and method not in emitted and speaks_of(there[file].text, controller, method):
            place = file.relative_to(project).as_posix() if file.is_relative_to(project) else file.as_posix()
            message = f"`{name}` tests `db.{controller.module}.{method}`, which is no longer emitted"
            yield Finding(Location(place, line), "CG302", message)


__all__ = ["StubChanges", "stubs"]
