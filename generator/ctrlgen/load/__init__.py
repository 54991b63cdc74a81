"""Imports the user's modules and selects the table models in them; runs in the child process, called by ``child``.

``importing`` imports, ``discovery`` finds modules without importing them, ``model_classes`` selects classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType

from sqlmodel import SQLModel

from ctrlgen.errors import ModelError
from ctrlgen.finding import Finding
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
from ctrlgen.schema import Schema
from ctrlgen.source_locations import Sources


@dataclass(frozen=True, slots=True)
class Loaded:
    """The table models of the configured modules, and what could not be loaded.

    ``failed`` are the imports that failed, ``findings`` everything else about modules and classes.
    """

    names: tuple[str, ...]
    modules: tuple[ModuleType, ...]
    models: tuple[type[SQLModel], ...]
    failed: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    sources: Sources

    def completed(self, inspect: Callable[[], Schema]) -> Schema:
        """Return the schema that ``inspect`` makes of the models, with the findings of loading.

        Raises
        ------
        LoadError
            No model can be read, or the models cannot be mapped because a module of theirs failed.
        """
        try:
            schema = inspect()
        except ModelError as error:
            if self.failed:  # what is missing is most likely in a module that failed
                raise left_out(self.failed, self.sources, error) from error
            raise
        if not schema.models:
            raise no_models(self.names, self.modules, [*self.failed, *schema.findings], self.sources)
        findings = tuple(sorted([*self.failed, *self.findings, *schema.findings]))
        return replace(schema, findings=findings, incomplete=min(self.failed, default=None))


def load(names: Sequence[str], sources: Sources, progress: Progress) -> Loaded:
    """Import the modules called ``names`` and those below them, and return the table models they hold.

    Raises
    ------
    LoadError
        A configured module cannot be imported, or none holds a table model.
    """
    modules = import_configured(names, sources, progress)
    failed = list(import_submodules(modules, sources, progress))
    progress("reading the models")
    models, hidden = importable(table_models(modules), sources)
    hidden += sqlalchemy_models(modules, sources)
    if not models:
        raise no_models(names, modules, [*failed, *hidden], sources)
    findings = [*hidden, *unmapped(modules, sources), *empty_modules(modules, models, sources)]
    return Loaded(tuple(names), tuple(modules), tuple(models), tuple(failed), tuple(findings), sources)


__all__ = ["Loaded", "load"]
