"""Finds the sources that a project reaches through symbolic links to places outside of it. ``watch`` calls it.

The system reports a change where the file is, and not where a link leads to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ctrlgen.table_modules import NEVER_SOURCES


class LinkedSources:
    """The links in some folders that lead outside of them.

    Parameters
    ----------
    folders
        The folders, without those that they are in.
    is_watched
        Whether a file matters, by its path.
    """

    def __init__(self, folders: Sequence[Path], is_watched: Callable[[Path], bool]) -> None:
        self._inside = tuple(folder.resolve() for folder in folders)
        self._is_watched = is_watched
        self._links: dict[Path, Path] = {}
        waiting = [*folders]
        while waiting:
            waiting += self._add_links_in(waiting.pop())

    def _add_links_in(self, folder: Path) -> list[Path]:
        """Add the links in a folder, and return the linked folders, which may contain further links."""
        linked: list[Path] = []
        for link in _links(folder):
            target = link.resolve()
            is_new = target not in self._links and not any(target.is_relative_to(inside) for inside in self._inside)
            if is_new and (target.is_dir() or (target.is_file() and self._is_watched(link))):
                self._links[target] = link
                linked += [link] if target.is_dir() else []
        return linked

    @property
    def folders(self) -> list[Path]:
        """The folders outside to watch: linked ones, and those of linked files, which editors replace when saving."""
        folders = {target if target.is_dir() else target.parent for target in self._links}
        return sorted(folder for folder in folders if folders.isdisjoint(folder.parents))

    def path_in_project(self, path: Path) -> Path:
        """Return the path of a changed file by which the project reaches it, or the path itself."""
        for target in (path, *path.parents):
            if target in self._links:
                return self._links[target] / path.relative_to(target)
        return path


def _links(folder: Path) -> Iterator[Path]:
    """Yield the symbolic links in a folder, except those in hidden folders and environments."""
    for root, folders, files in os.walk(folder):
        yield from (path for path in _paths(root, [*folders, *files]) if path.is_symlink())
        folders[:] = [path.name for path in _paths(root, folders) if not (path / "pyvenv.cfg").exists()]


def _paths(root: str, names: Iterable[str]) -> list[Path]:
    return [Path(root, name) for name in sorted(names) if name not in NEVER_SOURCES and not name.startswith(".")]
