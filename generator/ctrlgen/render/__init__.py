"""Renders the ``Package`` with Jinja, and copies the required modules of the runtime.

The templates print the strings of ``controller_view``. All decisions are made by ``plan``.
"""

from __future__ import annotations

from ctrlgen.blueprint import Package
from ctrlgen.namespace import Namespace
from ctrlgen.render.controller_view import lay_out
from ctrlgen.render.templates import render_template, runtime_sources
from ctrlgen.schema import Imported

_IN_FACADE = (
    Imported("collections.abc", "Mapping"),
    Imported("typing", "TYPE_CHECKING"),
    Imported("typing", "ClassVar"),
    Imported(".runtime.service", "DatabaseService"),
    Imported(".runtime.cache", "Limits"),
    Imported(".runtime.cache_service", "CachingService"),
    Imported(".runtime.cache_sync", "SyncedService"),
)
"""The names imported by the template of ``Database``."""


def render(package: Package) -> dict[str, str]:
    """Return the unformatted sources of all files of the package, by path relative to the output folder."""
    modules = {
        f"{controller.module}.py": render_template("controller.py.jinja", view=lay_out(controller))
        for controller in package.controllers
    }
    facade = {
        "__init__.py": render_template("init.py.jinja", package=package),
        "database.py": _facade(package),
    }
    sources = facade | modules | _runtime(package)
    return dict(sorted((sources | {"py.typed": ""}).items()))


def _facade(package: Package) -> str:
    """Return the module of ``Database``, whose attributes may have the same names as their classes."""
    names = Namespace({"Database", *(controller.module for controller in package.controllers)}, known=_IN_FACADE)
    classes = {controller.module: names.name(controller.in_facade) for controller in package.controllers}
    base = ("service", "DatabaseService")
    if package.cached:
        base = ("cache_sync", "SyncedService") if package.cache_sync else ("cache_service", "CachingService")
    return render_template(
        "database.py.jinja", package=package, classes=classes, base=base, imports=names.import_lines()
    )


def _runtime(package: Package) -> dict[str, str]:
    """Return the runtime, without the modules that the package does not need."""
    caches = bool(package.cached)
    needed = {
        "runtime/cache.py": caches,
        "runtime/cache_changes.py": caches,
        "runtime/cache_service.py": caches,
        "runtime/cache_sync.py": caches and package.cache_sync,
        "runtime/cache_writes.py": caches,
        "runtime/cached_controller.py": caches,
        "runtime/links.py": any(
            relation.linked for controller in package.controllers for relation in controller.relations
        ),
        "runtime/relations.py": any(controller.relations for controller in package.controllers),
    }
    return {path: source for path, source in runtime_sources().items() if needed.get(path, True)}


__all__ = ["render"]
