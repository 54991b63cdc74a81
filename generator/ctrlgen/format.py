"""Formats sources with ruff: two processes for a whole package, none of the user's settings.

``pipeline`` calls it on what was rendered, ``stubs`` on what it is about to add.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from shutil import which

from ctrlgen.errors import FormatError

_SETTINGS = ("--isolated", "--no-cache", "--quiet", "--line-length", "120", "--target-version", "py311")
_FIXES = ("check", "--fix", "--select", "I,F401,RUF022")


def format_sources(sources: Mapping[str, str], first_party: Collection[str] = ()) -> dict[str, str]:
    """Return the sources with imports sorted, unused ones removed, and formatted.

    Parameters
    ----------
    sources
        Path with forward slashes → text. Only ``.py`` files change.
    first_party
        Top-level packages of the project itself, whose imports stand apart from those of libraries.

    Raises
    ------
    FormatError
        Ruff is not installed, or could not read a source, which is a mistake in ctrlgen.
    """
    with tempfile.TemporaryDirectory(prefix="ctrlgen-") as name:
        folder = Path(name)
        for path, text in sources.items():
            _write(folder / path, text)
        _ruff(*_FIXES, *_SETTINGS, "--config", _first_party(first_party), ".", folder=folder)
        _ruff("format", *_SETTINGS, "--config", "format.line-ending='lf'", ".", folder=folder)
        return {path: (folder / path).read_bytes().decode() for path in sources}


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def _first_party(names: Collection[str]) -> str:
    return f"lint.isort.known-first-party={json.dumps(sorted(names))}"


def _ruff(*arguments: str, folder: Path) -> None:
    done = subprocess.run(
        [_executable(), *arguments], cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        raise FormatError(
            "ruff refused the emitted code, which is a mistake in ctrlgen",
            hint=f"please report it with the model that caused it; ruff says:\n{done.stdout}{done.stderr}",
        )


def _executable() -> str:
    """Return the ruff installed beside this Python, or else the one on the path."""
    executable = which("ruff", path=str(Path(sys.executable).parent)) or which("ruff")
    if executable is None:
        raise FormatError("ruff is not installed beside ctrlgen", hint="run `pip install ruff`")
    return executable
