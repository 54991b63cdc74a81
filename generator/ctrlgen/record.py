"""The record of a run: its inputs, its findings, and the files that it left up to date.

While none of these has changed, ``generate``, ``check`` and ``diff`` answer from the record, without importing the
models, SQLModel or the steps of the pipeline. ``cli`` reads and writes it. A run is recorded only if all its inputs are
known: all models were imported, nothing changed during the run, no program was started and no connection opened.

Files are compared by content, which is not read again if size and times are unchanged. This shortcut is safe: times are
stored only for files last changed before the run began, so every later change has a later time. Files of libraries,
which are not edited, are compared only by size and times.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ctrlgen.cache_folder import NAME, VARIABLE, keep, read_json
from ctrlgen.table_modules import declares_table
from ctrlgen.tracing import Reads, digest, listing

if TYPE_CHECKING:
    from ctrlgen.findings import Finding
    from ctrlgen.pipeline import Generation
    from ctrlgen.settings import Config
    from ctrlgen.write import Changes

BEGAN = time.time_ns()
"""The start of this process. A file older than this is unchanged as long as its times are."""

Status = list[int]
"""The times of the last modification of content and status, and the size."""

State = list[Status | str | None]
"""The status, if it is conclusive, and the digest, except for libraries. Both are None for a missing file."""

_PREFIX = "run-"
_TICK = 20_000_000  # nanoseconds by which file times may lag behind the clock
_SECOND = 1_000_000_000
_VOLATILE = frozenset({"_", "OLDPWD", "PWD", "SHLVL"})
_FOR_EVERY_PYTHON = ("LANG", "LC_", "PYTHON", "TZ")
_LIBRARIES = tuple({f"{Path(folder)}{os.sep}" for folder in (sys.prefix, sys.base_prefix, Path(os.__file__).parent)})
_INSTALLED = ("/site-packages/", "/dist-packages/")
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
        content = read_json(self.place)
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
        from ctrlgen.write import (
            has_header,  # not needed by guesses_recorded
            python_files,
        )

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
    """Guess whether the command can be answered from a record, so that the child process does not have to be started.

    The guess is made before the configuration is read. If it is wrong, the command only takes longer.
    """
    if "--no-cache" in arguments:
        return False
    with suppress(OSError, TypeError, ValueError, KeyError, AttributeError):
        records = _cache_folder(arguments).glob(f"{_PREFIX}*.json")
        content = read_json(max(records, key=lambda file: file.stat().st_mtime))
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


# The states of files, folders and environment variables.


class UnsettledError(Exception):
    """Something changed while it was read, so its state cannot be determined."""


@dataclass(frozen=True, slots=True)
class States:
    """The state of all inputs and outputs of a run, as plain data for JSON.

    ``files`` are compared by content, ``searched`` are files that declare no table, ``modules`` and ``names`` map
    folders to digests of their listings.
    """

    files: Mapping[str, State]
    searched: Mapping[str, State]
    modules: Mapping[str, State]
    names: Mapping[str, State]
    presence: Mapping[str, bool]
    variables: list[str] | None
    environment: str

    def look_unchanged(self) -> bool:
        """Return whether size and times are unchanged."""
        folders = (self.files, self.searched, self.modules, self.names)
        states = (item for states in folders for item in states.items())
        return all(state[0] is None or state[0] == _status(path) for path, state in states)

    def updated(self) -> States | None:
        """Return these states, with times if these are conclusive by now; None if anything changed."""
        if any(os.path.exists(path) != present for path, present in self.presence.items()):
            return None
        if environment_digest(self.variables) != self.environment:
            return None
        files = _updated(self.files, _same_content)
        searched = _updated(self.searched, _still_without_table)
        modules = _updated(self.modules, _same_modules)
        names = _updated(self.names, _same_names)
        if files is None or searched is None or modules is None or names is None:
            return None
        return replace(self, files=files, searched=searched, modules=modules, names=names)


def _updated(states: Mapping[str, State], is_same: Callable[[str, State], bool]) -> Mapping[str, State] | None:
    """Return the same mapping if all times are unchanged."""
    newer: dict[str, State] = {}
    for path, state in states.items():
        if state[0] is None or state[0] != _status(path):
            if not is_same(path, state):
                return None
            newer[path] = [_settled_status(path), state[1]]
    newer = {path: state for path, state in newer.items() if state != states[path]}
    return {**states, **newer} if newer else states


def states_of(reads: Reads, written: Mapping[str, str], folders: Iterable[str]) -> States:
    """Return the states of everything that was read, and of written files and their folders.

    Raises
    ------
    UnsettledError
        Something may have changed since it was read.
    """
    files = {path: _state_read(path, present=present) for path, present in reads.files.items()}
    for path, present in reads.presence.items():
        _require(os.path.exists(path) == present, path)
    environment = None if reads.whole_environment else sorted({*reads.variables})
    return States(
        files=files
        | {path: [_settled_status(path), content] for path, content in written.items() if path not in files},
        searched={path: _state_searched(path) for path in reads.searched},
        modules={path: _state_listed(path, listed, modules_only=True) for path, listed in reads.modules.items()},
        names={path: _state_listed(path, listed, modules_only=False) for path, listed in reads.names.items()}
        | {path: [_settled_status(path), listing(path, modules_only=False)] for path in folders},
        presence=reads.presence,
        variables=environment,
        environment=environment_digest(environment),
    )


def environment_digest(variables: Iterable[str] | None) -> str:
    """Return the digest of environment variables (None for all), and of those that affect every Python process."""
    environment = dict(os.environ)
    names = environment.keys() - _VOLATILE if variables is None else {*variables}
    names |= {name for name in environment if name.startswith(_FOR_EVERY_PYTHON)}
    values = [f"{name}={environment[name]}" if name in environment else name for name in sorted(names)]
    return digest("\0".join(values).encode("utf-8", "surrogateescape"))


def _require(settled: bool, path: str) -> None:
    if not settled:
        raise UnsettledError(path)


def _state_read(path: str, *, present: bool) -> State:
    if not present or not os.path.exists(path):
        _require(not present and not os.path.exists(path), path)
        return [None, None]
    if path.startswith(_LIBRARIES) or any(folder in path for folder in _INSTALLED):
        content = None
    else:
        content = _content_digest(path)
    status = _settled_status(path)  # after the content was read, which therefore has not changed since the start
    _require(status is not None, path)
    return [status, content]


def _state_searched(path: str) -> State:
    _require(not _declares_table(path), path)
    return [_settled_status(path), ""]


def _state_listed(path: str, listed: str, *, modules_only: bool) -> State:
    _require(listing(path, modules_only=modules_only) == listed, path)
    return [_settled_status(path), listed]


def _status(path: str) -> Status | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size]


def _settled_status(path: str) -> Status | None:
    """Return the status if every later change would alter it."""
    status = _status(path)
    if status is None:
        return None
    is_coarse = status[0] % _SECOND == status[1] % _SECOND == 0  # a file system with a resolution of seconds
    return status if status[1] < BEGAN - (2 * _SECOND if is_coarse else _TICK) else None


def _content_digest(path: str) -> str:
    """Return the digest of a file, or the kind of anything else, such as a folder or a pipe."""
    try:
        return digest(Path(path).read_bytes()) if Path(path).is_file() else "no file"
    except OSError as error:
        return type(error).__name__


def _same_content(path: str, state: State) -> bool:
    if not os.path.exists(path) or state == [None, None]:
        return not os.path.exists(path) and state == [None, None]
    return state[1] is not None and _content_digest(path) == state[1]


def _declares_table(path: str) -> bool:
    try:
        return declares_table(Path(path).read_bytes())
    except OSError:
        return True  # unreadable, and therefore changed


def _still_without_table(path: str, _state: State) -> bool:
    return not _declares_table(path)


def _same_modules(path: str, state: State) -> bool:
    return listing(path, modules_only=True) == state[1]


def _same_names(path: str, state: State) -> bool:
    return listing(path, modules_only=False) == state[1]
