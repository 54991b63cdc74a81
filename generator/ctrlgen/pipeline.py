"""The way of the data: load, inspect, plan, render, format, and write.

``cli`` calls the three functions in order; ``check`` and ``diff`` leave out the last. The steps between load and write
are imported while the child process loads the models, which takes longer than all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ctrlgen import tracing
from ctrlgen.errors import NewerFormatError, WouldRemoveError
from ctrlgen.finding import Finding, Location
from ctrlgen.header import FORMAT, version_key
from ctrlgen.progress import Step, no_progress
from ctrlgen.settings import Config
from ctrlgen.silencing import Silence
from ctrlgen.tracing import Reads
from ctrlgen.write import Changes, apply, compare, compare_contents

if TYPE_CHECKING:
    from ctrlgen.blueprint import Package
    from ctrlgen.stubs import StubChanges


@dataclass(frozen=True, slots=True)
class Generation:
    """What a run produced, before anything is compared or written.

    ``files`` is path relative to the output folder → text; ``stubs`` the test files to create or to extend, whole;
    ``incomplete`` the reason why models may be missing.
    """

    files: dict[str, str]
    stubs: dict[Path, bytes]
    package: Package
    findings: tuple[Finding, ...]
    incomplete: Finding | None = None
    reads: Reads | None = None
    """What decided all of it, where that is to be recorded."""

    @property
    def origins(self) -> dict[str, Location]:
        """Where the model of each controller is declared, by the path of the controller's module."""
        return {f"{controller.module}.py": controller.model.location for controller in self.package.controllers}


def generate(config: Config, step: Step = no_progress) -> Generation:
    """Generate the package, and the stubs of its tests, in memory; ``step`` is told what is being done.

    Raises
    ------
    CtrlgenError
        The models cannot be loaded, or nothing can be generated from them.
    """
    from ctrlgen import scratch  # what a run that is recalled does without
    from ctrlgen.child import child_process

    if config.cache is not None:
        tracing.start()
    with child_process(config) as child:
        step(child.doing)
        from ctrlgen.format_cache import format_or_recall
        from ctrlgen.header import with_header
        from ctrlgen.plan import plan
        from ctrlgen.render import render
        from ctrlgen.render.templates import compile_templates

        if config.tests is not None:
            import_module("ctrlgen.stubs")
        compile_templates()
        schema = child.schema()  # load, inspect
        reads = child.reads()
    package = plan(schema, config.package, config.options)
    step(lambda: f"writing and formatting {len(package.controllers)} controllers")
    formatted = format_or_recall(render(package), first_party(package), config.output, config.cache)
    files = with_header(formatted)
    if config.tests:
        step(lambda: "looking at the tests")
    tests = _stubs(package, config)
    stale = () if schema.incomplete else tests.findings  # a missing model may come back
    findings = _reported([*package.findings, *stale], package, config, complete=schema.incomplete is None)
    if config.cache is None:
        return Generation(files, tests.files, package, findings, schema.incomplete)
    own = tracing.finish(without=[config.cache, *scratch.created])
    own.unobservable = None  # the programs it started are its own
    return Generation(files, tests.files, package, findings, schema.incomplete, reads | own)


def _reported(findings: list[Finding], package: Package, config: Config, *, complete: bool) -> tuple[Finding, ...]:
    """Return the findings that nothing keeps quiet, and of ``complete`` models what keeps none of them quiet."""
    silence = Silence(config.options.silence, config.project)
    if complete and config.all_models:
        findings += silence.unused(findings, [controller.model.location.file for controller in package.controllers])
    return silence.remaining(findings)


def _stubs(package: Package, config: Config) -> StubChanges:
    from ctrlgen.stubs import StubChanges, stubs

    if config.tests is None:
        return StubChanges({}, ())
    return stubs(package, config.tests, project=config.project, first_party=first_party(package))


def compare_with_disk(generation: Generation, config: Config) -> Changes:
    """Return what the generation would change.

    Raises
    ------
    OutputError
        A file would be overwritten that ctrlgen did not write.
    NewerFormatError
        The files were written by a newer ctrlgen.
    WouldRemoveError
        A controller would be removed only because its module could not be imported.
    """
    changes = compare(generation.files, config.output)
    _refuse_newer(changes, config)
    _refuse_removal(changes, generation.incomplete)
    return changes + compare_contents(generation.stubs)


def write(changes: Changes, config: Config) -> None:
    """Write what changed, all of it or nothing."""
    apply(changes, config.project)


def first_party(package: Package) -> set[str]:
    """Return the modules that are the project's own: of models, own controllers, and the generated package."""
    modules = {controller.model.reference.module for controller in package.controllers} | {package.name}
    return modules | {controller.in_facade.module for controller in package.controllers if controller.own}


def _refuse_newer(changes: Changes, config: Config) -> None:
    newest = max(changes.formats, key=version_key, default=FORMAT)
    if version_key(newest) > version_key(FORMAT):
        folder = config.output.relative_to(config.project).as_posix()
        message = f"`{folder}` was made by ctrlgen {newest}, this is {FORMAT}"
        hint = f"install ctrlgen {newest}; to go back on purpose, delete the folder and generate again"
        raise NewerFormatError(message, hint=hint)


def _refuse_removal(changes: Changes, incomplete: Finding | None) -> None:
    removed = changes.having("removed")
    if incomplete and removed:
        message = f"`{removed[0].file.name}` would be removed, but maybe only because {incomplete.message}"
        raise WouldRemoveError(
            message, incomplete.location, "fix that module, or delete it if its models are to be removed"
        )
