"""Finds modules that declare tables by reading sources, without importing anything.

``worker`` asks which submodules to import; the messages of failures ask what the project has to offer.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_TABLE = re.compile(rb"""\btable["']?\s*[=:]\s*True\b""")
_SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages"})


def table_modules(folders: Iterable[str | Path], package: str = "") -> list[str]:
    """Return the import paths of all modules below ``folders`` whose source declares a table, sorted.

    Parameters
    ----------
    folders
        Where to look: the ``__path__`` of a package, or import roots.
    package
        The import path of those folders.
    """
    found = {
        ".".join(filter(None, (package, *parts))) for folder in folders for parts in _modules(Path(folder)) if parts
    }
    return sorted(found)


def suggestion(name: str, root: Path) -> str:
    """Return what to do about a configured module that does not exist."""
    modules = _offered(root)
    close = difflib.get_close_matches(name.removesuffix(".py").replace("/", "."), modules, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    if modules:
        return f"tables are declared in {listed(modules)}"
    return "no module of that folder declares a table; point --project at the folder that holds your package"


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Return names in backquotes, at most ``limit`` of them."""
    quoted = [f"`{name}`" for name in names]
    return ", ".join(quoted[:limit]) + (", ..." if len(quoted) > limit else "")


def _offered(root: Path) -> list[str]:
    """Return the modules that declare tables, and their packages."""
    modules = [*table_modules([root]), *table_modules([root / "src"])]
    packages = {module.rpartition(".")[0] for module in modules} - {""}
    return sorted({*packages, *modules})


def _modules(root: Path) -> Iterator[tuple[str, ...]]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name.isidentifier() and name not in _SKIPPED)
        for name in sorted(files):
            path = Path(folder, name)
            if _is_module(path) and _TABLE.search(path.read_bytes()):
                yield _parts(path.relative_to(root))


def _is_module(path: Path) -> bool:
    return path.suffix == ".py" and path.stem.isidentifier() and path.stem != "__main__" and path.is_file()


def _parts(path: Path) -> tuple[str, ...]:
    parts = path.with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts
