"""Records the inputs of a process: files, folders, environment variables, and whether there are unobservable ones.

``pipeline`` traces the steps of a run, and ``child`` the import of the models, including everything that user code
does. ``record`` stores the result as the inputs of the run. Audit events of Python report all files opened and folders
listed. ``os.stat`` and ``os.environ``, which have no audit events, are replaced by versions that report.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

_IMPORT_SYSTEM = "<frozen importlib._bootstrap_external>"
_LEFT_OUT = frozenset({"__pycache__", ".ctrlgen_cache"})
_MODULE_SUFFIXES = (".py", ".pyc", ".so")
_OF_THE_MACHINE = ("/dev/", "/proc/", "/sys/")
_BEYOND_OBSERVATION = {
    "os.exec": "starts a program",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.posix_spawn": "starts a program",
    "os.system": "starts a program",
    "socket.connect": "connects to a server",
    "sqlite3.connect": "opens a database",
    "subprocess.Popen": "starts a program",
}


@dataclass(slots=True)
class Reads:
    """The inputs of a process, by absolute paths.

    Parameters
    ----------
    files
        The files that were opened, and whether they existed.
    modules
        The folders searched for modules, with the digests of the module names.
    names
        The other folders that were listed, with the digests of all names.
    searched
        Files that were searched only for declarations of tables, without a match.
    presence
        Other paths that were checked, and whether they existed.
    variables
        The environment variables that were read.
    whole_environment
        Whether the whole environment was read.
    unobservable
        An operation whose inputs cannot be recorded, if any.
    printed
        The output.
    """

    files: dict[str, bool] = field(default_factory=dict[str, bool])
    modules: dict[str, str] = field(default_factory=dict[str, str])
    names: dict[str, str] = field(default_factory=dict[str, str])
    searched: list[str] = field(default_factory=list[str])
    presence: dict[str, bool] = field(default_factory=dict[str, bool])
    variables: list[str] = field(default_factory=list[str])
    whole_environment: bool = False
    unobservable: str | None = None
    printed: str = ""

    def __or__(self, other: Reads) -> Reads:
        """Return the inputs of both. The first of two observations counts."""
        return Reads(
            other.files | self.files,
            other.modules | self.modules,
            other.names | self.names,
            [*self.searched, *other.searched],
            other.presence | self.presence,
            [*self.variables, *other.variables],
            self.whole_environment or other.whole_environment,
            self.unobservable or other.unobservable,
            self.printed + other.printed,
        )

    def to_json(self) -> str:
        """Return the inputs as a JSON string."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Reads:
        """Return the inputs from the result of :meth:`to_json`."""
        return cls(**cast("dict[str, Any]", json.loads(text)))


def listing(folder: str, *, modules_only: bool) -> str:
    """Return a digest of the names in a folder, either of modules only or of everything."""
    with unobserved():
        try:
            names = os.listdir(folder)
        except OSError as error:
            return type(error).__name__
    kept = (name for name in names if name not in _LEFT_OUT and (_is_importable(name) or not modules_only))
    return digest("\0".join(sorted(kept)).encode("utf-8", "surrogateescape"))


def _is_importable(name: str) -> bool:
    stem, dot, _ = name.partition(".")
    return stem.isidentifier() and (not dot or name.endswith(_MODULE_SUFFIXES))


def digest(content: bytes) -> str:
    """Return the digest of a content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


# Observing.


class _Observer(threading.local):
    """The state of the current thread. Operations of the observation itself are not observed."""

    busy = False


_observer = _Observer()
_reads: Reads | None = None
_is_installed = False


def start() -> None:
    """Start the observation of this process."""
    global _reads, _is_installed  # noqa: PLW0603 - audit hooks belong to the process, and cannot be removed
    _reads = Reads()
    if not _is_installed:
        _is_installed = True
        sys.addaudithook(_on_event)
        _observe_environment()
        _observe_stat()


def finish(*, without: Collection[str | Path] = ()) -> Reads:
    """End the observation, and return the inputs, including all modules and excluding certain folders."""
    global _reads
    reads, _reads = _reads or Reads(), None
    for folder in sys.path:
        _note_modules(reads, os.path.abspath(folder or os.getcwd()))
    for file in _module_files():
        reads.files.setdefault(file, True)
    ignored = (*_OF_THE_MACHINE, *(f"{folder}{os.sep}" for folder in without), *(f"{folder}\0" for folder in without))
    for paths in (reads.files, reads.modules, reads.names, reads.presence):
        for path in [path for path in paths if f"{path}\0".startswith(ignored)]:
            del paths[path]
    for path in [path for path in reads.presence if path in reads.files]:
        del reads.presence[path]
    reads.searched = [path for path in reads.searched if path not in reads.files]
    return reads


def note_file(path: str | Path) -> None:
    """Record that a program started by ctrlgen reads a file."""
    if _reads is not None:
        _reads.files.setdefault(os.path.abspath(path), os.path.exists(path))


def note_folder(folder: str | Path) -> None:
    """Record that a folder is searched for modules."""
    if _reads is not None:
        _note_modules(_reads, os.path.abspath(folder))


def note_search(file: str | Path) -> None:
    """Record that a file was searched for declarations of tables, without a match."""
    if _reads is not None:
        _reads.searched.append(os.path.abspath(file))


@contextmanager
def unobserved() -> Generator[None]:
    """Suspend the observation, for operations that are recorded otherwise or do not affect the result."""
    before, _observer.busy = _observer.busy, True
    try:
        yield
    finally:
        _observer.busy = before


class ObservedStream(io.TextIOWrapper):
    """A replacement of a standard stream that records the output."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream.buffer, stream.encoding, stream.errors, line_buffering=True, write_through=True)

    def write(self, text: str, /) -> int:
        """Write and record a string."""
        if _reads is not None:
            _reads.printed += text
        return super().write(text)


def _module_files() -> Iterator[str]:
    for module in [*sys.modules.values()]:
        file: object = getattr(module, "__dict__", {}).get(
            "__file__"
        )  # without attribute access, because modules may be lazy
        if isinstance(file, str):
            yield os.path.abspath(file)


def _on_event(event: str, arguments: tuple[object, ...]) -> None:
    if _reads is None or event not in _EVENTS or _observer.busy:
        return
    with unobserved():
        try:
            _EVENTS[event](_reads, event, *arguments)
        except Exception as error:  # noqa: BLE001 - the observed operation must go on
            _reads.unobservable = f"{event}: {error!r}"


def _note_open(reads: Reads, _event: str, path: object, _mode: object, flags: object) -> None:
    name = _absolute(path)
    if name is None or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_TRUNC | os.O_EXCL)):
        return
    folder, file = os.path.split(name)
    if os.path.basename(folder) == "__pycache__":
        name = os.path.join(os.path.dirname(folder), f"{file.partition('.')[0]}.py")
    if name not in reads.files:
        reads.files[name] = _exists(name)


def _note_listing(reads: Reads, _event: str, path: object = None) -> None:
    name = _absolute(path)
    if name is None:
        return
    caller = sys._getframe(3)  # pyright: ignore[reportPrivateUsage] - below this one and the hook
    if caller.f_code.co_filename == _IMPORT_SYSTEM:
        _note_modules(reads, name)
    elif name not in reads.names:
        reads.names[name] = listing(name, modules_only=False)


def _note_modules(reads: Reads, folder: str) -> None:
    if folder not in reads.modules:
        reads.modules[folder] = listing(folder, modules_only=True)


def _note_unobservable(reads: Reads, event: str, *_: object) -> None:
    reads.unobservable = _BEYOND_OBSERVATION[event]


_EVENTS: Mapping[str, Callable[..., None]] = {
    "open": _note_open,
    "os.listdir": _note_listing,
    "os.scandir": _note_listing,
    **dict.fromkeys(_BEYOND_OBSERVATION, _note_unobservable),
}


def _absolute(path: object) -> str | None:
    """Return an absolute path; None for a file descriptor."""
    if path is None:
        return os.getcwd()
    if isinstance(path, str | bytes | os.PathLike):
        return os.path.abspath(os.fsdecode(cast("str | bytes | os.PathLike[str]", path)))
    return None


def _observe_stat() -> None:
    observed = _ObservedStat(os.stat)
    setattr(os, "stat", observed)  # noqa: B010 - its type is that of a function
    for functions in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        functions.add(observed)


class _ObservedStat:
    """``os.stat`` with a record of the path. It is not a function, because it must not bind as a class attribute."""

    def __init__(self, stat: Callable[..., os.stat_result]) -> None:
        self._stat = stat
        self.__name__ = "stat"
        self.__doc__ = stat.__doc__

    def __call__(self, path: object, /, **options: object) -> os.stat_result:
        reads = None if _observer.busy or options.get("dir_fd") is not None else _reads
        try:
            status = self._stat(path, **options)
        except (FileNotFoundError, NotADirectoryError):
            self._note(reads, path, present=False)
            raise
        self._note(reads, path, present=True)
        return status

    @staticmethod
    def _note(reads: Reads | None, path: object, *, present: bool) -> None:
        if reads is not None and (name := _absolute(path)):
            reads.presence.setdefault(name, present)


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except (OSError, ValueError):
        return False
    return True


def _observe_environment() -> None:
    environment = type(os.environ)
    get, iterate = environment.__getitem__, environment.__iter__

    def observed_get(self: Any, key: Any) -> Any:  # noqa: ANN401 - of bytes in `os.environb`
        if _reads is not None and not _observer.busy:
            _reads.variables.append(os.fsdecode(key))
        return get(self, key)

    def observed_iterate(self: Any) -> Any:  # noqa: ANN401
        if _reads is not None and not _observer.busy:
            _reads.whole_environment = True
        return iterate(self)

    setattr(environment, "__getitem__", observed_get)  # noqa: B010 - a method, to type checkers, is for ever
    setattr(environment, "__iter__", observed_iterate)  # noqa: B010
