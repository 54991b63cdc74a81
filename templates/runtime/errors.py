"""What can go wrong, one class each, and how the driver's errors become them.

No message carries a value. What PostgreSQL said, values included, is kept in ``orig`` for those who ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import exc, inspect
from sqlmodel import SQLModel
from typing_extensions import override

Model: TypeAlias = type[SQLModel]


class DatabaseError(Exception):
    """The base of every error of this package."""

    @override
    def __str__(self) -> str:
        return str(self.args[0])

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Survive a process boundary, without what the driver said: it may hold values, or not be picklable."""
        state = {name: None if name in {"orig", "params"} else value for name, value in vars(self).items()}
        return _restored, (type(self), self.args, state)


class UnreachableError(DatabaseError, ConnectionError):
    """The server can not be reached, does not let us in, or was lost; a write it was busy with may have happened."""


class ConflictError(DatabaseError, exc.OperationalError):
    """Two transactions got in each other's way, and this one gave in: a deadlock, or a serialization failure.

    Repeated from its start it is likely to succeed, which is what ``run`` does.
    """

    model: Model | None = None


class TimedOutError(DatabaseError, exc.OperationalError, TimeoutError):
    """A statement took longer than it may, or had to wait longer for a lock, or for a connection of the pool."""

    model: Model | None = None


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

    ``reasons`` has one for each field; ``details`` has the validators' own words, which may quote values. Of several
    rows ``row`` is the number of the first that is wrong, counted from 0.
    """

    def __init__(
        self,
        model: Model,
        reasons: Mapping[str, str],
        details: Mapping[str, str] | None = None,
        row: int | None = None,
    ) -> None:
        sentences = [f"{name}{':' if why[0].isupper() else ''} {why}" for name, why in reasons.items()]
        where = model.__name__ if row is None else f"{model.__name__}, row {row}"
        super().__init__(f"{where}: {'; '.join(sentences)}")
        self.model, self.fields, self.row = model, tuple(reasons), row
        self.reasons, self.details = dict(reasons), {**reasons, **(details or {})}


class InvalidValueError(DatabaseError, exc.DataError, ValueError):
    """A value that passed validation, or had none, does not fit its column, which ``column`` names where it can."""

    model: Model | None = None
    column: str | None = None


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
CONFLICTS = {"40001": "another transaction has changed what this one saw", "40P01": "a deadlock was broken here"}
_TIMEOUTS = {"57014": "the statement was cancelled, or took too long", "55P03": "the lock could not be had in time"}
_LOST = ("08", "57P0")  # of a connection; of a server that goes down


@contextmanager
def translated(
    model: Model | None, argument: Callable[[int], str | None] = lambda _: None
) -> Generator[None, None, None]:
    """Raise the errors above in place of the driver's, whose messages carry values.

    ``argument`` tells what the statement's parameter of a number, counted from 1, is for.
    """
    try:
        yield
    except exc.TimeoutError as error:  # of the pool
        owner = model.__name__ if model else "transaction"
        timeout = TimedOutError(None, None, error, hide_parameters=True)
        timeout.model, timeout.args = model, (f"{owner}: no connection was free in time, the pool is exhausted",)
        raise timeout from None
    except (exc.StatementError, exc.PendingRollbackError) as error:
        translation = None if isinstance(error, DatabaseError) else _translation(error, model, argument)
        if translation is None:
            raise
        raise translation from None


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of an error, or nothing when it has none."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def is_of_server(error: exc.DBAPIError) -> bool:
    """Whether PostgreSQL said so, and not the driver before it was asked."""
    return getattr(error.orig and error.orig.__cause__, "severity", None) is not None


def _translation(
    error: exc.StatementError | exc.PendingRollbackError, model: Model | None, argument: Callable[[int], str | None]
) -> DatabaseError | None:
    owner, state = model.__name__ if model else "transaction", sqlstate(error)
    if isinstance(error, exc.PendingRollbackError) or state == "25P02":
        return _aborted(owner)
    orig = error.orig or error
    if state in _CONSTRAINTS:
        return _violation(error, orig, model, owner)
    if state in CONFLICTS:
        conflict = ConflictError(error.statement, None, orig, hide_parameters=True)
        conflict.model, conflict.args = model, (f"{owner}: {CONFLICTS[state]}",)
        return conflict
    if state == "25006":
        return TransactionError(f"{owner}: the transaction is read-only")
    if state in _TIMEOUTS:
        timeout = TimedOutError(error.statement, None, orig, hide_parameters=True)
        timeout.model, timeout.args = model, (f"{owner}: {_TIMEOUTS[state]}",)
        return timeout
    if isinstance(error, exc.DBAPIError) and (error.connection_invalidated or state.startswith(_LOST)):
        return UnreachableError(f"{owner}: the connection to the server was lost")
    cause = orig.__cause__ if isinstance(error, exc.DBAPIError) else orig
    if state.startswith("22") or isinstance(cause, ValueError | TypeError | LookupError | ArithmeticError):
        invalid = InvalidValueError(error.statement, None, orig, hide_parameters=True)
        number = re.search(r"argument \$(\d+)", str(orig))
        named = argument(int(number[1])) if number else None
        invalid.model, invalid.column = model, named
        invalid.args = (f"{owner}: {f'the value of {named}' if named else 'a value'} does not fit its column",)
        return invalid
    return None


def _aborted(owner: str) -> TransactionError:
    """Return the error of who goes on in a transaction that PostgreSQL has given up."""
    return TransactionError(
        f"{owner}: an error before this one has ended the transaction; what may fail inside one needs a block of "
        "its own (async with db.transaction()), which is a savepoint"
    )


def _violation(error: exc.StatementError, orig: BaseException, model: Model | None, owner: str) -> ConstraintError:
    kind, words = _CONSTRAINTS[sqlstate(error)]
    cause = orig.__cause__
    violation = kind(error.statement, None, orig, hide_parameters=True)
    violation.model, violation.constraint = model, getattr(cause, "constraint_name", None)
    violation.columns = _columns(model, cause) if model else ()
    named = " ".join(filter(None, (violation.constraint, ", ".join(violation.columns).join("()"))))
    still = " still referenced from table " in (getattr(cause, "detail", None) or "")
    what = f"{words} {named.removesuffix('()').strip()} is violated"
    violation.args = (
        f"{owner}: {what}" + (f": {getattr(cause, 'table_name', '')} still refers to it" if still else ""),
    )
    return violation


def _columns(model: Model, cause: object) -> tuple[str, ...]:
    """Return the attributes that PostgreSQL names: ``Key (guild_id, lower(name))=(...)``, or a single column."""
    key = re.match(r"Key \((.+?)\)=\(", getattr(cause, "detail", None) or "")
    named = getattr(cause, "column_name", None) or (key[1] if key else "")
    columns = {one.key: one.columns[0] for one in inspect(model).column_attrs}
    return tuple(name for name, column in columns.items() if re.search(rf"\b{re.escape(str(column.name))}\b", named))


def _restored(kind: type[DatabaseError], arguments: tuple[object, ...], state: Mapping[str, object]) -> DatabaseError:
    error = kind.__new__(kind)
    error.args = arguments
    vars(error).update(state)
    return error
