"""Imports the configured modules and selects their table models. ``child`` calls it, in the child process.

``importing`` imports modules (``class_bodies`` and ``import_hints`` explain failures), ``model_classes`` selects
classes, and ``reserved_names`` refuses those with a column that cannot have its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType

from sqlmodel import SQLModel

from ctrlgen.errors import ModelError
from ctrlgen.findings import Finding
from ctrlgen.load.importing import Progress, import_configured, import_submodules
from ctrlgen.load.model_classes import (
    empty_modules,
    importable,
    left_out,
    no_models,
    sqlalchemy_models,
    table_models,
    unmapped,
)
from ctrlgen.load.reserved_names import refuse_reserved_names
from ctrlgen.schema import Schema
from ctrlgen.source_locations import Sources


@dataclass(frozen=True, slots=True)
class Loaded:
    """The table models of the configured modules, and the failures.

    ``failed`` are the failed imports, ``findings`` all other findings about modules and classes.
    """

    names: tuple[str, ...]
    modules: tuple[ModuleType, ...]
    models: tuple[type[SQLModel], ...]
    failed: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    sources: Sources

    def completed(self, inspect: Callable[[], Schema]) -> Schema:
        """Return the schema of the models, with the findings of loading.

        Raises
        ------
        LoadError
            No model can be read, or the models cannot be mapped because the import of a module failed.
        """
        try:
            schema = inspect()
        except ModelError as error:
            if self.failed:  # the missing class is most likely in a module that failed
                raise left_out(self.failed, self.sources, error) from error
            raise
        if not schema.models:
            raise no_models(self.names, self.modules, [*self.failed, *schema.findings], self.sources)
        findings = tuple(sorted([*self.failed, *self.findings, *schema.findings]))
        return replace(schema, findings=findings, incomplete=min(self.failed, default=None))


def load(names: Sequence[str], sources: Sources, progress: Progress) -> Loaded:
    """Import the modules ``names`` and their submodules, and return the table models that they declare.

    Raises
    ------
    LoadError
        A configured module cannot be imported, or none declares a table model.
    ReservedNameError
        A column or relationship has a name that SQLAlchemy or pydantic reserves.
    """
    modules = import_configured(names, sources, progress)
    failed = list(import_submodules(modules, sources, progress))
    progress("reading the models")
    models, hidden = importable(table_models(modules), sources)
    hidden += sqlalchemy_models(modules, sources)
    refuse_reserved_names(models, sources)
    if not models:
        raise no_models(names, modules, [*failed, *hidden], sources)
    findings = [*hidden, *unmapped(modules, sources), *empty_modules(modules, models, sources)]
    return Loaded(tuple(names), tuple(modules), tuple(models), tuple(failed), tuple(findings), sources)


__all__ = ["Loaded", "load"]
