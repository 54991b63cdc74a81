"""``ctrlgen.generate`` for other tools: build hooks, task runners, editors.

It does what the command does, raises what the command prints, and prints nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctrlgen.errors import LoadError
from ctrlgen.finding import Finding
from ctrlgen.pipeline import compare_with_disk, write
from ctrlgen.pipeline import generate as run_pipeline
from ctrlgen.project_lock import locked
from ctrlgen.settings import Config, Settings, read_config
from ctrlgen.write import Changes, State, unified_diff

__all__ = ["Finding", "Result", "generate"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a generation has changed, or would change.

    Parameters
    ----------
    config
        The configuration that held.
    findings
        The warnings; those that the project silences are left out.
    changes
        Every file, with its content before and after.
    """

    config: Config
    findings: tuple[Finding, ...]
    changes: Changes

    @property
    def is_stale(self) -> bool:
        """Whether a file differed from what the models say."""
        return bool(self.changes.pending)

    @property
    def created(self) -> tuple[Path, ...]:
        """The files that were not there."""
        return self._files("created")

    @property
    def changed(self) -> tuple[Path, ...]:
        """The files that were there with another content."""
        return self._files("changed")

    @property
    def removed(self) -> tuple[Path, ...]:
        """The files that are no longer emitted."""
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
    models: Sequence[str] | None = None,
    output: str | None = None,
    package: str | None = None,
    tests: str | None = None,
    dry_run: bool = False,
) -> Result:
    """Generate the controllers of a project, and return what changed.

    Parameters
    ----------
    project
        The folder whose ``pyproject.toml`` holds; it is not searched for upwards.
    models, output, package, tests
        In place of those settings; folders are relative to the project.
    dry_run
        Write nothing: the result says what would change.

    Raises
    ------
    ctrlgen.errors.CtrlgenError
        A mistake in the configuration or the models, with its place and what to do; nothing was written.
    """
    settings = Settings(tuple(models) if models is not None else None, output, package, tests)
    config = replace(read_config(Path(project), settings), cache=None)  # whose hooks would stay in the caller's process
    with locked(config.project, to_write=not dry_run):
        generation = run_pipeline(config)
        changes = compare_with_disk(generation, config)
        if dry_run and not changes.pending and generation.incomplete:
            message = f"ctrlgen cannot tell whether everything is up to date, because {generation.incomplete.message}"
            raise LoadError(message, generation.incomplete.location, "fix that module")
        if not dry_run:
            write(changes, config)
    return Result(config, generation.findings, changes)
