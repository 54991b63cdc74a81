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
    return Generation(format_sources(render(package)), package)
