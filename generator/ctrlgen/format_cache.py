"""Remembers what ruff made of the last package, so that a run in which nothing changed does not start it.

The memory is a file in the folder of ``cache_folder``. What is in it is only ever used for the very same
sources, settings and ruff; without it everything works and takes longer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path

from ctrlgen import toml
from ctrlgen.cache_folder import keep
from ctrlgen.format import first_party_option, format_sources, ruff_executable
from ctrlgen.ruff_settings import ruff_settings
from ctrlgen.tracing import listing, note_file, note_folder


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
    modules = [listing(str(root), modules_only=True) for root in settings.import_roots]  # ruff takes them for our own
    option = first_party_option(settings, first_party)
    note_file(ruff)
    for root in settings.import_roots:
        note_folder(root)
    tool = (str(ruff), status.st_mtime_ns, status.st_size)
    parts = (*tool, str(settings.file), settings.texts, packages, modules, option)
    return _digest(json.dumps([*parts, sorted(first_party), sorted(sources.items())]))


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
