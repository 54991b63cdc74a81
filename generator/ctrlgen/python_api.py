"""``ctrlgen.generate`` for other tools: build hooks, task runners, editors.

It works like the command, raises the errors that the command prints, and prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctrlgen.errors import LoadError
from ctrlgen.findings import Finding
from ctrlgen.output_formats import TEXT
from ctrlgen.pipeline import compare_with_disk, write
from ctrlgen.pipeline import generate as run_pipeline
from ctrlgen.project_lock import locked
from ctrlgen.report import reported
from ctrlgen.settings import Config, Settings, read_config
from ctrlgen.write import Changes, State, unified_diff

__all__ = ["Finding", "Result", "generate"]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a generation.

    Parameters
    ----------
    config
        The configuration of the run.
    findings
        The warnings that are not silenced.
    changes
        All files, with their contents before and after.
    """

    config: Config
    findings: tuple[Finding, ...]
    changes: Changes

    @property
    def is_stale(self) -> bool:
        """Whether any file did not match the models."""
        return bool(self.changes.pending)

    @property
    def created(self) -> tuple[Path, ...]:
        """The files that are created."""
        return self._files("created")

    @property
    def changed(self) -> tuple[Path, ...]:
        """The files that are changed."""
        return self._files("changed")

    @property
    def removed(self) -> tuple[Path, ...]:
        """The files that are removed."""
        return self._files("removed")

    @property
    def diff(self) -> str:
        """The changes as a unified diff, with paths relative to the project."""
        return unified_diff(self.changes, self.config.project)

    def _files(self, state: State) -> tuple[Path, ...]:
        return tuple(change.file for change in self.changes.having(state))


def generate(
    project: str | Path = ".",
    *,
    models: str | Sequence[str] | None = None,
    output: str | None = None,
    package: str | None = None,
    tests: str | None = None,
    dry_run: bool = False,
) -> Result:
    """Generate the controllers of a project, and return the changes.

    Parameters
    ----------
    project
        The folder with ``pyproject.toml``. Parent folders are not searched.
    models, output, package, tests
        Override the settings of these names. ``models`` is one module or several. Paths are relative to the project.
    dry_run
        Do not write anything. The result has the changes that would be made.

    Raises
    ------
    ctrlgen.errors.CtrlgenError
        The configuration or the models are invalid. The error has a location and a hint, and nothing is written.
    """
    modules = (models,) if isinstance(models, str) else models
    settings = Settings(tuple(modules) if modules is not None else None, output, package, tests)
    with reported(Path(project), TEXT):
        return _generated(read_config(Path(project), settings), dry_run=dry_run)


def _generated(config: Config, *, dry_run: bool) -> Result:
    config = replace(config, cache=None)  # recording would leave hooks in the caller's process
    with locked(config.project, to_write=not dry_run):
        generation = run_pipeline(config)
        changes = compare_with_disk(generation, config)
        if dry_run and not changes.pending and (incomplete := generation.incomplete):
            message = f"ctrlgen cannot determine whether everything is up to date, because {incomplete.message}"
            raise LoadError(message, incomplete.location, "fix that module")
        if not dry_run:
            write(changes, config)
    return Result(config, generation.findings, changes)
