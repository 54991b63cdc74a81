"""Remembers what ruff made of the last package, so that a run in which nothing changed does not start it.

The memory is a file in the folder of ``cache_folder``. What is in it is only ever used for the very same
sources, settings and ruff; without it everything works and takes longer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ctrlgen import toml
from ctrlgen.cache_folder import keep
from ctrlgen.format import format_sources, ruff_executable
from ctrlgen.ruff_settings import RuffSettings, ruff_settings
from ctrlgen.tracing import note_file, note_folder

_IMPORTED = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)


def format_or_recall(
    sources: Mapping[str, str], first_party: Collection[str], folder: Path, cache: Path | None
) -> dict[str, str]:
    """Return what :func:`format_sources` returns, from memory where that is certain to be the same."""
    if cache is None:
        return format_sources(sources, first_party, folder)
    place = cache / f"formatted-{_digest(str(folder))[:16]}.json"
    key = _key(sources, first_party, folder)
    known = _recall(place, key)
    if known is not None and known.keys() == sources.keys():
        return known
    formatted = format_sources(sources, first_party, folder)
    _remember(place, key, formatted)
    return formatted


def _key(sources: Mapping[str, str], first_party: Collection[str], folder: Path) -> str:
    """Return a digest of everything that decides what comes out."""
    ruff = Path(ruff_executable()).resolve()
    status = ruff.stat()
    settings = ruff_settings(folder)
    packages = [(place / "__init__.py").exists() for place in folder.parents]
    note_file(ruff)
    for root in settings.import_roots:
        note_folder(root)
    tool = (str(ruff), status.st_mtime_ns, status.st_size)
    parts = (*tool, str(settings.file), settings.texts, packages, _own_modules(sources.values(), first_party, settings))
    return _digest(json.dumps([*parts, sorted(first_party), sorted(sources.items())]))


def _own_modules(sources: Iterable[str], first_party: Iterable[str], settings: RuffSettings) -> list[str]:
    """Return what of the imported modules ruff takes for the project's own: it looks for them in folders."""
    imported = {name for source in sources for name in _IMPORTED.findall(source)}
    own = {module.partition(".")[0] for module in (*first_party, *settings.first_party)}
    return sorted(name for name in imported if name in own or any(_has(root, name) for root in settings.import_roots))


def _has(root: Path, name: str) -> bool:
    return (root / name).exists() or (root / f"{name}.py").exists()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _recall(place: Path, key: str) -> dict[str, str] | None:
    """Return the sources kept under ``key``; None where there are none, or the file is damaged."""
    try:
        kept: object = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    files = kept.get("files") if toml.is_table(kept) and kept.get("key") == key else None
    return {path: str(text) for path, text in files.items()} if toml.is_table(files) else None


def _remember(place: Path, key: str, formatted: Mapping[str, str]) -> None:
    keep(place, json.dumps({"key": key, "files": dict(formatted)}))
