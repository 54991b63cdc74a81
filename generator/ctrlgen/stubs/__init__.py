"""Emits a test module per controller once, and adds tests for new methods later: read, plan, render, merge.

``read_tests`` reads what the user has; ``plan_factories``, ``plan_rows`` and ``plan_tests`` decide which rows and tests
there are to be; ``render_tests`` has the sources of what is missing, and ``merge_tests`` adds them, to factories by
``complete_factories``. ``outdated_tests`` reports what no longer fits, and ``stub_names`` has the names that all of
them use. From the moment they exist the files are the user's: nothing in them is changed, and only what is missing is
added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ctrlgen.blueprint import Package
from ctrlgen.finding import Finding
from ctrlgen.stubs.merge_tests import merge_tests
from ctrlgen.stubs.outdated_tests import outdated_tests
from ctrlgen.stubs.plan_factories import Factories
from ctrlgen.stubs.read_tests import read_tests
from ctrlgen.stubs.render_tests import StubSources
from ctrlgen.stubs.stub_names import FACTORIES


@dataclass(frozen=True, slots=True)
class StubChanges:
    """The files to create or to add to, whole, and what the author should know."""

    files: dict[Path, bytes]
    findings: tuple[Finding, ...]


def stubs(package: Package, tests: Path, *, project: Path, first_party: Iterable[str] = ()) -> StubChanges:
    """Return what is missing in a folder of tests.

    Parameters
    ----------
    package
        What is emitted.
    tests
        The folder of the stubs; read, never written.
    project
        The project's folder, for the places in findings.
    first_party
        Modules of the project's own, for the order of imports.

    Raises
    ------
    OutputError
        A test file is no valid Python.
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
