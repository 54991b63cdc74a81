"""The cache folder of ctrlgen: the sources formatted by ruff, and the records of runs.

It works like those of ruff and mypy: git ignores it, backups exclude it, and it may be deleted at any time.
``settings`` decides where it is. ``format`` and ``record`` keep their files in it.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

from ctrlgen.interruption import held

NAME = ".ctrlgen_cache"
VARIABLE = "CTRLGEN_CACHE_DIR"
_KEPT = 16  # files of each kind
_UNFINISHED = 60  # seconds after which no process can still be writing a file
_IGNORE_FILE, _TAG_FILE = ".gitignore", "CACHEDIR.TAG"
_IGNORE = "# Created by ctrlgen.\n*\n"
_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by ctrlgen.
# For information about cache directory tags, see https://bford.info/cachedir/
"""


def has_other_files(folder: Path) -> bool:
    """Return whether a folder has files, and neither ctrlgen nor another program has marked it as a cache."""
    with suppress(OSError):  # without the folder, or the right to read it, there is nothing to compare
        names = {file.name for file in folder.iterdir()}
        return _TAG_FILE not in names and not names <= {_IGNORE_FILE}  # after which a run may have been killed
    return False


def keep(file: Path, content: str) -> None:
    """Write a cache file atomically. Do nothing if it cannot be written."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError), held():
        _create(file.parent)
        try:
            unfinished.write_text(content, "utf-8")
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
            _forget(file)


def read_json(file: Path) -> dict[str, object] | None:
    """Return the content of a cache file, a JSON object; None if there is none, or if it is damaged."""
    try:
        content: object = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return cast("dict[str, object]", content) if isinstance(content, dict) else None


def _forget(latest: Path) -> None:
    """Delete the oldest files of a kind, and temporary files left by killed processes."""
    kind = latest.name.partition("-")[0]
    files = [file for file in latest.parent.iterdir() if file.name.startswith(f"{kind}-")]
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    unfinished = [file for file in files if file.suffix != latest.suffix and _age(file) > _UNFINISHED]
    for file in [*unfinished, *[file for file in files if file.suffix == latest.suffix][_KEPT:]]:
        file.unlink(missing_ok=True)


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def _create(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((_IGNORE_FILE, _IGNORE), (_TAG_FILE, _TAG)):
        if not (folder / name).exists():
            (folder / name).write_text(content, "utf-8")
