"""The folder in which ctrlgen remembers: what ruff made of the last package, and what a run read and wrote.

It is like those of ruff and mypy: it ignores itself in git, backups leave it out, and it may be deleted at any time.
``settings`` decides where it is; ``format_cache`` and ``record`` have their files in it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from ctrlgen.interruption import held

NAME = ".ctrlgen_cache"
VARIABLE = "CTRLGEN_CACHE_DIR"
_KEPT = 16  # files of a kind
_UNFINISHED = 60  # seconds after which nobody is writing a file any more
_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by ctrlgen.
# For information about cache directory tags, see https://bford.info/cachedir/
"""


def keep(file: Path, content: str) -> None:
    """Write a file of the cache: completely or not at all, whoever else writes it. Where it cannot be, it is not."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError), held():
        _create(file.parent)
        try:
            unfinished.write_text(content, "utf-8")
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
            _forget(file)


def _forget(latest: Path) -> None:
    """Delete the oldest files of a kind, and what a process left that was killed while it wrote."""
    kind = latest.name.partition("-")[0]
    files = [file for file in latest.parent.iterdir() if file.name.startswith(f"{kind}-")]
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    unfinished = [file for file in files if file.suffix != latest.suffix and _age(file) > _UNFINISHED]
    for file in [*unfinished, *[file for file in files if file.suffix == latest.suffix][_KEPT:]]:
        file.unlink(missing_ok=True)


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def _create(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("# Created by ctrlgen.\n*\n", "utf-8")
        (folder / "CACHEDIR.TAG").write_text(_TAG, "utf-8")
