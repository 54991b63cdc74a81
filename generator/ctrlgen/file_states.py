"""Stores the state of files, folders and environment variables, and detects changes.

``record`` uses it for everything that a run read and wrote. Files are compared by content, which is not read again if
size and times are unchanged. This shortcut is safe: times are stored only for files last changed before the run began,
so every later change has a later time. Files of libraries, which are not edited, are compared only by size and times.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ctrlgen.table_declarations import declares_table
from ctrlgen.tracing import Reads, digest, listing

BEGAN = time.time_ns()
"""The start of this process. A file older than this is unchanged as long as its times are."""

Status = list[int]
"""The times of the last modification of content and status, and the size."""

State = list[Status | str | None]
"""The status, if it is conclusive, and the digest, except for libraries. Both are None for a missing file."""

_TICK = 20_000_000  # nanoseconds by which file times may lag behind the clock
_SECOND = 1_000_000_000
_VOLATILE = frozenset({"_", "OLDPWD", "PWD", "SHLVL"})
_FOR_EVERY_PYTHON = ("LANG", "LC_", "PYTHON", "TZ")
_LIBRARIES = tuple({f"{Path(folder)}{os.sep}" for folder in (sys.prefix, sys.base_prefix, Path(os.__file__).parent)})
_INSTALLED = ("/site-packages/", "/dist-packages/")


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
        """Return these states, with times where they are conclusive by now; None if anything has changed."""
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
