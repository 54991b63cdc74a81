"""The pipeline: load, inspect, plan, render, format, and write.

``cli`` calls the three functions in order; ``check`` and ``diff`` do not call the last. The steps between load and
write are imported while the child process loads the models, which takes longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ctrlgen import tracing
from ctrlgen.errors import NewerFormatError, WouldRemoveError
from ctrlgen.findings import Finding, Location
from ctrlgen.progress import Step, no_progress
from ctrlgen.settings import Config
from ctrlgen.silencing import Silence
from ctrlgen.tracing import Reads
from ctrlgen.write import FORMAT, Changes, apply, compare, compare_contents, version_key

if TYPE_CHECKING:
    from ctrlgen.blueprint import Package
    from ctrlgen.stubs import StubChanges


@dataclass(frozen=True, slots=True)
class Generation:
    """The result of a run, before it is compared with the disk or written.

    ``files`` maps paths relative to the output folder to sources. ``stubs`` are the complete test files to create or to
    extend. ``incomplete`` is the reason why models may be missing.
    """

    files: dict[str, str]
    stubs: dict[Path, bytes]
    package: Package
    findings: tuple[Finding, ...]
    incomplete: Finding | None = None
    reads: Reads | None = None
    """The inputs of the run, or None if the run is not recorded."""

    @property
    def origins(self) -> dict[str, Location]:
        """The location of each model, by the path of its controller's module, and of its tests."""
        controllers = self.package.controllers
        origins = {f"{controller.module}.py": controller.model.location for controller in controllers}
        if self.stubs:
            from ctrlgen.stubs.stub_names import test_file  # imported already if there are any stubs

            origins |= {test_file(controller): controller.model.location for controller in controllers}
        return origins


def generate(config: Config, step: Step = no_progress) -> Generation:
    """Generate the package and its test stubs in memory. ``step`` is called with a description of each step.

    Raises
    ------
    CtrlgenError
        The models cannot be loaded, or no controllers can be generated from them.
    """
    from ctrlgen import scratch  # not needed for a recorded run
    from ctrlgen.child import child_process

    if config.cache is not None:
        tracing.start()
    with child_process(config, with_samples=config.tests is not None) as child:
        step(child.current_step)
        from ctrlgen.format import format_or_recall
        from ctrlgen.plan import plan
        from ctrlgen.render import render
        from ctrlgen.render.templates import compile_templates
        from ctrlgen.write import with_header

        if config.tests is not None:
            import_module("ctrlgen.stubs")
        compile_templates()
        schema = child.schema()  # load, inspect
        reads = child.reads()
    package = plan(schema, config.package, config.options)
    if config.options.controllers:
        from ctrlgen.own_controllers import check_own_controllers  # few projects have them

        check_own_controllers(package, config.project)
    step(lambda: f"writing and formatting {len(package.controllers)} controllers")
    formatted = format_or_recall(render(package), first_party(package), config.output, config.cache)
    files = with_header(formatted)
    if config.tests:
        step(lambda: "reading the tests")
    tests = _stubs(package, config)
    stale = () if schema.incomplete else tests.findings  # a missing model may only be temporarily missing
    findings = _reported([*package.findings, *stale], package, config, complete=schema.incomplete is None)
    if config.cache is None:
        return Generation(files, tests.files, package, findings, schema.incomplete)
    own = tracing.finish(without=[config.cache, *scratch.created])
    own.unobservable = None  # programs started by ctrlgen itself do not count
    return Generation(files, tests.files, package, findings, schema.incomplete, reads | own)


def _reported(findings: list[Finding], package: Package, config: Config, *, complete: bool) -> tuple[Finding, ...]:
    """Return the findings that are not silenced, and, if the models are ``complete``, findings for unused silences."""
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
    """Return the changes that the generation would make on disk.

    Raises
    ------
    OutputError
        A file that ctrlgen did not write would be overwritten.
    NewerFormatError
        The files were written by a newer version of ctrlgen.
    WouldRemoveError
        A controller would be removed, possibly only because a module of models cannot be imported.
    """
    changes = compare(generation.files, config.output)
    _refuse_newer(changes, config)
    _refuse_removal(changes, generation.incomplete)
    return changes + compare_contents(generation.stubs)


def write(changes: Changes, config: Config) -> None:
    """Write the changes, all or none."""
    apply(changes, config.project)


def first_party(package: Package) -> set[str]:
    """Return the first-party modules: those of models, of the project's own controllers, and the generated package."""
    modules = {controller.model.reference.module for controller in package.controllers} | {package.name}
    return modules | {controller.in_facade.module for controller in package.controllers if controller.own}


def _refuse_newer(changes: Changes, config: Config) -> None:
    newest = max(changes.formats, key=version_key, default=FORMAT)
    if version_key(newest) > version_key(FORMAT):
        folder = config.output.relative_to(config.project).as_posix()
        message = f"`{folder}` was generated by ctrlgen {newest}, and this is {FORMAT}"
        hint = f"install ctrlgen {newest}; to downgrade on purpose, delete the folder and generate again"
        raise NewerFormatError(message, hint=hint)


def _refuse_removal(changes: Changes, incomplete: Finding | None) -> None:
    removed = changes.having("removed")
    if incomplete and removed:
        message = f"`{removed[0].file.name}` would be removed, possibly only because {incomplete.message}"
        raise WouldRemoveError(
            message, incomplete.location, "fix that module, or delete it if its models were removed on purpose"
        )
