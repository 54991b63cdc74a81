"""Implements ``ctrlgen watch``: generates whenever a source file or the configuration is saved, until Ctrl-C.

The watcher starts before the first generation, so that no change is missed. Changes during a run cause one more run
after it. Files that ctrlgen writes do not cause a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ctrlgen.child_start import warm_up
from ctrlgen.errors import CtrlgenError, InstallationError
from ctrlgen.findings import Finding, shown_path
from ctrlgen.interruption import say_at_interruption
from ctrlgen.linked_sources import LinkedSources
from ctrlgen.pipeline import write
from ctrlgen.report import print_error, print_findings
from ctrlgen.settings import Config
from ctrlgen.source_locations import is_source
from ctrlgen.write import Changes, State

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from watchfiles import Change

    from ctrlgen.cli import Run

_QUIET_TIME = 200  # milliseconds without a change that end a burst of changes
_LONGEST_BURST = 10  # seconds after which a burst is cut off
_SETTINGS = frozenset({"pyproject.toml", "ruff.toml", ".ruff.toml"})
_SHOWN = 3  # files listed on a line

ReadConfig = Callable[[], Config]
StartRun = Callable[[], "AbstractContextManager[Run]"]
Batch = set[tuple["Change", str]]


def watch(read_config: ReadConfig, start_run: StartRun, *, quiet: bool, verbose: bool) -> None:
    """Generate now and after every change, until Ctrl-C ends the process.

    Parameters
    ----------
    read_config
        Reads the configuration. Called before each run.
    start_run
        Runs the pipeline. The block of the context manager writes the changes.

    Raises
    ------
    CtrlgenError
        The configuration is invalid at the start, or watchfiles is not installed.
    """
    if find_spec("watchfiles") is None:
        raise InstallationError("`watchfiles` is not installed", hint="run `pip install 'ctrlgen[watch]'`")
    import watchfiles  # needed only for this command

    runs = _Runs(read_config, start_run, quiet=quiet, verbose=verbose)
    folders = _folders(runs.config)
    links = LinkedSources(folders, _is_watched)
    say_at_interruption("stopped watching")
    batches = watchfiles.watch(
        *folders,
        *links.folders,
        watch_filter=_SourceFilter(runs, folders, links),
        rust_timeout=_QUIET_TIME,
        yield_on_timeout=True,  # yields an empty batch after a quiet time
        ignore_permission_denied=True,  # the folder of a linked file may be one such as `/tmp`
    )
    for burst in _bursts(batches):
        runs.run(sorted({links.path_in_project(Path(path)) for _, path in burst}))


def _folders(config: Config) -> list[Path]:
    """Return the project, and the folders of models outside it, as in a repository of several projects."""
    names = sorted({module.partition(".")[0] for module in config.models})
    roots = (config.project, config.project / "src")
    outside = [
        name for name in names if not any((root / name).is_dir() or (root / f"{name}.py").is_file() for root in roots)
    ]
    return [config.project, *(folder for name in outside for folder in _module_folders(name) if is_source(folder))]


def _module_folders(name: str) -> list[Path]:
    """Return the folders of a package, or that of a module, which is not imported."""
    spec = None
    with suppress(ImportError, ValueError):
        spec = find_spec(name)
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        return []
    folders = spec.submodule_search_locations or [str(Path(spec.origin or "").parent)]
    return [Path(folder).resolve() for folder in folders]


def _bursts(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield an empty burst when the watcher has started, and then each burst of changes once it is over."""
    burst, due, began = Batch(), True, time.monotonic()
    for batch in batches:
        if batch and not burst:
            due, began = True, time.monotonic()
        burst |= batch
        if due and (not batch or time.monotonic() - began > _LONGEST_BURST):
            yield burst
            burst, due = Batch(), False


def _is_watched(file: Path) -> bool:
    return file.suffix in {".py", ".pyi"} or file.name in _SETTINGS


class _SourceFilter:
    """Accepts changes that may affect the models: sources and settings, except files that ctrlgen writes."""

    def __init__(self, runs: _Runs, folders: Sequence[Path], links: LinkedSources) -> None:
        from watchfiles import DefaultFilter

        self._runs, self._folders, self._links, self._usual = runs, folders, links, DefaultFilter()

    def __call__(self, change: Change, path: str) -> bool:
        """Return whether a change may affect the models."""
        file, config = self._links.path_in_project(Path(path)), self._runs.config
        folder = next((folder for folder in self._folders if file.is_relative_to(folder)), None)
        if folder is None or not _is_watched(file):
            return False  # beside a linked file, there are others
        own = (config.output, *([config.tests] if config.tests else []))
        inside = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts[:-1]) or "site-packages" in inside.parts
        is_own = any(file.is_relative_to(folder) for folder in own)
        return not hidden and not is_own and self._usual(change, str(inside))  # the folders above do not matter


class _Runs:
    """Runs the generations. Findings of the previous run are not repeated."""

    def __init__(self, read_config: ReadConfig, start_run: StartRun, *, quiet: bool, verbose: bool) -> None:
        self._read_config, self._start_run, self._quiet, self._verbose = read_config, start_run, quiet, verbose
        self._findings: frozenset[Finding] = frozenset()
        self.config = read_config()

    def run(self, causes: list[Path]) -> None:
        """Generate, and print the changes on one line. Errors are printed, and do not end the watcher."""
        cause = (
            _listed([self._shown(path) for path in causes]) or f"watching {self.config.project}, press Ctrl-C to stop"
        )
        try:
            self.config = self._read_config()
            with self._start_run() as run:
                write(run.changes, run.config)
        except CtrlgenError as error:
            _say(f"{cause}: nothing was written")
            print_error(error)
        else:
            if run.changes.pending or not self._quiet:
                _say(f"{cause}: {self._changed(run.changes)}")
            new = tuple(finding for finding in run.findings if finding not in self._findings)
            self._findings = frozenset(run.findings)
            if not self._quiet:
                print_findings(new, verbose=self._verbose)
        finally:
            warm_up()  # import the libraries before the next change

    def _changed(self, changes: Changes) -> str:
        states: tuple[State, ...] = ("created", "changed", "removed")
        parts = [(state, [self._shown(change.file) for change in changes.having(state)]) for state in states]
        return ", ".join(f"{state} {_listed(files)}" for state, files in parts if files) or "no changes"

    def _shown(self, path: Path) -> str:
        return shown_path(path, self.config.project)


def _say(line: str) -> None:
    typer.echo(f"{time.strftime('%H:%M:%S')} {line}")


def _listed(names: Iterable[str]) -> str:
    """Return the first few names, and the number of the rest."""
    listed = list(names)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
