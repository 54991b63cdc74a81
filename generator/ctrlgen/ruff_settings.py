"""Finds the ruff settings that hold for a folder of the project; ``format`` formats with them.

Ruff itself reads the settings. Read here is only what decides how ruff is called: which file holds for the folder, what
that file extends, and the few values that ruff would find otherwise for files that lie elsewhere while they are
formatted.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ctrlgen import toml

_NAMES = (".ruff.toml", "ruff.toml", "pyproject.toml")  # in ruff's order
_LINE_LENGTH = 88  # ruff's default
_OLDEST_PYTHON = re.compile(r"(?:>=|~=|==|>)\s*3\.(\d+)")


@dataclass(frozen=True, slots=True)
class RuffSettings:
    """The settings for a folder.

    Parameters
    ----------
    file
        Where they stand; None where no file says anything, and ruff's defaults hold.
    tables
        The settings of that file, and of each one it extends, the nearest first.
    texts
        The texts of all files that were read: where they are the same, so are the settings.
    """

    file: Path | None = None
    tables: tuple[toml.Table, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def line_length(self) -> int:
        """How long a line may be."""
        lengths = (table.get("line-length") for table in self.tables)
        return next((length for length in lengths if isinstance(length, int)), _LINE_LENGTH)

    @property
    def first_party(self) -> list[str]:
        """The packages that the settings call the project's own."""
        sections = (_table(parent, "isort") for table in self.tables for parent in (_table(table, "lint"), table))
        names = (section.get("known-first-party") for section in sections)
        return [str(name) for name in next((listed for listed in names if toml.is_list(listed)), None) or ()]

    @property
    def import_roots(self) -> list[Path]:
        """The folders in which ruff looks for packages of the project's own."""
        root = self.file.parent if self.file else Path()
        folders = (table.get("src") for table in self.tables)
        listed = next((listed for listed in folders if toml.is_list(listed)), None)
        return [root / str(folder) for folder in listed or (".", "src")]

    @property
    def says_python(self) -> bool:
        """Whether they name a version of Python."""
        return any("target-version" in table for table in self.tables)


def ruff_settings(folder: Path) -> RuffSettings:
    """Return the settings of the nearest file from ``folder`` upwards that has some.

    Without one, a ``pyproject.toml`` still says for which Python the project is.
    """
    files = [place / name for place in (folder, *folder.parents) for name in _NAMES]
    documents = {file: document for file in files if (document := _read(file)) is not None}
    for file, document in documents.items():
        if file.name != "pyproject.toml" or "ruff" in _table(document, "tool"):
            return _with_extended(file)
    plain = next(iter(documents), None)
    return RuffSettings(plain, (), (plain.read_text("utf-8"),)) if plain else RuffSettings()


def required_python(folder: Path) -> str | None:
    """Return the oldest Python that the nearest ``pyproject.toml`` allows, as ruff calls it: ``py312``."""
    documents = (_read(place / "pyproject.toml") for place in (folder, *folder.parents))
    nearest = next((document for document in documents if document is not None), None)
    match = _OLDEST_PYTHON.search(str(_table(nearest or {}, "project").get("requires-python")))
    return f"py3{match[1]}" if match else None


def _with_extended(file: Path) -> RuffSettings:
    """Return the settings in ``file``, and in what it extends."""
    tables, texts = zip(*_chain(file), strict=True)
    return RuffSettings(file, tables, texts)


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
    """Return a document; None where there is none, or a broken one, of which ruff says what is wrong."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None


def _table(parent: toml.Table, key: str) -> toml.Table:
    value = parent.get(key)
    return value if toml.is_table(value) else {}
