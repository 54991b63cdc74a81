"""The record of a run: its inputs, its findings, and the files that it left up to date.

While none of these has changed, ``generate``, ``check`` and ``diff`` answer from the record, without importing the
models, SQLModel or the steps of the pipeline. ``cli`` reads and writes it. A run is recorded only if all its inputs are
known: all models were imported, nothing changed during the run, no program was started and no connection opened.
"""

from __future__ import annotations

import json
import os
import re
import sys
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ctrlgen.cache_folder import NAME, VARIABLE, keep
from ctrlgen.file_states import States, UnsettledError, states_of
from ctrlgen.tracing import digest

if TYPE_CHECKING:
    from ctrlgen.findings import Finding
    from ctrlgen.pipeline import Generation
    from ctrlgen.settings import Config
    from ctrlgen.write import Changes

_PREFIX = "run-"
_SETTING = re.compile(r"""^cache_dir\s*=\s*(["'])(.+?)\1""", re.MULTILINE)

Content = dict[str, object]
"""The content of a record file: ``key``, ``states``, ``findings``, ``printed`` and ``files``."""


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A recorded run without changes: its findings, the output of the models, and the files that are up to date."""

    findings: tuple[Finding, ...]
    printed: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """The path of a record, and the key that it must have to be valid for this run."""

    place: Path
    key: list[str]

    @classmethod
    def of(cls, config: Config) -> Record | None:
        """Return the place of the record of this configuration, or None if runs are not recorded."""
        if config.cache is None:
            return None
        path = sys.path if sys.flags.safe_path else sys.path[1:]  # without the folder of the script
        key = [repr(replace(config, cache=None)), sys.version, sys.executable, *path, str(sys.flags.optimize)]
        return cls(config.cache / f"{_PREFIX}{zlib.crc32(repr(key).encode()):08x}.json", key)

    def recall(self) -> KnownRun | None:
        """Return the recorded run, if it is still valid."""
        content = _read(self.place)
        if content is None or content["key"] != self.key:
            return None
        with suppress(TypeError, ValueError, KeyError, AttributeError):  # not written by ctrlgen
            states = _states(content)
            if (updated := states.updated()) is not None:
                known_run = _known_run(content)
                if updated != states:
                    self._keep(content | {"states": _plain(updated)})
                return known_run
        return None

    def remember(self, generation: Generation, changes: Changes, output: Path) -> None:
        """Record a run whose files are all up to date, if all its inputs are known."""
        from ctrlgen.header import has_header  # not needed by guesses_recorded
        from ctrlgen.write import python_files

        reads = generation.reads
        files = [change for change in changes.files if change.after is not None]
        tests = [change for change in files if not change.file.is_relative_to(output)]
        if generation.incomplete or reads is None or reads.unobservable or any(test.is_pending for test in tests):
            return  # the next run reads the tests that this run extended
        written = {
            str(change.file): digest((change.after if change.is_pending else change.before) or b"")
            for change in files
            if change.file.is_relative_to(output)
        }
        reads.files.update((str(file), True) for file in python_files(output) if str(file) not in written)
        with suppress(UnsettledError, OSError):
            states = states_of(reads, written, [str(output), str(output / "runtime")])
            if any(has_header(file) for file in python_files(output) if str(file) not in written):
                return
            content: Content = {"key": self.key, "states": _plain(states), "printed": reads.printed}
            content["findings"] = [astuple(finding) for finding in generation.findings]
            self._keep(content | {"files": [str(change.file) for change in files]})

    def _keep(self, content: Content) -> None:
        keep(self.place, json.dumps(content, separators=(",", ":")))


def looks_unchanged(arguments: Sequence[str]) -> bool:
    """Guess whether the command can be answered from a record, so that the child process need not be started.

    The guess is made before the configuration is read. If it is wrong, the command only takes longer.
    """
    if "--no-cache" in arguments:
        return False
    with suppress(OSError, TypeError, ValueError, KeyError, AttributeError):
        records = _cache_folder(arguments).glob(f"{_PREFIX}*.json")
        content = _read(max(records, key=lambda file: file.stat().st_mtime))
        return content is not None and _states(content).look_unchanged()
    return False


def _cache_folder(arguments: Sequence[str]) -> Path:
    """Return the cache folder that the arguments, the environment or the project most likely select."""
    options = dict(pairwise([*arguments, ""]))
    options |= dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    if named := options.get("--cache-dir") or os.environ.get(VARIABLE):
        return Path(named)
    start = Path(options.get("--project", ".")).absolute()
    for folder in (start, *start.parents):
        if (folder / NAME).is_dir():
            return folder / NAME
        file = folder / "pyproject.toml"
        if file.is_file() and (setting := _SETTING.search(file.read_text("utf-8"))):
            return folder / setting[2]
    return start / NAME


def _read(place: Path) -> Content | None:
    try:
        content: object = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return cast("Content", content) if isinstance(content, dict) else None


def _states(content: Content) -> States:
    return States(**cast("dict[str, Any]", content["states"]))


def _plain(states: States) -> dict[str, object]:
    return {field.name: getattr(states, field.name) for field in fields(states)}


def _known_run(content: Content) -> KnownRun:
    from ctrlgen.findings import Finding, Location  # not needed for the guess

    findings = cast("list[tuple[tuple[str, int], *tuple[Any, ...]]]", content["findings"])
    return KnownRun(
        tuple(Finding(Location(*place), *rest) for place, *rest in findings),
        cast("str", content["printed"]),
        tuple(map(Path, cast("list[str]", content["files"]))),
    )
