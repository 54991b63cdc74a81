"""Runs the pipeline: configuration in, sources out. Writing, checking and diffing are uses of its result."""

from __future__ import annotations

from dataclasses import dataclass

from ctrlgen.config import Config
from ctrlgen.format import format_sources
from ctrlgen.load import load
from ctrlgen.package import Package
from ctrlgen.plan import plan
from ctrlgen.render import render


@dataclass(frozen=True, slots=True)
class Generation:
    """What a run produced, before anything is written: path relative to the output folder → text."""

    files: dict[str, str]
    package: Package


def generate(config: Config) -> Generation:
    """Generate the package in memory.

    Raises
    ------
    CtrlgenError
        The models can not be loaded, or nothing can be generated from them.
    """
    package = plan(load(config), config.package)
    return Generation(format_sources(render(package), first_party(package)), package)


def first_party(package: Package) -> set[str]:
    """Return the top-level packages that are the project's own: those of the models, and the generated one."""
    modules = {controller.model.reference.module for controller in package.controllers} | {package.name}
    return {module.partition(".")[0] for module in modules}
