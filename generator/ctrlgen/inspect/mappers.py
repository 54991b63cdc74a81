"""Configures the mappers, and converts failures to errors at the line that is wrong.

``models`` calls :func:`configure` before anything is read. SQLAlchemy names the relationship that it was configuring,
but the mistake is often elsewhere: in a foreign key of one of the two tables, or in a class that is not a table.
"""

from __future__ import annotations

import re
import traceback
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, cast

from sqlalchemy import ForeignKey, Table
from sqlalchemy.exc import NoReferencedColumnError, NoReferenceError
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlmodel import SQLModel

from ctrlgen.errors import ForeignKeyError, ModelError, RelationshipError, closest, described, did_you_mean, message_of
from ctrlgen.inspect.relationship_mistakes import mistake_in
from ctrlgen.source_locations import Sources

_UNKNOWN = re.compile(r"failed to locate a name \((?P<quote>['\"])(?P<name>.+?)(?P=quote)\)")
_UNMAPPED = re.compile(r"Class '(?P<name>.+?)' is not mapped")


def configure(mappers: Iterable[Mapper[Any]], sources: Sources) -> None:
    """Resolve the relationships of the mappers, and of the mappers that they refer to.

    Raises
    ------
    ModelError
        If a relationship has an unknown target, no foreign key, or an unknown ``back_populates``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # lazy="noload" is deprecated, but allowed
        for mapper in mappers:
            try:
                mapper.registry.configure(cascade=True)
            except Exception as error:
                raise _error(error, mapper, sources) from error


def problem_of(error: NoReferenceError) -> str:
    """Return the problem with the table that a foreign key references."""
    return "has no such column" if isinstance(error, NoReferencedColumnError) else "is not declared"


def intended_target(written: str, table: Table, linked: Iterable[Table] = ()) -> str | None:
    """Return the hint for a foreign key without a valid target.

    Parameters
    ----------
    written
        The target as declared, ``teams.id``.
    table
        The table that has the foreign key.
    linked
        The likely target tables, because a relationship refers to them.
    """
    name, _, column = written.rpartition(".")
    if model := next((model for model in _models_without_table() if _table_name(model) == name), None):
        return _table_hint(model)
    tables = {str(other.fullname): other for other in table.metadata.tables.values()}
    likely = [*(tables[close] for close in [closest(name, tables)] if close), *linked]
    targets = (f"{other.fullname}.{_intended_column(column, other)}" for other in likely)
    return next((f"did you mean `{target}`?" for target in targets if not target.endswith(".")), None)


def _intended_column(column: str, table: Table) -> str:
    """Return the column of a table with this name, or with a similar one, or else its key."""
    names = [str(column.name) for column in table.columns]
    keys = [str(column.name) for column in table.primary_key]
    return closest(column, names) or (keys[0] if len(keys) == 1 else "")


def _error(error: Exception, mapper: Mapper[Any], sources: Sources) -> ModelError:
    culprit = next(_relationships(error), None)
    if culprit is None:
        return ModelError(f"the models cannot be mapped: {described(error)}")
    model: type = culprit.parent.class_
    name = f"{model.__name__}.{culprit.key}"
    if target := _target_without_table(error):
        location = sources.of_class(target)
        message = f"relationship `{name}` refers to `{target.__name__}`, which is not a table"
        return RelationshipError(message, location, _table_hint(target), sources.text(location))
    if not _UNKNOWN.search(message_of(error)) and (broken := _broken_foreign_key(culprit, sources)):
        return broken
    if mistake := mistake_in(culprit, error):
        location = sources.of_attribute(model, mistake.attribute)
        message = f"relationship `{name}` {mistake.problem}"
        return RelationshipError(message, location, mistake.hint, sources.text(location))
    location = sources.of_attribute(model, culprit.key)
    unknown = _UNKNOWN.search(message_of(error))
    is_name = unknown is not None and unknown["name"].isidentifier()
    reason = (
        "cannot be resolved: " + described(error)
        if unknown is None or not is_name
        else f"refers to `{unknown['name']}`, which is not declared"
    )
    message = f"relationship `{name}` {reason}"
    hint = _hint(error, mapper, string_annotations=sources.has_string_annotations(model))
    return RelationshipError(message, location, hint, sources.text(location))


def _relationships(error: Exception) -> Iterator[RelationshipProperty[Any]]:
    """Yield the relationships that SQLAlchemy was configuring, the last first. Not all messages name them."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        busy: object = frame.f_locals.get("self")
        if isinstance(busy, RelationshipProperty):
            yield busy


def _broken_foreign_key(culprit: RelationshipProperty[Any], sources: Sources) -> ModelError | None:
    """Return the error for a foreign key between the two sides of a relationship that has no valid target."""
    try:
        mappers: list[Mapper[Any]] = [culprit.parent, culprit.mapper]
    except Exception:  # noqa: BLE001 - the other side may be the invalid one
        mappers = [culprit.parent]
    tables = [cast("Table", mapper.local_table) for mapper in mappers]
    for mapper, table in zip(mappers, tables, strict=True):
        for key in sorted(table.foreign_keys, key=lambda key: str(key.parent.name)):
            if (error := _unresolved(key)) is not None:
                others = [other for other in tables if other is not table] or tables
                hint = intended_target(key.target_fullname, table, others)
                return _foreign_key_error(key, error, mapper, hint, sources)
    return None


def _foreign_key_error(
    key: ForeignKey, error: NoReferenceError, mapper: Mapper[Any], hint: str | None, sources: Sources
) -> ModelError:
    model: type = mapper.class_
    attribute = next((name for name, column in mapper.columns.items() if column is key.parent), str(key.parent.name))
    location = sources.of_attribute(model, attribute)
    problem = f"references `{key.target_fullname}`, but the table `{error.table_name}` {problem_of(error)}"
    return ForeignKeyError(f"`{model.__name__}.{attribute}` {problem}", location, hint, sources.text(location))


def _unresolved(key: ForeignKey) -> NoReferenceError | None:
    try:
        _ = key.column
    except NoReferenceError as error:
        return error
    return None


def _target_without_table(error: Exception) -> type[SQLModel] | None:
    """Return the target of a relationship if it is a model without ``table=True``."""
    match = _UNMAPPED.search(message_of(error)) or _UNKNOWN.search(message_of(error))
    name = match["name"] if match else ""
    named = (
        model for model in _models_without_table() if name in {model.__name__, f"{model.__module__}.{model.__name__}"}
    )
    return next(named, None)


def _models_without_table() -> Iterator[type[SQLModel]]:
    """Yield the subclasses of SQLModel that are not tables."""
    waiting = list(SQLModel.__subclasses__())
    while waiting:
        model = waiting.pop()
        waiting.extend(model.__subclasses__())
        if model.model_config.get("table") is not True:
            yield model


def _table_name(model: type[SQLModel]) -> str:
    """Return the name that the table of a model would have."""
    own: object = vars(model).get("__tablename__")
    return own if isinstance(own, str) else model.__name__.lower()


def _table_hint(model: type[SQLModel]) -> str:
    bases = ", ".join(base.__name__ for base in model.__bases__)
    return f"declare it as a table: `class {model.__name__}({bases}, table=True)`"


def _hint(error: Exception, mapper: Mapper[Any], *, string_annotations: bool) -> str | None:
    match = _UNKNOWN.search(message_of(error))
    unknown = match["name"] if match else ""
    if string_annotations and not unknown.isidentifier():
        return (
            "SQLModel does not support relationships in a module with `from __future__ import annotations`: remove "
            'that line, and quote classes that are declared later, as in list["Player"]'
        )
    if not unknown:
        return None
    names = sorted({other.class_.__name__ for other in mapper.registry.mappers})
    missing = f"no imported module declares `{unknown}`: check that its module is in a configured package"
    return did_you_mean(unknown, names) or missing
