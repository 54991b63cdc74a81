"""Lists the files to check: files passed as arguments, and the Python files in folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ctrlgen.errors import MissingPathError
from ctrlgen.table_modules import NEVER_SOURCES
from ctrlgen.write import has_header

if TYPE_CHECKING:
    from ctrlgen.lint.lint_settings import LintSettings

_SKIPPED = NEVER_SOURCES | {"build", "dist", "venv", "env", "__snapshots__"}


def python_files(paths: Sequence[str], settings: LintSettings | None = None) -> list[Path]:
    """Return the files to check, without duplicates, in the order of the arguments.

    Hidden folders, environments, build folders, templates (``{{name}}``), emitted files, and files excluded by the
    settings are left out.

    Raises
    ------
    MissingPathError
        A path does not exist.
    """
    files: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            files.update((file, None) for file in _in_folder(path) if not (settings and settings.excludes(file)))
        elif path.is_file():
            if not (settings and settings.force_exclude and settings.excludes(path)):
                files[path] = None
        else:
            raise MissingPathError(f"`{path}` does not exist", hint="pass files or folders, as in `ctrlgen lint app`")
    return [file for file in files if not is_generated(file)]


def _in_folder(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED and not name.startswith((".", "{{")) and not Path(root, name, "pyvenv.cfg").exists()
        )
        yield from (Path(root, name) for name in sorted(names) if name.endswith((".py", ".pyi")))


def is_generated(file: Path) -> bool:
    """Return whether ctrlgen emitted a file. Such files are changed by changing the models."""
    try:
        return has_header(file)
    except OSError:
        return False  # the runner reports the error
