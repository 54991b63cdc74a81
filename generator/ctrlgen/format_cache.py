"""Caches the formatted files of the last package, so that a run formats only changed files.

The cache is a file in the folder of ``cache_folder``. An entry is used only for the same source, settings and version
of ruff. Without the cache, everything works, but takes longer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ctrlgen import toml
from ctrlgen.cache_folder import keep
from ctrlgen.format import format_sources, ruff_executable
from ctrlgen.ruff_settings import RuffSettings, ruff_settings
from ctrlgen.tracing import note_file, note_folder

_IMPORTED = re.compile(r"^\s*(?:from|import) ([\w.]+)", re.MULTILINE)


def format_or_recall(
    sources: Mapping[str, str], first_party: Collection[str], folder: Path, cache: Path | None
) -> dict[str, str]:
    """Return the result of :func:`format_sources`, from the cache if possible."""
    if cache is None:
        return format_sources(sources, first_party, folder)
    place = cache / f"formatted-{_digest(str(folder))[:16]}.json"
    settings = ruff_settings(folder)
    conditions = _conditions(settings, folder)
    is_own = _OwnModules({*first_party, *settings.first_party}, settings.import_roots)
    keys = {
        path: _digest(json.dumps([conditions, path, source, is_own.among(source)])) for path, source in sources.items()
    }
    known = _recall(place)
    missing = {path: source for path, source in sources.items() if keys[path] not in known}
    formatted = format_sources(missing, first_party, folder) if missing else {}
    result = {path: formatted[path] if path in formatted else known[keys[path]] for path in sources}
    if missing or len(known) != len(sources):
        keep(place, json.dumps({keys[path]: text for path, text in result.items()}))
    return result


def _conditions(settings: RuffSettings, folder: Path) -> str:
    """Return a digest of everything besides the source that affects the output of ruff."""
    ruff = Path(ruff_executable()).resolve()
    note_file(ruff)
    status = ruff.stat()
    packages = [(place / "__init__.py").exists() for place in folder.parents]
    tool = (str(ruff), status.st_mtime_ns, status.st_size)
    return _digest(json.dumps([tool, str(settings.file), settings.texts, packages]))


class _OwnModules:
    """Determines which modules are first-party for ruff: those passed to it, and those it finds in folders."""

    def __init__(self, names: Collection[str], import_roots: Sequence[Path]) -> None:
        self._names = names
        self._import_roots = import_roots
        self._known: dict[str, bool] = {}
        for root in import_roots:
            note_folder(root)

    def among(self, source: str) -> list[str]:
        """Return the first-party modules that a source imports."""
        return sorted(module for module in {*_IMPORTED.findall(source)} if self._is_own(module))

    def _is_own(self, module: str) -> bool:
        if module not in self._known:
            parts = module.split(".")
            above = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
            self._known[module] = not above.isdisjoint(self._names) or any(
                (root / f"{parts[0]}{suffix}").exists() for root in self._import_roots for suffix in ("", ".py")
            )
        return self._known[module]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _recall(place: Path) -> dict[str, str]:
    """Return the formatted sources by their keys; empty if there is no cache, or if it is damaged."""
    try:
        known: object = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: text for key, text in known.items() if isinstance(text, str)} if toml.is_table(known) else {}
