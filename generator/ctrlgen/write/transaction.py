"""Replaces files so that either all of them change or none."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ctrlgen.errors import OutputError
from ctrlgen.write.changes import Change, Changes


def apply(changes: Changes, root: Path) -> None:
    """Write what differs and remove what is gone; on any failure put everything back.

    Raises
    ------
    OutputError
        A file can not be written; every file is as it was.
    """
    staged: dict[Path, Path] = {}
    made: list[Path] = []
    done: list[Change] = []
    busy = root
    try:
        for change in changes.pending:
            busy = change.file
            _stage(change, staged, made)
        for change in changes.pending:
            busy = change.file
            done.append(change)
            _carry_out(change, staged)
    except BaseException as error:
        _restore(done, staged, made)
        if isinstance(error, OSError):
            raise _unwritable(busy, error) from error
        raise
    _remove_empty_folders(changes, root)


def _unwritable(file: Path, error: OSError) -> OutputError:
    """Return the error for a file that can not be written; a full disk does not say which one it was."""
    hints = {
        **dict.fromkeys((errno.EACCES, errno.EPERM), "check its permissions"),
        **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room on the disk"),
    }
    message = f"can not write `{file}`: {error.strerror}; nothing was changed"
    return OutputError(message, hint=hints.get(error.errno or 0))


def _stage(change: Change, staged: dict[Path, Path], made: list[Path]) -> None:
    """Write the new content beside its target, so that the replacement itself can hardly fail."""
    if change.after is None:
        return
    _make_folder(change.file.parent, made)
    descriptor, name = tempfile.mkstemp(dir=change.file.parent, prefix=f".{change.file.name}.")
    staged[change.file] = Path(name)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(change.after)
    mode = change.file.stat().st_mode if change.file.exists() else 0o666 & ~_umask()
    staged[change.file].chmod(mode)


def _make_folder(folder: Path, made: list[Path]) -> None:
    if not folder.exists():
        _make_folder(folder.parent, made)
        folder.mkdir(exist_ok=True)
        made.append(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _carry_out(change: Change, staged: dict[Path, Path]) -> None:
    if change.after is None:
        change.file.unlink()
    else:
        staged[change.file].replace(change.file)


def _restore(done: list[Change], staged: dict[Path, Path], made: list[Path]) -> None:
    for change in done:
        with suppress(OSError):
            if change.before is None:
                change.file.unlink(missing_ok=True)
            else:
                change.file.write_bytes(change.before)
    for file in staged.values():
        with suppress(OSError):
            file.unlink(missing_ok=True)
    for folder in reversed(made):
        with suppress(OSError):
            folder.rmdir()


def _remove_empty_folders(changes: Changes, root: Path) -> None:
    for change in changes.having("removed"):
        for folder in change.file.parents:
            if folder == root or not folder.is_relative_to(root):
                break
            with suppress(OSError):
                folder.rmdir()
