"""Selects the table models of the configured modules, and reports the classes that are left out.

Called by ``load``, in the child process.
"""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import cast

from sqlmodel import SQLModel

from ctrlgen.errors import CtrlgenError, LoadError, NoModelsError, listed
from ctrlgen.findings import EMPTY_MODULE, SQLALCHEMY_MODEL, UNIMPORTABLE_MODEL, UNMAPPED_TABLE, Finding
from ctrlgen.source_locations import Sources
from ctrlgen.table_modules import module_hint

_LISTED = 5  # names in a message


def table_models(modules: Sequence[ModuleType]) -> list[type[SQLModel]]:
    """Return the table models declared in or exported by a configured module, sorted."""
    exported = {id(value) for module in modules for value in vars(module).values()}
    selected = [model for model in mapped_classes() if id(model) in exported or _under(model, modules)]
    return sorted(selected, key=lambda model: (model.__module__, model.__qualname__))


def importable(models: Iterable[type[SQLModel]], sources: Sources) -> tuple[list[type[SQLModel]], list[Finding]]:
    """Return the models that emitted code can import, and a finding for each that it cannot.

    Classes left by a failed import are in neither, because the failure has its own finding.
    """
    kept: list[type[SQLModel]] = []
    findings: list[Finding] = []
    for model in models:
        if _is_importable(model):
            kept.append(model)
        elif model.__module__ in sys.modules:
            keywords = any(map(keyword.iskeyword, model.__module__.split(".")))
            reason = ", which has a Python keyword in its name: rename the module" if keywords else ""
            names = {"model": model.__qualname__, "module": model.__module__, "reason": reason}
            findings.append(UNIMPORTABLE_MODEL.at(sources.of_class(model), **names))
    return kept, findings


def unmapped(modules: Sequence[ModuleType], sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each class with ``table=True`` that is not mapped, for example because of inheritance."""
    for model in _subclasses():
        declared = model.model_config.get("table") is True and "__mapper__" not in vars(model)
        if declared and model.__module__ in sys.modules and _under(model, modules):
            yield UNMAPPED_TABLE.at(sources.of_class(model), model=model.__qualname__)


def sqlalchemy_models(modules: Sequence[ModuleType], sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each class that is mapped by SQLAlchemy and is not a SQLModel."""
    for name, module in sorted(sys.modules.items()):
        if any(f"{name}.".startswith(f"{configured.__name__}.") for configured in modules):
            for cls in _classes(module):
                if "__mapper__" in vars(cls) and not issubclass(cls, SQLModel):
                    yield SQLALCHEMY_MODEL.at(sources.of_class(cls), model=cls.__qualname__)


def empty_modules(
    modules: Sequence[ModuleType], models: Sequence[type[SQLModel]], sources: Sources
) -> Iterator[Finding]:
    """Yield a finding for each configured module without any of the models."""
    for module in modules:
        exported = {id(value) for value in vars(module).values()}
        if not any(id(model) in exported or _under(model, [module]) for model in models):
            location = sources.place(module.__file__ or module.__name__, 1)
            yield EMPTY_MODULE.at(location, module=module.__name__)


def no_models(
    names: Sequence[str], modules: Sequence[ModuleType], failed: Sequence[Finding], sources: Sources
) -> LoadError:
    """Return the error for a configuration without table models.

    Parameters
    ----------
    failed
        The submodules and models that were left out, which are the reason.
    """
    if failed:
        return left_out(failed, sources)
    plain = [name for module in modules for name in _plain_models(module)]
    message = f"no table model in {listed(names, _LISTED)}"
    if plain:
        lack = "lacks" if len(plain) == 1 else "lack"
        return NoModelsError(
            message, None, f"{listed(plain, _LISTED)} {lack} `table=True`: class {plain[0]}(SQLModel, table=True)"
        )
    return NoModelsError(message, None, module_hint(names[0] if names else "", sources.root))


def left_out(failed: Sequence[Finding], sources: Sources, *others: CtrlgenError) -> LoadError:
    """Return an error with all reasons why modules and models were left out, and the ``others``."""
    first, *rest = (
        LoadError(finding.message, finding.location, None, sources.text(finding.location)) for finding in failed
    )
    return replace(first, others=(*rest, *others))


def mapped_classes() -> Iterator[type[SQLModel]]:
    """Yield all mapped subclasses of SQLModel in the process, in any registry."""
    return (model for model in _subclasses() if "__mapper__" in vars(model))


def _subclasses() -> Iterator[type[SQLModel]]:
    waiting = list(SQLModel.__subclasses__())
    seen: set[int] = set()
    while waiting:
        model = waiting.pop()
        if id(model) not in seen:
            seen.add(id(model))
            waiting.extend(model.__subclasses__())
            yield model


def _under(model: type, modules: Sequence[ModuleType]) -> bool:
    return any(f"{model.__module__}.".startswith(f"{module.__name__}.") for module in modules)


def _is_importable(model: type) -> bool:
    if any(keyword.iskeyword(part) for part in f"{model.__module__}.{model.__qualname__}".split(".")):
        return False  # only `importlib` can import it, not a statement
    item: object = sys.modules.get(model.__module__)
    for name in model.__qualname__.split("."):
        item = getattr(item, name, None)
    return item is model


def _plain_models(module: ModuleType) -> list[str]:
    """Return the names of the SQLModel classes of a module that are not tables."""
    return sorted(cls.__name__ for cls in _classes(module) if issubclass(cls, SQLModel))


def _classes(module: ModuleType) -> list[type[object]]:
    """Return the classes declared in a module."""
    values: Iterable[object] = vars(module).values()
    classes = [cast("type[object]", value) for value in values if isinstance(value, type)]
    return [cls for cls in classes if cls.__module__ == module.__name__]
