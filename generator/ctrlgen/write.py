"""Compares the emitted files with the disk, renders the diff, and writes all of them or none.

``pipeline`` compares, ``cli`` prints or writes. Files without the header line are never changed, and a failed write
leaves all files unchanged.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctrlgen.errors import ForeignFileError, OutputError
from ctrlgen.header import format_of, has_header
from ctrlgen.interruption import held

_SUFFIXES = frozenset({".py", ".typed"})

_STAGED = ".ctrlgen-staged"

State = Literal["created", "changed", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after the run; None if it does not exist."""

    file: Path
    before: bytes | None
    after: bytes | None

    @property
    def state(self) -> State:
        """The change of the file. Different line endings are not a change."""
        if self.before is None or self.after is None:
            return "unchanged" if self.before == self.after else "created" if self.before is None else "removed"
        return "unchanged" if _with_unix_line_endings(self.before) == _with_unix_line_endings(self.after) else "changed"

    @property
    def is_pending(self) -> bool:
        """Whether the file differs from the disk."""
        return self.state != "unchanged"


@dataclass(frozen=True, slots=True)
class Changes:
    """All files of a run, sorted by path."""

    files: tuple[Change, ...]

    def having(self, state: State) -> list[Change]:
        """Return the files in this state."""
        return [change for change in self.files if change.state == state]

    @property
    def pending(self) -> list[Change]:
        """The files that differ from the disk."""
        return [change for change in self.files if change.is_pending]

    @classmethod
    def of_unchanged(cls, files: Iterable[Path]) -> Changes:
        """Return changes for files that are known to be up to date, without their contents."""
        return cls(tuple(Change(file, b"", b"") for file in files))

    @property
    def formats(self) -> set[str]:
        """The versions of the emitted files on the disk."""
        contents = (change.before for change in self.files if change.before is not None)
        return {found for content in contents if (found := format_of(content))}

    def __add__(self, other: Changes) -> Changes:
        return Changes(tuple(sorted(self.files + other.files, key=lambda change: change.file)))


def _with_unix_line_endings(content: bytes) -> bytes:
    """Return the content of a file with the line endings that ctrlgen emits, undoing ``core.autocrlf``."""
    return content.replace(b"\r\n", b"\n")


def compare(sources: Mapping[str, str], folder: Path) -> Changes:
    """Compare the sources with the files in ``folder``. Files that are no longer emitted will be removed.

    Raises
    ------
    OutputError
        A file that ctrlgen did not write would be overwritten, or a file cannot be read.
    """
    emitted = {folder / path: text.encode() for path, text in sources.items()}
    try:
        for file in emitted:
            _refuse_foreign(file)
        stale = [file for file in _emitted_files(folder) if file not in emitted]
        return compare_contents(emitted | dict.fromkeys(stale))
    except OSError as error:
        raise OutputError(f"cannot read `{error.filename}`: {error.strerror}", hint="check its permissions") from error


def compare_contents(contents: Mapping[Path, bytes | None]) -> Changes:
    """Compare new contents of files with the current ones, whether or not ctrlgen wrote them."""
    files = (Change(file, file.read_bytes() if file.exists() else None, after) for file, after in contents.items())
    return Changes(tuple(sorted(files, key=lambda change: change.file)))


def python_files(folder: Path) -> list[Path]:
    """Return the files that may belong to the package in ``folder``. Deeper folders may belong to other packages."""
    files = sorted((*folder.glob("*"), *folder.glob("runtime/*")))
    return [file for file in files if file.suffix in _SUFFIXES and file.is_file()]


def _emitted_files(folder: Path) -> Iterator[Path]:
    """Yield the files of the package in ``folder`` that ctrlgen emitted."""
    return (file for file in python_files(folder) if has_header(file))


def _refuse_foreign(file: Path) -> None:
    """Raise ``ForeignFileError`` if writing ``file`` would overwrite something that ctrlgen did not write."""
    for parent in file.parents:
        if parent.is_file():
            raise ForeignFileError(
                f"`{parent}` is a file, but a folder is needed", hint="move the file, or change `output`"
            )
    if file.is_dir() or (file.exists() and not has_header(file)):
        raise ForeignFileError(
            f"`{file}` was not written by ctrlgen and is not overwritten; nothing was written",
            hint="move the file, or change `output`; if its first line was removed, delete the file and generate again",
        )


def unified_diff(changes: Changes, root: Path) -> str:
    """Return the unified diff of the changes, with paths relative to ``root``."""
    return "".join(line for change in changes.pending for line in _lines(change, root))


def _lines(change: Change, root: Path) -> Iterator[str]:
    import difflib  # imported only if needed: most runs change nothing

    path = change.file.relative_to(root).as_posix() if change.file.is_relative_to(root) else change.file.as_posix()
    before, after = _text(change.before), _text(change.after)
    old = "/dev/null" if change.before is None else f"a/{path}"
    new = "/dev/null" if change.after is None else f"b/{path}"
    for line in difflib.unified_diff(before, after, old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _text(content: bytes | None) -> list[str]:
    return _with_unix_line_endings(content or b"").decode(errors="replace").splitlines(keepends=True)


def apply(changes: Changes, root: Path) -> None:
    """Write changed files and remove files that are no longer emitted. On failure, restore all files.

    Raises
    ------
    OutputError
        A file cannot be written. No file is changed.
    """
    with held():  # a package is written completely or not at all
        _apply(changes, root)
        _delete_leftovers({change.file.parent for change in changes.files})


def _apply(changes: Changes, root: Path) -> None:
    staged: dict[Path, Path] = {}
    created: list[Path] = []
    done: list[Change] = []
    current = root
    try:
        for change in changes.pending:
            current = change.file
            _stage(change, staged, created)
        for change in changes.pending:
            current = change.file
            done.append(change)
            _replace(change, staged)
    except BaseException as error:
        _restore(done, staged, created)
        if isinstance(error, OSError):
            raise _unwritable(current, error) from error
        raise
    _remove_empty_folders(changes, root)


def _unwritable(file: Path, error: OSError) -> OutputError:
    """Return the error for a file that cannot be written. The error of a full disk has no file name."""
    hints = {
        **dict.fromkeys((errno.EACCES, errno.EPERM), "check its permissions"),
        **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some disk space"),
    }
    message = f"cannot write `{file}`: {error.strerror}; nothing was changed"
    return OutputError(message, hint=hints.get(error.errno or 0))


def _stage(change: Change, staged: dict[Path, Path], created: list[Path]) -> None:
    """Write the new content beside its target, so that the replacement itself is unlikely to fail."""
    if (change.file.read_bytes() if change.file.exists() else None) != change.before:
        raise OutputError(
            f"`{change.file}` was changed while ctrlgen was running; nothing was written",
            hint="run `ctrlgen generate` again",
        )
    if change.after is None:
        return
    import tempfile  # imported only if needed: it takes as long as reading the record of a run

    _create_folder(change.file.parent, created)
    descriptor, name = tempfile.mkstemp(dir=change.file.parent, prefix=f".{change.file.name}.", suffix=_STAGED)
    staged[change.file] = Path(name)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(change.after)
    mode = change.file.stat().st_mode if change.file.exists() else 0o666 & ~_umask()
    staged[change.file].chmod(mode)


def _delete_leftovers(folders: Iterable[Path]) -> None:
    """Delete temporary files left by a killed process. The lock ensures that no other process is writing."""
    for folder in folders:
        for file in folder.glob(f".*{_STAGED}"):
            with suppress(OSError):
                file.unlink()


def _create_folder(folder: Path, created: list[Path]) -> None:
    if not folder.exists():
        _create_folder(folder.parent, created)
        folder.mkdir(exist_ok=True)
        created.append(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _replace(change: Change, staged: dict[Path, Path]) -> None:
    if change.after is None:
        change.file.unlink()
    else:
        staged[change.file].replace(change.file)


def _restore(done: list[Change], staged: dict[Path, Path], created: list[Path]) -> None:
    for change in done:
        with suppress(OSError):
            if change.before is None:
                change.file.unlink(missing_ok=True)
            else:
                change.file.write_bytes(change.before)
    for file in staged.values():
        with suppress(OSError):
            file.unlink(missing_ok=True)
    for folder in reversed(created):
        with suppress(OSError):
            folder.rmdir()


def _remove_empty_folders(changes: Changes, root: Path) -> None:
    for change in changes.having("removed"):
        for folder in change.file.parents:
            if folder == root or not folder.is_relative_to(root):
                break
            with suppress(OSError):
                folder.rmdir()
