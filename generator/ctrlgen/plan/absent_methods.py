"""Finds the methods that a model does not get, with reasons for ``explain`` and for AttributeErrors at run time.

A reason holds for several methods; ``{}`` in it stands for the column of a finder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ctrlgen.blueprint import AbsentMethods, Method
from ctrlgen.plan.access_paths import unique_paths
from ctrlgen.plan.methods import contested_methods, derived_methods, refused_methods
from ctrlgen.plan.naming import CONTROLLER, REFINEMENTS
from ctrlgen.plan.typed_dicts import where_entries
from ctrlgen.schema import Model
from ctrlgen.settings import Options

NO_INDEX = "no index begins with `{}`: find_all({}=...) scans the table"
ONLY_PARTIAL = "only partial indexes begin with `{}`: use their finders, or find_all({}=...)"
OTHER_METHOD = "the index that begins with `{}` does not support `=`: filter with find_all(c.{}...)"
IS_KEY = "`{}` is a unique key: use get_by_{}"
NOT_COMPARED = "PostgreSQL cannot compare json values: filter with find_all(c.{}[...]...)"
RESERVED = "`{}` is a parameter of finders: filter with find_all(c.{} == ...)"
SKIPPED = "skipped by `skip.methods` in pyproject.toml"
CONTESTED = "another index or key already has a method of this name"


def absent_methods(model: Model, methods: Iterable[Method], options: Options) -> tuple[AbsentMethods, ...]:
    """Return the absent methods that a user might expect, grouped by reason."""
    present = {method.name for method in methods} | CONTROLLER
    grouped: dict[str, list[str]] = {}
    seen = set(present)
    for name, reason in _reasons(model, options):
        if name not in seen:
            seen.add(name)
            grouped.setdefault(reason, []).append(name)
    return tuple(AbsentMethods(reason, tuple(names)) for reason, names in grouped.items())


def _reasons(model: Model, options: Options) -> Iterator[tuple[str, str]]:
    """Yield absent methods with their reasons, the most specific first."""
    for method in derived_methods(model, options):
        if options.skips(model, method.name):
            yield method.name, SKIPPED
        elif (new := options.name_of(model, method.name)) is not None:
            yield method.name, f"renamed to {new} by `names` in pyproject.toml"
    for names in contested_methods(model, options).values():
        yield from ((name, CONTESTED) for name in names)
    yield from refused_methods(model).items()
    yield from _finders(model)


def _finders(model: Model) -> Iterator[tuple[str, str]]:
    """Yield a finder for every column, with the reason why the column may not have one."""
    keys = {path.names[0] for path in unique_paths(model) if not path.purpose and len(path.names) == 1}
    leading = {index.parts[0].name: index for index in reversed(model.indexes) if index.parts}
    comparable = {index.parts[0].name for index in model.indexes if index.parts and index.is_comparable}
    filters = {entry.key for entry in where_entries(model)}
    for name in [column.attribute for column in model.columns]:
        if name in keys:
            reason = IS_KEY
        elif name in REFINEMENTS:
            reason = RESERVED
        elif name not in filters:
            reason = NOT_COMPARED
        elif name not in leading:
            reason = NO_INDEX
        else:
            reason = ONLY_PARTIAL if name in comparable else OTHER_METHOD
        yield f"find_by_{name}", reason
