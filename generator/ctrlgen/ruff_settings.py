"""Finds the ruff settings that apply to a folder of the project, for ``format``.

Ruff reads the settings itself. This module reads only what determines the call of ruff: the settings file of the
folder, the files that it extends, and the few values that ruff would resolve differently because the sources are in a
temporary folder while they are formatted.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ctrlgen import toml

_NAMES = (".ruff.toml", "ruff.toml", "pyproject.toml")  # in the order of ruff
_LINE_LENGTH = 88  # ruff's default
_OLDEST_PYTHON = re.compile(r"(?:>=|~=|==|>)\s*3\.(\d+)")


@dataclass(frozen=True, slots=True)
class RuffSettings:
    """The settings for a folder.

    Parameters
    ----------
    file
        The settings file; None if there is none, and ruff's defaults apply.
    tables
        The settings of that file, and of each file it extends, the nearest first.
    contents
        The contents of all files that were read, which identify the settings.
    """

    file: Path | None = None
    tables: tuple[toml.Table, ...] = ()
    contents: tuple[str, ...] = ()

    @property
    def line_length(self) -> int:
        """The maximum line length."""
        lengths = (table.get("line-length") for table in self.tables)
        return next((length for length in lengths if isinstance(length, int)), _LINE_LENGTH)

    @property
    def first_party(self) -> list[str]:
        """The packages that the settings declare as first-party."""
        sections = (_table(parent, "isort") for table in self.tables for parent in (_table(table, "lint"), table))
        names = (section.get("known-first-party") for section in sections)
        return [str(name) for name in next((listed for listed in names if toml.is_list(listed)), None) or ()]

    @property
    def import_roots(self) -> list[Path]:
        """The folders in which ruff searches for first-party packages."""
        root = self.file.parent if self.file else Path()
        folders = (table.get("src") for table in self.tables)
        listed = next((listed for listed in folders if toml.is_list(listed)), None)
        return [root / str(folder) for folder in listed or (".", "src")]

    @property
    def says_python(self) -> bool:
        """Whether the settings set a version of Python."""
        return any("target-version" in table for table in self.tables)


def ruff_settings(folder: Path) -> RuffSettings:
    """Return the settings of the nearest settings file in ``folder`` or its parents.

    Without one, ``pyproject.toml`` still determines the version of Python.
    """
    files = [place / name for place in (folder, *folder.parents) for name in _NAMES]
    documents = {file: document for file in files if (document := _read(file)) is not None}
    for file, document in documents.items():
        if file.name != "pyproject.toml" or "ruff" in _table(document, "tool"):
            return _with_extended(file)
    plain = next(iter(documents), None)
    return RuffSettings(plain, (), (plain.read_text("utf-8"),)) if plain else RuffSettings()


def required_python(folder: Path) -> str | None:
    """Return the oldest Python allowed by the nearest ``pyproject.toml``, in ruff's notation: ``py312``."""
    documents = (_read(place / "pyproject.toml") for place in (folder, *folder.parents))
    nearest = next((document for document in documents if document is not None), None)
    match = _OLDEST_PYTHON.search(str(_table(nearest or {}, "project").get("requires-python")))
    return f"py3{match[1]}" if match else None


def _with_extended(file: Path) -> RuffSettings:
    """Return the settings in ``file`` and in the files it extends."""
    tables, contents = zip(*_chain(file), strict=True)
    return RuffSettings(file, tables, contents)


def _chain(file: Path) -> Iterator[tuple[toml.Table, str]]:
    seen: set[Path] = set()
    while file not in seen and (document := _read(file)) is not None:
        seen.add(file)
        table = _table(_table(document, "tool"), "ruff") if file.name == "pyproject.toml" else document
        yield table, file.read_text("utf-8")
        extended = table.get("extend")
        if not toml.is_text(extended):
            return
        file = (file.parent / os.path.expandvars(Path(extended).expanduser())).resolve()


def _read(file: Path) -> toml.Table | None:
    """Return a TOML document; None if it does not exist or is invalid, which ruff reports."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None


def _table(parent: toml.Table, key: str) -> toml.Table:
    value = parent.get(key)
    return value if toml.is_table(value) else {}
