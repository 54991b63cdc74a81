"""Finds the modules of models in a project by reading its sources, and suggests a folder for the controllers."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from ctrlgen.load.discovery import table_modules

_NOT_MODELS = frozenset({"tests", "test", "migrations", "alembic", "docs", "examples", "scripts"})
_FOLDERS_OF_MODELS = ("model", "table", "entit", "schema")
_OUTPUTS = ("db", "database", "controllers", "generated")


def found_models(project: Path) -> list[str]:
    """Return a value for the setting `models`: packages of several modules with tables, and other such modules."""
    modules: dict[str, Path] = {}
    for root in (project / "src", project):
        for module in table_modules([root]):
            if _is_source(root, project) and not _NOT_MODELS & {*module.split(".")}:
                modules.setdefault(module, root)
    inside_src = {f"src.{module}" for module, root in modules.items() if root != project}
    return _grouped({name: root for name, root in modules.items() if name not in inside_src})


def exists(project: Path, module: str) -> bool:
    """Return whether a module is a source of the project, or belongs to an installed package."""
    path = Path(*module.split("."))
    bases = [project / path, project / "src" / path]
    if any(base.is_dir() or base.with_suffix(".py").is_file() for base in bases):
        return True
    top = path.parts[0]
    if any((root / top).exists() or (root / f"{top}.py").exists() for root in (project, project / "src")):
        return False
    try:
        return find_spec(top) is not None  # its submodules are not searched, because that would import it
    except (ImportError, ValueError):
        return False


def suggested_output(project: Path, models: Iterable[str]) -> str:
    """Return an unused folder beside the models."""
    first = next(iter(models))
    parts = first.split(".")[:-1]
    root = Path("src") if Path(project, "src", first.split(".")[0]).exists() else Path()
    if root == Path("src") and not parts and (project / "src" / first.split(".")[0]).is_dir():
        parts = [first.split(".")[0]]  # a package that contains only models: put the controllers inside
    folder = root.joinpath(*parts)
    free = (folder / name for name in _OUTPUTS if not (project / folder / name).exists())
    return next(free, folder / "ctrlgen_db").as_posix()


def _is_source(root: Path, project: Path) -> bool:
    return root == project or not (root / "__init__.py").exists()


def _grouped(modules: dict[str, Path]) -> list[str]:
    """Replace modules by their package if it contains several of them, or if its name says that it contains models."""
    by_package: dict[str, list[str]] = {}
    for module in modules:
        by_package.setdefault(module.rpartition(".")[0], []).append(module)
    grouped: list[str] = []
    for package, inside in by_package.items():
        last = package.rpartition(".")[2].lower()
        is_package = bool(package) and (len(inside) > 1 or last.startswith(_FOLDERS_OF_MODELS))
        grouped += [package] if is_package else inside
    return sorted(name for name in set(grouped) if not any(name.startswith(f"{other}.") for other in grouped))
