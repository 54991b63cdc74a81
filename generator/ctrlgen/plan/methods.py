"""Derives the methods of a model from its keys, indexes and relationships.

A new kind of method is added here, with a template ``templates/methods/<kind>.jinja``; see ``docs/adding-a-method.md``.
Methods on one row are listed in ``KEY_METHODS``. The others have a function each, listed in ``_DERIVATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ctrlgen.blueprint import Method, Parameter
from ctrlgen.plan.access_paths import (
    AccessPath,
    index_paths,
    is_arbiter,
    partial_paths,
    unindexed_foreign_keys,
    unique_paths,
)
from ctrlgen.plan.naming import CONTROLLER, MANY, key_name, method_name, parameter_names
from ctrlgen.plan.typed_dicts import update_keys
from ctrlgen.schema import ColumnPart, ExpressionPart, Index, Model, Part, inputs_of, names_of
from ctrlgen.settings import Options

# Reasons why a unique key does not get a method, which ``explain`` shows. They are empty if the key gets the method.


def _never(_path: AccessPath, _model: Model) -> str:
    """Accept all keys."""
    return ""


def _nothing_to_set(_path: AccessPath, model: Model) -> str:
    """Reject a model with only a primary key, which cannot be updated."""
    return "" if update_keys(model) else "the table has no column to update besides its primary key"


def _not_set_by_every_row(path: AccessPath, model: Model) -> str:
    """Reject a key if a new row may omit a column, or have NULL there, or if ON CONFLICT does not accept the key."""
    predicate = path.index.predicate if path.within else None
    if predicate is not None and not predicate.is_settled:
        return f"the predicate of `{path.index.name}` does not determine the values of a new row"
    return _not_a_key_of_new_rows(path, model)


def _not_set_by_every_row_that_changes(path: AccessPath, model: Model) -> str:
    """Reject a key that either of the two rejects."""
    return _nothing_to_set(path, model) or _not_set_by_every_row(path, model)


def _not_a_key_of_new_rows(path: AccessPath, model: Model) -> str:
    """Reject a key as above, regardless of its predicate."""
    if not is_arbiter(path.index.parts, path.index.predicate if path.within else None, model):
        return "ON CONFLICT does not support this key"
    if not path.parts:
        return "the predicate determines every column of the key"
    return next(filter(None, (_not_set(part, model) for part in path.parts)), "")


def _not_set(part: Part, model: Model) -> str:
    columns = [model.column(attribute) for attribute in inputs_of(part)]
    if not columns:
        return f"ctrlgen cannot determine which columns `{part.name}` depends on"
    for column in columns:
        if column.nullable:
            return f"`{column.attribute}` may be NULL, and NULL never conflicts"
        if not column.is_required:
            return f"a new row may omit `{column.attribute}`"
    return ""


# Methods.


def _none(_model: Model) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class KeyMethod:
    """A method of unique keys: ``<kind>_by_<key>``.

    ``doc`` is its docstring, with ``{key}`` for the key. ``refusal`` returns the reason why a key does not get it.
    ``keywords`` are the keys of the ``**values`` that it takes besides the key. If it ``reads``, the docstring names
    the index.
    """

    kind: str
    doc: str
    refusal: Callable[[AccessPath, Model], str] = _never
    keywords: Callable[[Model], list[str]] = _none
    reads: bool = False


KEY_METHODS = (
    KeyMethod("get", "Return the row with this {key}, or None.", reads=True),
    KeyMethod("get_one", "Return the row with this {key}, or raise `NotFoundError`.", reads=True),
    KeyMethod(
        "update",
        "Update the row with this {key} and return it, or None if there is none.",
        _nothing_to_set,
        update_keys,
    ),
    KeyMethod(
        "update_one",
        "Update the row with this {key} and return it, or raise `NotFoundError`.",
        _nothing_to_set,
        update_keys,
    ),
    KeyMethod("delete", "Delete the row with this {key}, and return whether it existed."),
    KeyMethod(
        "get_or_create",
        "Return the row with this {key}, created if missing, and whether it was created.",
        _not_set_by_every_row,
    ),
    KeyMethod("upsert", "Insert the row, or set these values of the row with this {key}.", _not_set_by_every_row),
    KeyMethod(
        "create_or_update",
        "Insert `create`, or apply `update` to the row with this {key}.",
        _not_set_by_every_row_that_changes,
    ),
)


def derived_methods(model: Model, options: Options) -> tuple[Method, ...]:
    """Return the methods of keys, indexes and relationships, without duplicate names."""
    return tuple(method for method, winner in _latest.methods(model, options) if method is winner)


def is_derived(name: str) -> bool:
    """Return whether a method of that name can only be derived from a key, an index or a relationship of some model."""
    return name.startswith(_PREFIXES) and name not in CONTROLLER


def contested_methods(model: Model, options: Options) -> dict[Index, list[str]]:
    """Return the names of the methods that an index does not get, because another index or key has them."""
    losers: dict[Index, list[str]] = {}
    for method, winner in _latest.methods(model, options):
        if method is not winner and method.index is not None:
            losers.setdefault(method.index, []).append(method.name)
    return losers


def refused_methods(model: Model) -> dict[str, str]:
    """Return the reasons why unique keys do not get some of their methods, by method name."""
    refused = {
        _name_of_key_method(rule, path, model): rule.refusal(path, model)
        for path in unique_paths(model)
        for rule in KEY_METHODS
    }
    return {name: reason for name, reason in refused.items() if reason}


def methods_without_predicate(model: Model) -> dict[Index, list[str]]:
    """Return the names of the methods that a partial index lacks only because its predicate is not parsed."""
    paths = [path for path in unique_paths(model) if path.within and not _not_a_key_of_new_rows(path, model)]
    return {
        path.index: [_name_of_key_method(rule, path, model) for rule in KEY_METHODS if rule.refusal(path, model)]
        for path in paths
        if path.index.predicate and not path.index.predicate.is_settled
    }


class _Latest:
    """Remembers the methods of the latest model, because every step of the plan asks for them several times in a row.

    Models are compared by identity: to compare their contents takes about as long as to derive the methods.
    """

    def __init__(self) -> None:
        self._model: Model | None = None
        self._options: Options | None = None
        self._methods: list[tuple[Method, Method]] = []

    def methods(self, model: Model, options: Options) -> list[tuple[Method, Method]]:
        """Return each method of a model with the one that gets its name."""
        if model is not self._model or options is not self._options:
            self._methods = _resolved(model, options)
            self._model, self._options = model, options
        return self._methods


_latest = _Latest()


def _resolved(model: Model, options: Options) -> list[tuple[Method, Method]]:
    """Return each method with the one that gets its name: that of a full index, or else the first."""
    methods = [method for derive in _DERIVATIONS for method in derive(model, options)]
    winners: dict[str, Method] = {}
    for method in sorted(methods, key=lambda method: method.within is not None):
        winners.setdefault(method.name, method)
    return [(method, winners[method.name]) for method in methods]


def _key_methods(model: Model, _options: Options) -> Iterator[Method]:
    """Yield the methods of every unique key, the primary key first."""
    for path in unique_paths(model):
        for rule in KEY_METHODS:
            if not rule.refusal(path, model):
                yield _key_method(rule, path, model)


def _name_of_key_method(rule: KeyMethod, path: AccessPath, model: Model) -> str:
    return method_name(rule.kind, path.purpose, key_name(path.names, path.index, model) if path.names else "")


def _key_method(rule: KeyMethod, path: AccessPath, model: Model) -> Method:
    name = key_name(path.names, path.index, model)
    key = " and ".join(f"`{name}`" for name in ([name] if len(path.names) > MANY else path.names)) + path.where
    parameters = _parameters(path.parts, model, rule.keywords(model))
    if not path.index.nulls_not_distinct:
        parameters = tuple(replace(parameter, nullable=False) for parameter in parameters)
    return Method(
        kind=rule.kind,
        name=_name_of_key_method(rule, path, model),
        doc=rule.doc.format(key=key) + (_backing(path.index) if rule.reads else ""),
        parameters=parameters,
        within=path.within,
        index=path.index,
    )


def _partial_finders(model: Model, _options: Options) -> Iterator[Method]:
    """Yield a finder for the first part of each partial index, unless that part is unique.

    A unique index has getters, so it gets no finder if another index already has one of that name.
    """
    paths = partial_paths(model)
    seen: set[tuple[str, str]] = set()
    for path in paths:
        lead = path.names[:1]
        name = method_name("find", path.purpose, "".join(lead))
        if (name, path.predicate) in seen or (path.unique and name in {taken for taken, _ in seen}):
            continue
        seen.add((name, path.predicate))
        alike = [other for other in paths if (other.purpose, other.predicate) == (path.purpose, path.predicate)]
        doc = f"Select the rows of `{path.index.name}`{path.where}."
        if lead:
            doc = (
                f"Select the rows with this `{lead[0]}`{path.where}.{_backing(path.index)}{_narrowing(lead[0], alike)}"
            )
        parameters = tuple(_answerable(parameter, path) for parameter in _parameters(path.parts[:1], model))
        yield Method("find", name, doc, parameters, within=path.within, index=path.index)


def _finders(model: Model, options: Options) -> Iterator[Method]:
    """Yield a finder for the first part of each index that is not a key; optionally also for unindexed foreign keys."""
    seen = {path.names[0] for path in unique_paths(model) if not path.purpose and len(path.names) == 1}
    for path in index_paths(model):
        name = path.names[0]
        if name not in seen:
            seen.add(name)
            doc = f"Select the rows with this `{name}`.{_backing(path.index)}{_narrowing(name, index_paths(model))}"
            (parameter,) = _parameters(path.parts[:1], model)
            yield Method("find", method_name("find", "", name), doc, (_answerable(parameter, path),), index=path.index)
    for key in unindexed_foreign_keys(model) if options.foreign_keys == "emit" else ():
        name = key.attributes[0]
        if name not in seen:
            seen.add(name)
            doc = f"Select the rows with this `{name}`; no index backs this: it scans the table."
            yield Method("find", method_name("find", "", name), doc, _parameters((ColumnPart(name),), model))


def _loaders(model: Model, _options: Options) -> Iterator[Method]:
    """Yield a loader for every relationship."""
    for relation in model.relations:
        doc = f"Load `{relation.attribute}` of these objects in one statement."
        yield Method("load", f"load_{relation.attribute}", doc, relation=relation)


def _linkers(model: Model, _options: Options) -> Iterator[Method]:
    """Yield the methods that change the links of each many-to-many relationship."""
    for relation in model.relations:
        if relation.linked:
            for kind, doc in LINKERS.items():
                name = relation.attribute
                yield Method(kind, f"{kind}_{name}", doc.format(name=name), relation=relation)


LINKERS = {
    "add": "Link each of the objects to these `{name}`, and return the number of new links.",
    "remove": "Remove the links of the objects to these `{name}`, and return how many existed.",
    "set": "Link each of the objects to exactly these `{name}`, and return the number of changed links.",
}
"""The kinds of methods that change links, with their docstrings."""

_DERIVATIONS = (_key_methods, _partial_finders, _finders, _loaders, _linkers)
"""The sources of methods. Of two methods with the same name, the first gets it."""

_PREFIXES = (*(f"{rule.kind}_" for rule in KEY_METHODS), *(f"{kind}_" for kind in LINKERS), "find_", "load_")
"""The prefixes of the names of all derived methods."""


def _parameters(parts: tuple[Part, ...], model: Model, keywords: Iterable[str] = ()) -> tuple[Parameter, ...]:
    """Return the parameters for ``parts`` in a method that takes these keywords."""
    keys = names_of(parts)
    names = parameter_names(keys, keywords)
    return tuple(_parameter(name, key, part, model) for name, key, part in zip(names, keys, parts, strict=True))


def _parameter(name: str, key: str, part: Part, model: Model) -> Parameter:
    if isinstance(part, ExpressionPart):
        return Parameter(name, key, part.annotation, nullable=False, comparison=part.comparison)
    column, single = model.column(part.attribute), part.attribute == model.tenant
    return Parameter(name, key, column.annotation, column.nullable, column.comparison, single=single)


def tenant_parameter(model: Model) -> Parameter | None:
    """Return the parameter for the tenant in methods that take filters; None if they do not require it."""
    if model.tenant is None:
        return None
    (name,) = parameter_names([model.tenant], ["all_rows", "filters", *update_keys(model)])
    return replace(_parameter(name, model.tenant, ColumnPart(model.tenant), model), nullable=False, single=True)


def _answerable(parameter: Parameter, path: AccessPath) -> Parameter:
    """Return the parameter with the comparisons that the index supports: a hash index only equality, some no NULL."""
    nullable = parameter.nullable and path.has_null
    comparison = "equal" if path.index.method == "hash" else parameter.comparison
    answerable = replace(parameter, nullable=nullable, comparison=comparison)
    if answerable == parameter:
        return parameter
    (name,) = parameter_names([parameter.key], [parameter.key])  # because the keyword of that name accepts more
    return replace(answerable, name=name)


def _backing(index: Index) -> str:
    """Return the sentence that names the index behind a method."""
    name = "the primary key" if index.origin == "primary key" else f"`{index.name}`" if index.name else ""
    return f" Backed by {name}." if name else ""


def _narrowing(name: str, paths: Iterable[AccessPath]) -> str:
    """Return the sentence that names the composite indexes that begin with ``name``."""
    rests = [", ".join(f"`{rest}`" for rest in path.names[1:]) for path in paths if path.names[:1] == (name,)]
    narrowing = dict.fromkeys(filter(None, rests))
    return f" An index also narrows by {' or '.join(narrowing)}." if narrowing else ""
