"""What can go wrong, one class each, and how the driver's errors become them.

No message carries a value. What PostgreSQL said, values included, is kept in ``orig`` for those who ask.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from sqlalchemy import exc, inspect
from sqlmodel import SQLModel
from typing_extensions import override

Model: TypeAlias = type[SQLModel]


class DatabaseError(Exception):
    """The base of every error of this package."""

    @override
    def __str__(self) -> str:
        return str(self.args[0])


class UnreachableError(DatabaseError, ConnectionError):
    """The server can not be reached, or does not let us in."""


class TransactionError(DatabaseError, RuntimeError):
    """A transaction is used in a way that can not be right; the message says what to do instead."""


class UnloadedError(DatabaseError, exc.InvalidRequestError):
    """A relationship that was not loaded is touched; the message names its loader."""


class NotFoundError(DatabaseError, exc.NoResultFound):
    """The row that must be there is not."""

    def __init__(self, model: Model) -> None:
        super().__init__(f"no such {model.__name__}")
        self.model = model


class ValidationError(DatabaseError, ValueError):
    """Values that a model does not accept.

    ``reasons`` has one for each field; ``details`` has the validators' own words, which may quote values.
    """

    def __init__(self, model: Model, reasons: Mapping[str, str], details: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{model.__name__}: " + "; ".join(f"{name} {why}" for name, why in reasons.items()))
        self.model, self.fields = model, tuple(reasons)
        self.reasons, self.details = dict(reasons), {**reasons, **(details or {})}


class InvalidValueError(DatabaseError, exc.DataError, ValueError):
    """A value that passed validation, or had none, does not fit its column."""

    model: Model | None = None


class ConstraintError(DatabaseError, exc.IntegrityError):
    """A constraint of the database does not hold; ``columns`` are attributes of the model."""

    model: Model | None = None
    constraint: str | None = None
    columns: tuple[str, ...] = ()


class UniqueViolation(ConstraintError):
    """Another row has the same key."""


class ForeignKeyViolation(ConstraintError):
    """The row pointed at does not exist, or is still pointed at."""


class NotNullViolation(ConstraintError):
    """A value that must be there is NULL."""


class CheckViolation(ConstraintError):
    """A check constraint refuses the row."""


class ExclusionViolation(ConstraintError):
    """An exclusion constraint refuses the row."""


_CONSTRAINTS = {
    "23001": (ForeignKeyViolation, "foreign key"),
    "23502": (NotNullViolation, "not-null constraint"),
    "23503": (ForeignKeyViolation, "foreign key"),
    "23505": (UniqueViolation, "unique constraint"),
    "23514": (CheckViolation, "check constraint"),
    "23P01": (ExclusionViolation, "exclusion constraint"),
}


@contextmanager
def translated(model: Model | None) -> Generator[None, None, None]:
    """Raise the errors above in place of the driver's, whose messages carry values."""
    try:
        yield
    except exc.StatementError as error:
        translation = None if isinstance(error, DatabaseError) else _translation(error, model)
        if translation is None:
            raise
        raise translation from None


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of an error, or nothing when it has none."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def is_of_server(error: exc.DBAPIError) -> bool:
    """Whether PostgreSQL said so, and not the driver before it was asked."""
    return getattr(error.orig and error.orig.__cause__, "severity", None) is not None


def _translation(error: exc.StatementError, model: Model | None) -> DatabaseError | None:
    owner, orig = model.__name__ if model else "transaction", error.orig or error
    cause = orig.__cause__ if isinstance(error, exc.DBAPIError) else orig
    if sqlstate(error) in _CONSTRAINTS:
        kind, words = _CONSTRAINTS[sqlstate(error)]
        violation = kind(error.statement, None, orig, hide_parameters=True)
        violation.model, violation.constraint = model, getattr(cause, "constraint_name", None)
        violation.columns = _columns(model, cause) if model else ()
        named = " ".join(filter(None, (violation.constraint, ", ".join(violation.columns).join("()"))))
        violation.args = (f"{owner}: {words} {named.removesuffix('()').strip()} is violated",)
        return violation
    if sqlstate(error) == "25P02":
        return TransactionError(
            f"{owner}: an error before this one has ended the transaction; what may fail inside one needs a block of "
            "its own (async with db.transaction()), which is a savepoint"
        )
    if sqlstate(error).startswith("22") or isinstance(cause, ValueError | TypeError):
        invalid = InvalidValueError(error.statement, None, orig, hide_parameters=True)
        invalid.model, invalid.args = model, (f"{owner}: a value does not fit its column",)
        return invalid
    return None


def _columns(model: Model, cause: object) -> tuple[str, ...]:
    """Return the attributes that PostgreSQL names: ``Key (guild_id, lower(name))=(...)``, or a single column."""
    key = re.search(r"\((.+?)\)=\(", getattr(cause, "detail", None) or "")
    named = key[1] if key else getattr(cause, "column_name", None) or ""
    columns = {one.key: one.columns[0] for one in inspect(model).column_attrs}
    return tuple(name for name, column in columns.items() if re.search(rf"\b{re.escape(str(column.name))}\b", named))
