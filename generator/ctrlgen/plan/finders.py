"""Methods on many rows: what the leading part of an index, a partial index, or a relationship gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ctrlgen.options import ForeignKeys
from ctrlgen.package import Method, Parameter
from ctrlgen.plan.keys import parameters
from ctrlgen.plan.naming import part_name
from ctrlgen.plan.paths import index_paths, partial_paths, unindexed_foreign_keys, unique_paths
from ctrlgen.schema import ColumnPart, Index, Model


def finder_methods(model: Model, foreign_keys: ForeignKeys = "warn") -> Iterator[Method]:
    """Yield a finder for every leading part that is not a key in itself; if wanted, also for bare foreign keys."""
    keys = {path.names for path in unique_paths(model) if not path.purpose}
    seen: set[str] = set()
    for path in index_paths(model):
        name = path.names[0]
        if (name,) in keys or name in seen:
            continue
        seen.add(name)
        doc = f"Select the rows with this `{name}`.{_narrowing(name, model)}"
        (asked,) = parameters(path.parts[:1], [name], model)
        yield Method("find", f"find_by_{name}", doc, (_answerable(asked, path.index),), index=path.index)
    for key in unindexed_foreign_keys(model) if foreign_keys == "emit" else ():
        name = key.attributes[0]
        if (name,) not in keys and name not in seen:
            seen.add(name)
            doc = f"Select the rows with this `{name}`; no index backs this: it scans the table."
            yield Method("find", f"find_by_{name}", doc, parameters([ColumnPart(name)], [name], model))


def partial_methods(model: Model) -> Iterator[Method]:
    """Yield a finder for every partial index that is not unique."""
    for path in partial_paths(model):
        doc = f"Select the rows of `{path.index.name}`{path.condition}."
        yield Method("find", f"find_{path.purpose}", doc, within=path.within, index=path.index)


def loader_methods(model: Model) -> Iterator[Method]:
    """Yield a loader for every relationship."""
    for relation in model.relations:
        doc = f"Load `{relation.attribute}` of these objects, in one statement."
        yield Method("load", f"load_{relation.attribute}", doc, relation=relation)


def _answerable(parameter: Parameter, index: Index) -> Parameter:
    """Return the parameter as the index can answer it: a hash knows only equality, some have no NULL in them."""
    nullable = parameter.nullable and index.predicate is None
    return replace(parameter, nullable=nullable, comparison="equal" if index.method == "hash" else parameter.comparison)


def _narrowing(name: str, model: Model) -> str:
    """Return the sentence that names the composite indexes which begin with ``name``."""
    rests = [_rest(path.index) for path in index_paths(model) if path.names[0] == name and len(path.names) > 1]
    return f" An index also narrows by {' or '.join(dict.fromkeys(rests))}." if rests else ""


def _rest(index: Index) -> str:
    return ", ".join(f"`{part_name(part)}`" for part in index.parts[1:])
