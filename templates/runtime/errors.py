"""What can go wrong, one class each, and how the driver's errors become them.

No message carries a value. What PostgreSQL said, values included, is kept in ``orig`` for those who ask.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import (
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InvalidRequestError,
    NoResultFound,
    StatementError,
)
from sqlalchemy.sql.schema import ColumnCollectionConstraint
from sqlmodel import SQLModel
from typing_extensions import override


class DatabaseError(Exception):
    """The base of every error of this package."""

    @override
    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class UnreachableError(DatabaseError, ConnectionError):
    """The server can not be reached, or does not let us in."""


class TransactionError(DatabaseError, RuntimeError):
    """A transaction is used in a way that can not be right; the message says what to do instead."""


class UnloadedError(DatabaseError, InvalidRequestError):
    """A relationship that was not loaded is touched; the message names its loader."""


class NotFoundError(DatabaseError, NoResultFound):
    """The row that must be there is not."""

    def __init__(self, model: type[SQLModel]) -> None:
        super().__init__(f"no such {model.__name__}")
        self.model = model


class ValidationError(DatabaseError, ValueError):
    """Values that a model does not accept.

    ``reasons`` has one for each field; ``details`` has the validators' own words, which may quote values.
    """

    def __init__(
        self, model: type[SQLModel], reasons: Mapping[str, str], details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{model.__name__}: " + "; ".join(f"{name} {why}" for name, why in reasons.items()))
        self.model = model
        self.reasons = dict(reasons)
        self.details = dict(details or reasons)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(self.reasons)


class InvalidValueError(DatabaseError, DataError, ValueError):
    """A value that passed validation, or had none, does not fit its column."""

    model: type[SQLModel] | None = None


class ConstraintError(DatabaseError, IntegrityError):
    """A constraint of the database does not hold; ``columns`` are attributes of the model."""

    kind = "constraint"
    model: type[SQLModel] | None = None
    constraint: str | None = None
    columns: tuple[str, ...] = ()


class UniqueViolation(ConstraintError):
    """Another row has the same key."""

    kind = "unique constraint"


class ForeignKeyViolation(ConstraintError):
    """The row pointed at does not exist, or is still pointed at."""

    kind = "foreign key"


class NotNullViolation(ConstraintError):
    """A value that must be there is NULL."""

    kind = "not-null constraint"


class CheckViolation(ConstraintError):
    """A check constraint refuses the row."""

    kind = "check constraint"


class ExclusionViolation(ConstraintError):
    """An exclusion constraint refuses the row."""

    kind = "exclusion constraint"


_VIOLATIONS = {
    "23502": NotNullViolation,
    "23503": ForeignKeyViolation,
    "23505": UniqueViolation,
    "23514": CheckViolation,
    "23P01": ExclusionViolation,
}
_SUFFIXES: dict[type[object], str] = {
    PrimaryKeyConstraint: "pkey",
    UniqueConstraint: "key",
    ForeignKeyConstraint: "fkey",
}


@contextmanager
def translated(model: type[SQLModel] | None) -> Generator[None, None, None]:
    """Raise the errors above in place of the driver's, whose messages carry values."""
    try:
        yield
    except StatementError as error:
        translation = None if isinstance(error, DatabaseError) else _translation(error, model)
        if translation is None:
            raise
        raise translation from None


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of an error, or nothing when it has none."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def _translation(error: StatementError, model: type[SQLModel] | None) -> DatabaseError | None:
    owner, code = model.__name__ if model else "database", sqlstate(error)
    if violation := _VIOLATIONS.get(code):
        return _violation(violation, error, model, owner)
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error.orig
    if code.startswith("22") or isinstance(cause, ValueError | TypeError):
        invalid = InvalidValueError(error.statement, None, error.orig or error, hide_parameters=True)
        invalid.model, invalid.args = model, (f"{owner}: a value does not fit its column",)
        return invalid
    return None


def _violation(
    kind: type[ConstraintError], error: StatementError, model: type[SQLModel] | None, owner: str
) -> ConstraintError:
    violation = kind(error.statement, None, error.orig or error, hide_parameters=True)
    cause = violation.orig.__cause__ if violation.orig else None
    violation.model, violation.constraint = model, getattr(cause, "constraint_name", None)
    if model:
        table, column = getattr(cause, "table_name", None), getattr(cause, "column_name", None)
        violation.columns = _columns(model, table, column or violation.constraint)
    columns = f"({', '.join(violation.columns)})" if violation.columns else None
    words = (f"{owner}:", kind.kind, violation.constraint, columns, "is violated")
    violation.args = (" ".join(word for word in words if word),)
    return violation


def _columns(model: type[SQLModel], table_name: str | None, name: str | None) -> tuple[str, ...]:
    """Find the attributes that a column's or constraint's ``name`` in the database stands for."""
    attributes = {column: one.key for one in inspect(model).column_attrs for column in one.columns}
    for table in model.metadata.tables.values():
        if table.name == table_name:
            groups = {_name(table, group): list(group.columns) for group in _groups(table)}
            columns = groups.get(name or "") or [column for column in table.columns if column.name == name]
            return tuple(attributes.get(column, column.name) for column in columns)
    return ()


def _groups(table: Table) -> Iterator[ColumnCollectionConstraint | Index]:
    yield from table.indexes
    yield from (one for one in table.constraints if isinstance(one, ColumnCollectionConstraint))


def _name(table: Table, group: ColumnCollectionConstraint | Index) -> str:
    """Return the name of a constraint, or the one that PostgreSQL gives where the model has none."""
    if isinstance(group.name, str) or type(group) not in _SUFFIXES:
        return str(group.name)
    columns = () if isinstance(group, PrimaryKeyConstraint) else (column.name for column in group.columns)
    return "_".join((table.name, *columns, _SUFFIXES[type(group)]))
