"""Emits a test module for each controller, and later adds tests for new methods: read, plan, render, merge.

``read_tests`` reads the existing tests. ``plan_factories``, ``plan_rows`` and ``plan_tests`` plan the rows and tests.
``render_tests`` renders the missing sources, and ``merge_tests`` adds them, to factories with ``complete_factories``.
``outdated_tests`` reports outdated tests, and ``stub_names`` has the names that all of them use. Once created, the
files belong to the user: nothing in them is changed, only missing parts are added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ctrlgen.blueprint import Package
from ctrlgen.findings import Finding
from ctrlgen.stubs.merge_tests import merge_tests
from ctrlgen.stubs.outdated_tests import outdated_tests
from ctrlgen.stubs.plan_factories import Factories
from ctrlgen.stubs.read_tests import read_tests
from ctrlgen.stubs.render_tests import StubSources
from ctrlgen.stubs.stub_names import FACTORIES


@dataclass(frozen=True, slots=True)
class StubChanges:
    """The complete files to create or to extend, and the findings."""

    files: dict[Path, bytes]
    findings: tuple[Finding, ...]


def stubs(package: Package, tests: Path, *, project: Path, first_party: Iterable[str] = ()) -> StubChanges:
    """Return the missing tests in a folder of tests.

    Parameters
    ----------
    package
        What is emitted.
    tests
        The folder of the stubs. It is only read.
    project
        The project's folder, for the locations of findings.
    first_party
        The first-party modules, for the order of imports.

    Raises
    ------
    OutputError
        A test file is not valid Python.
    """
    files = read_tests(tests, project)
    factories = Factories(package)
    sources = StubSources(package, factories, tests, files)
    created, added = sources.created(), sources.added()
    merged = merge_tests(created, added, files, tests, {*first_party})
    existing = files.get(tests / f"{FACTORIES}.py")
    written = {function.name: function.source for function in existing.functions} if existing else {}
    completed = {name for addition in added.values() for name in addition.completions}
    outdated = outdated_tests(package, factories, files, project, completed)
    return StubChanges(merged, (*factories.findings(written), *outdated))


__all__ = ["StubChanges", "stubs"]
