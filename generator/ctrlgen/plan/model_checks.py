"""Checks of a model that yield findings.

``plan`` calls :func:`check_model`. The messages are in ``ctrlgen.findings``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ctrlgen.errors import UnindexedForeignKeyError, did_you_mean, listed
from ctrlgen.findings import (
    CONSTANT_EXPRESSION,
    CONTESTED_METHOD,
    NULLABLE_KEY,
    PREDICATE_NOT_UNDERSTOOD,
    PRIVATE_NAME,
    REDUNDANT_INDEX,
    REPLACED_MEMBER,
    RESERVED_KEYWORD,
    UNFIT_DEFAULT,
    UNINDEXED_FOREIGN_KEY,
    UNKNOWN_COLUMN,
    UNKNOWN_PARTITION_COLUMN,
    UNNAMED_EXPRESSION,
    UNPARTITIONABLE_KEY,
    Finding,
)
from ctrlgen.plan.access_paths import has_only_partial_index, index_advice, unindexed_foreign_keys
from ctrlgen.plan.methods import contested_methods, derived_methods, methods_without_predicate
from ctrlgen.plan.naming import CONTROLLER, REFINEMENTS
from ctrlgen.plan.tenants import check_tenants
from ctrlgen.schema import Imported, Index, Model
from ctrlgen.settings import Options

_UNFIT = {
    "naive": (
        "has no time zone, which its column rejects: every call that uses it fails",
        "write `datetime.now(UTC)`, or annotate the column with `NaiveDatetime`",
    ),
    "local": (
        "has no time zone, so it is stored as local time: the time zone of the machine decides which moment it is",
        "write `datetime.now(UTC)`",
    ),
    "aware": (
        "has a time zone, which its column rejects: every call that uses it fails",
        'declare the column as `DateTime(timezone=True)`, or set `naive_datetimes = "utc"`',
    ),
}
"""The problem with an unfit default, and the fix."""


def check_model(model: Model, options: Options) -> Iterator[Finding]:
    """Yield all findings about one model."""
    if options.foreign_keys == "warn":
        yield from _unindexed_foreign_keys(model)
    yield from _redundant_indexes(model)
    yield from _nullable_keys(model)
    yield from _unnamed_expressions(model)
    yield from _unknown_columns(model)
    yield from _unknown_partition_columns(model)
    yield from _unpartitionable_keys(model)
    yield from _unfit_defaults(model, options)
    yield from _constant_expressions(model)
    yield from _predicates_not_understood(model)
    yield from _reserved_keywords(model)
    yield from _replaced_members(model, options)
    yield from _contested_methods(model, options)
    yield from check_tenants(model, derived_methods(model, options), options)
    yield from _private_names(model)


def refuse_unindexed_foreign_keys(models: Iterable[Model]) -> None:
    """Raise ``UnindexedForeignKeyError`` for all foreign keys without an index."""
    keys = [(model, key) for model in models for key in unindexed_foreign_keys(model)]
    if keys:
        lines = [f"`{model.reference.name}` by {listed(key.attributes)} ({key.location})" for model, key in keys]
        message = f"no index of all rows begins with these foreign keys: {'; '.join(lines)}"
        hint = "; ".join(dict.fromkeys(index_advice(model, key) for model, key in keys))
        raise UnindexedForeignKeyError(message, location=keys[0][1].location, hint=hint)


def _unindexed_foreign_keys(model: Model) -> Iterator[Finding]:
    """Yield a finding for each foreign key without an index: deletes of referenced rows scan the table."""
    for key in unindexed_foreign_keys(model):
        fields = {
            "which": "only a partial index" if has_only_partial_index(model, key) else "no index",
            "key": listed(key.attributes),
            "fix": index_advice(model, key),
        }
        yield UNINDEXED_FOREIGN_KEY.at(key.location, model=model.reference.name, **fields)


def _redundant_indexes(model: Model) -> Iterator[Finding]:
    """Yield a finding for each plain index that is a prefix of another one: it slows writes and serves no query.

    An index with another order, operator class or included column is not redundant. Only B-trees support prefixes.
    """
    for index in model.indexes:
        longer = next((other for other in model.indexes if _makes_redundant(other, index, model)), None)
        if longer is not None:
            names = {"index": index.name, "model": model.reference.name, "other": _described(longer)}
            yield REDUNDANT_INDEX.at(index.location, **names)


def _makes_redundant(other: Index, index: Index, model: Model) -> bool:
    if other is index or index.unique or not other.enforced:
        return False
    if _method_and_predicate(other) != _method_and_predicate(index):
        return False
    parts, all_parts = index.ordered_parts, other.ordered_parts
    begins = all_parts[: len(parts)] == parts if index.method == "btree" else all_parts == parts
    stored = {*other.included, *(model.column(name).name for name in other.columns)}
    twins = all_parts == parts and set(other.included) == set(index.included) and not other.unique
    first = model.indexes.index(other) < model.indexes.index(
        index
    )  # of two equal indexes, the second is the one to drop
    return begins and stored.issuperset(index.included) and (first or not twins)


def _method_and_predicate(index: Index) -> tuple[str, str | None]:
    return index.method, index.predicate.sql if index.predicate else None


def _nullable_keys(model: Model) -> Iterator[Finding]:
    """Yield a finding for each unique key with a nullable column: any number of rows can have NULL there."""
    for index in model.indexes:
        nullable = [name for name in index.columns if model.column(name).nullable]
        if nullable and index.unique and index.predicate is None and not index.nulls_not_distinct:
            key = listed(part.name for part in index.parts)
            yield NULLABLE_KEY.at(index.location, model=model.reference.name, key=key, nullable=listed(nullable))


def _unnamed_expressions(model: Model) -> Iterator[Finding]:
    """Yield a finding for each index with an expression that has no name."""
    for index in model.indexes:
        for part in index.expressions:
            if part.name is None and index.is_comparable and part.sql not in index.constants:
                names = {"index": index.name or part.sql, "model": model.reference.name, "table": model.table}
                yield UNNAMED_EXPRESSION.at(index.location, **names, sql=part.sql)


def _unfit_defaults(model: Model, options: Options) -> Iterator[Finding]:
    """Yield a finding for each column whose default is an aware or naive datetime that does not fit the column."""
    for column in model.columns:
        if (unfit := column.unfit_default) and not (unfit.problem == "aware" and options.utc):
            problem, fix = _UNFIT[unfit.problem]
            name = f"{model.reference.name}.{column.attribute}"
            yield UNFIT_DEFAULT.at(column.location, what=unfit.what, column=name, problem=problem, fix=fix)


def _unknown_columns(model: Model) -> Iterator[Finding]:
    """Yield a finding for each name in the SQL of an index that is not a column of its table."""
    known = [column.name for column in model.columns]
    for index in model.indexes:
        for name in index.unknown_columns:
            hint = did_you_mean(name, known)
            fields = {"name": name, "table": model.table, "suggestion": f"; {hint}" if hint else ""}
            yield UNKNOWN_COLUMN.at(index.location, index=index.name, model=model.reference.name, **fields)


def _unknown_partition_columns(model: Model) -> Iterator[Finding]:
    """Yield a finding for each name in the PARTITION BY of a table that is not one of its columns."""
    for name in model.partitioning.unknown_columns if model.partitioning else ():
        hint = did_you_mean(name, [column.name for column in model.columns])
        fields = {"name": name, "table": model.table, "suggestion": f"; {hint}" if hint else ""}
        yield UNKNOWN_PARTITION_COLUMN.at(model.location, model=model.reference.name, **fields)


def _unpartitionable_keys(model: Model) -> Iterator[Finding]:
    """Yield a finding for each unique key that lacks a column by which the table is partitioned."""
    partitioning = model.partitioning
    if partitioning is None or partitioning.unknown_columns:
        return
    for index in model.indexes:
        missing = listed(name for name in partitioning.columns if name not in index.columns)
        if not (index.unique and index.enforced) or not (missing or partitioning.expressions):
            continue
        fields = {"problem": f"does not contain {missing}", "fix": f"add {missing} to the key"}
        if partitioning.expressions:
            fields = {"problem": "is unique", "fix": "partition by columns, and make them part of every unique key"}
        names = {"key": _described(index), "model": model.reference.name, "partitioning": partitioning.sql}
        yield UNPARTITIONABLE_KEY.at(index.location, **names, **fields)


def _constant_expressions(model: Model) -> Iterator[Finding]:
    """Yield a finding for each expression or predicate of an index that does not depend on the row."""
    for index in model.indexes:
        for sql in index.constants:
            corrected = sql
            for column in model.columns:
                corrected = corrected.replace(f"'{column.name}'", column.name)
            fields = {"sql": sql, "suggestion": f"; did you mean `text({corrected!r})`?" if corrected != sql else ""}
            yield CONSTANT_EXPRESSION.at(index.location, index=index.name, model=model.reference.name, **fields)


def _predicates_not_understood(model: Model) -> Iterator[Finding]:
    """Yield a finding for each partial unique index that lacks methods because its predicate is not parsed."""
    for index, methods in methods_without_predicate(model).items():
        if index.predicate and not (index.unknown_columns or index.constants):
            fields = {"sql": index.predicate.sql, "methods": "`, `".join(methods)}
            yield PREDICATE_NOT_UNDERSTOOD.at(index.location, index=index.name, model=model.reference.name, **fields)


def _reserved_keywords(model: Model) -> Iterator[Finding]:
    """Yield a finding for each column or index expression with the name of a parameter of finders."""
    for column in model.columns:
        if (name := column.attribute) in REFINEMENTS:
            fields = {"what": "column of that name", "fix": f"filter with `c.{name} == ...`"}
            yield RESERVED_KEYWORD.at(column.location, model=model.reference.name, name=name, **fields)
    for index in model.indexes:
        for part in index.expressions:
            if part.name in REFINEMENTS:
                fields = {"what": f"expression of `{index.name}`", "fix": "rename the index"}
                yield RESERVED_KEYWORD.at(index.location, model=model.reference.name, name=part.name, **fields)


def _replaced_members(model: Model, options: Options) -> Iterator[Finding]:
    """Yield a finding for each method that would override a member of every controller."""
    for method in derived_methods(model, options):
        if method.name in CONTROLLER:
            origin = f"index `{method.index.name}`" if method.index else "a relationship"
            location = method.index.location if method.index else model.location
            yield REPLACED_MEMBER.at(location, origin=origin, model=model.reference.name, method=method.name)


def _contested_methods(model: Model, options: Options) -> Iterator[Finding]:
    """Yield a finding for each index whose methods have the same names as those of another one."""
    for index, methods in contested_methods(model, options).items():
        are, them = ("is", "it") if len(methods) == 1 else ("are", "them")
        fields = {"methods": listed(methods), "are": are, "them": them, "origin": index.origin, "index": index.name}
        yield CONTESTED_METHOD.at(index.location, model=model.reference.name, **fields)


def _private_names(model: Model) -> Iterator[Finding]:
    """Yield a finding for a private model, and for each column with a private type."""
    if _is_private(model.reference):
        yield PRIVATE_NAME.at(model.location, what=f"`{model.reference.name}`")
    for column in model.columns:
        for piece in dict.fromkeys(column.annotation.pieces):
            if isinstance(piece, Imported) and _is_private(piece):
                what = f"the type `{piece.name}` of `{model.reference.name}.{column.attribute}`"
                yield PRIVATE_NAME.at(column.location, what=what)


def _is_private(item: Imported) -> bool:
    return any(part.startswith("_") for part in item.name.split("."))


def _described(index: Index) -> str:
    return f"`{index.name}`" if index.name else f"the {index.origin} on {listed(part.name for part in index.parts)}"
