"""Finds modules that declare tables from their sources, without importing them.

``load`` uses it to find submodules to import, ``init`` to suggest settings, and error messages to suggest modules.
``record`` checks with :func:`declares_table` that a file still declares none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ctrlgen.tracing import note_file, note_folder, note_search, unobserved

if TYPE_CHECKING:
    from ctrlgen.errors import MissingModuleError

_TABLE = re.compile(rb"""\btable["']?\s*[=:]\s*True\b""")
_LISTED = 5  # modules in a hint
NEVER_SOURCES = frozenset({"__pycache__", "node_modules", "site-packages"})
"""The names of folders that never contain sources of a project."""
_SKIPPED = NEVER_SOURCES | {"build", "dist"}


def declares_table(source: bytes) -> bool:
    """Return whether a class in this source may be a table."""
    return _TABLE.search(source) is not None


def table_modules(folders: Iterable[str | Path], package: str = "") -> list[str]:
    """Return the sorted import paths of all modules in ``folders`` whose source declares a table.

    Parameters
    ----------
    folders
        The folders to search: the ``__path__`` of a package, or import roots.
    package
        The import path of those folders.
    """
    modules = (parts for folder in folders for parts in _modules(Path(folder)) if parts)
    return sorted({".".join(filter(None, (package, *parts))) for parts in modules})


def missing_module(name: str, root: Path) -> MissingModuleError:
    """Return the error for a configured module that does not exist, with the modules that declare tables."""
    from ctrlgen.errors import MissingModuleError  # not needed by a recorded run

    return MissingModuleError(f"module `{name}` does not exist in {root}", hint=module_hint(name, root))


def module_hint(name: str, root: Path) -> str:
    """Return the hint for a configured module that does not exist."""
    from ctrlgen.errors import did_you_mean, listed  # not needed by a recorded run

    modules = _modules_with_tables(root)
    if hint := did_you_mean(name.removesuffix(".py").replace("/", "."), modules):
        return hint
    if modules:
        return f"tables are declared in {listed(modules, _LISTED)}"
    return "no module in that folder declares a table; pass the folder that contains your package with `--project`"


def _modules_with_tables(root: Path) -> list[str]:
    """Return the modules that declare tables, and their packages."""
    modules = [*table_modules([root]), *table_modules([root / "src"])]
    packages = {module.rpartition(".")[0] for module in modules} - {""}
    return sorted({*packages, *modules})


def _modules(root: Path) -> list[tuple[str, ...]]:
    """Return the modules in a folder whose source declares a table, and record the files searched."""
    modules: list[tuple[str, ...]] = []
    with unobserved():
        for folder, folders, files in os.walk(root):
            note_folder(folder)
            folders[:] = sorted(name for name in folders if name.isidentifier() and name not in _SKIPPED)
            for name in sorted(files):
                path = Path(folder, name)
                if _is_module(path) and declares_table(path.read_bytes()):
                    note_file(path)
                    modules.append(_parts(path.relative_to(root)))
                elif _is_module(path):
                    note_search(path)
    return modules


def _is_module(path: Path) -> bool:
    return path.suffix == ".py" and path.stem.isidentifier() and path.stem != "__main__" and path.is_file()


def _parts(path: Path) -> tuple[str, ...]:
    parts = path.with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts
