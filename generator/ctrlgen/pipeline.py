"""Runs the pipeline: configuration in, sources out. Writing, checking and diffing are uses of its result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctrlgen.config import Config
from ctrlgen.format import format_sources
from ctrlgen.load import load
from ctrlgen.package import Package
from ctrlgen.plan import plan
from ctrlgen.render import render
from ctrlgen.schema import Finding
from ctrlgen.stubs import stubs


@dataclass(frozen=True, slots=True)
class Generation:
    """What a run produced, before anything is written.

    ``files`` is path relative to the output folder → text; ``stubs`` the test files to create or to grow, whole.
    """

    files: dict[str, str]
    stubs: dict[Path, bytes]
    package: Package
    findings: tuple[Finding, ...]


def generate(config: Config) -> Generation:
    """Generate the package in memory.

    Raises
    ------
    CtrlgenError
        The models can not be loaded, or nothing can be generated from them.
    """
    package = plan(load(config), config.package, config.options)
    ours = first_party(package)
    files = format_sources(render(package), ours)
    if config.tests is None:
        return Generation(files, {}, package, package.findings)
    changes = stubs(package, config.tests, project=config.project, first_party=ours)
    failed = any(finding.code == "CG201" for finding in package.findings)  # what is gone may come back
    return Generation(files, changes.files, package, package.findings + (() if failed else changes.findings))


def first_party(package: Package) -> set[str]:
    """Return the top-level packages that are the project's own: those of the models, and the generated one."""
    modules = {controller.model.reference.module for controller in package.controllers} | {package.name}
    return {module.partition(".")[0] for module in modules}
