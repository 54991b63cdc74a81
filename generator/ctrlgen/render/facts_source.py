"""Writes a controller's facts as the arguments of the runtime's ``Facts``; ``views`` asks for them."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterable, Iterator

from ctrlgen.package import Controller, Partial
from ctrlgen.render.imports import Imports
from ctrlgen.schema import Column, Imported, Model, Pin

_DECIMAL = Imported("decimal", "Decimal")


def facts_source(controller: Controller, imports: Imports) -> list[str]:
    """Return the arguments, ``required=('name',)``, of which those with nothing to say are left out."""
    facts, model = controller.facts, controller.model
    collections = {"required": facts.required, "computed": facts.computed, "omitted": facts.omitted}
    mappings = {
        "expressions": [(name, repr(sql)) for name, sql in facts.expressions],
        "partial": [(one.name, _partial(one, model, imports)) for one in facts.partial],
        "relations": [(one.attribute, "by_columns" if one.by_columns else "by_orm") for one in controller.relations],
    }
    return [
        *(f"{name}={given!r}" for name, given in (collections | {"unique": facts.unique}).items() if given),
        *(f"{name}={_dict(items)}" for name, items in mappings.items() if items),
    ]


def _dict(items: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key!r}: {source}" for key, source in items) + "}"


def _partial(partial: Partial, model: Model, imports: Imports) -> str:
    return f"Partial({', '.join(_arguments(partial, model, imports))})"


def _arguments(partial: Partial, model: Model, imports: Imports) -> Iterator[str]:
    yield repr(partial.where)
    if partial.implied:
        yield _dict((pin.attribute, _value(pin, model.column(pin.attribute), imports)) for pin in partial.implied)
    if partial.present:
        yield f"present={partial.present!r}"
    if partial.keys:
        yield f"keys={partial.keys!r}"


def _value(pin: Pin, column: Column, imports: Imports) -> str:
    """Return the value that a predicate gives to a column."""
    if pin.value is None:
        return "None"
    if column.kind == "decimal":
        return f"{imports.name(_DECIMAL)}({pin.value!r})"
    return _member(ast.literal_eval(pin.value), column, imports) if column.kind == "enum" else pin.value


def _member(name: str, column: Column, imports: Imports) -> str:
    cls = imports.source(column.annotation)
    return f"{cls}.{name}" if name.isidentifier() and not keyword.iskeyword(name) else f"{cls}[{name!r}]"
