"""The errors of this package, and the translation of the driver's errors into them.

No message contains a value. The driver's own error, which may quote values, is kept in ``orig``.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Self, TypeAlias, cast

from sqlalchemy import exc, inspect
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlmodel import SQLModel
from typing_extensions import override

from .constraints import violated_constraint

Model: TypeAlias = type[SQLModel]

_asyncpg: Any = import_module("asyncpg")  # asyncpg has no types


class DatabaseError(Exception):
    """The base of every error of this package."""

    model: Model | None = None

    @override
    def __str__(self) -> str:
        return str(self.args[0])

    @classmethod
    def of(cls, message: str, cause: BaseException | None = None, model: Model | None = None) -> Self:
        """Return an error with this message; a subclass of SQLAlchemy's DBAPIError has ``cause`` as its ``orig``."""
        create: Any = cls
        arguments = (None, None, cause or Exception(message), True) if issubclass(cls, exc.DBAPIError) else (message,)
        error: Self = create(*arguments)
        error.args, error.model = (message,), model
        return error


class UnreachableError(DatabaseError, ConnectionError):
    """The server is unreachable, refuses the login, or the connection was lost; a pending write may have succeeded."""


class ConflictError(DatabaseError, exc.OperationalError):
    """Another transaction or a migration interfered: a deadlock, a serialization failure, an outdated plan.

    The transaction is likely to succeed if it is repeated from its start, as ``run`` does.
    """


class TimedOutError(DatabaseError, exc.OperationalError, TimeoutError):
    """A statement exceeded its time limit, or waited too long for a lock or for a connection of the pool."""


class TransactionError(DatabaseError, RuntimeError):
    """A transaction is used incorrectly; the message says what to do instead.

    If an earlier error ended the transaction, ``sqlstate`` is the code of that error.
    """

    sqlstate: str = ""


class UnloadedError(DatabaseError, exc.InvalidRequestError):
    """A relationship that was not loaded is read; the message names its loader."""


class NotFoundError(DatabaseError, exc.NoResultFound):
    """The requested row does not exist."""


class MultipleFoundError(DatabaseError, exc.MultipleResultsFound):
    """More than one row matches."""


class NotStoredError(DatabaseError):
    """A trigger skipped the row, or a conflicting row is invisible to this transaction."""


class InvalidCursorError(DatabaseError, ValueError):
    """The cursor of a page is damaged, or belongs to another order."""


class ValidationError(DatabaseError, ValueError):
    """Values are not valid for a model.

    ``reasons`` has a reason per field; ``details`` has the validators' own messages, which may quote values. In a call
    with several rows, ``row`` is the number of the first invalid one, counted from 0.
    """

    def __init__(
        self,
        model: Model,
        reasons: Mapping[str, str],
        details: Mapping[str, str] | None = None,
        row: int | None = None,
    ) -> None:
        sentences = [f"{name}{':' if reason[0].isupper() else ''} {reason}" for name, reason in reasons.items()]
        owner = model.__name__ if row is None else f"{model.__name__}, row {row}"
        super().__init__(f"{owner}: {'; '.join(sentences)}")
        self.model, self.fields, self.row = model, tuple(reasons), row
        self.reasons, self.details = dict(reasons), {**reasons, **(details or {})}


class InvalidValueError(DatabaseError, exc.DataError, ValueError):
    """A value does not fit its column; ``column`` is its attribute, if the driver reports it."""

    column: str | None = None


class UnreadableRowError(DatabaseError, exc.DataError):
    """A row has a value that Python cannot represent: an unknown label of an enum, or a date before the year 1."""


class RefusedError(DatabaseError, exc.ProgrammingError):
    """PostgreSQL refuses a statement for another reason, such as a comparison of a number with a string."""


class ConstraintError(DatabaseError, exc.IntegrityError):
    """A constraint is violated; ``columns`` are attributes of the model."""

    constraint: str | None = None
    columns: tuple[str, ...] = ()


class UniqueViolation(ConstraintError):
    """Another row has the same unique key."""


class ForeignKeyViolation(ConstraintError):
    """The referenced row does not exist, or the row is still referenced."""


class NotNullViolation(ConstraintError):
    """A required value is NULL."""


class CheckViolation(ConstraintError):
    """A check constraint refuses the row."""


class ExclusionViolation(ConstraintError):
    """An exclusion constraint refuses the row."""


class PartitionViolation(ConstraintError):
    """No partition of the table accepts the row; ``columns`` are those that the table is partitioned by."""


_CONSTRAINTS = {
    "23001": (ForeignKeyViolation, "foreign key"),
    "23502": (NotNullViolation, "not-null constraint"),
    "23503": (ForeignKeyViolation, "foreign key"),
    "23505": (UniqueViolation, "unique key"),
    "23514": (CheckViolation, "check constraint"),
    "23P01": (ExclusionViolation, "exclusion constraint"),
}
_ROUTING = {  # errors of the server's functions that assign rows to partitions have no SQLSTATE of their own
    "ExecCrossPartitionUpdate": "an upsert cannot move a row to another partition: update the row",
    "ExecFindPartition": "table {} has no partition for {}",
    "ExecPartitionCheckEmitError": "partition {} does not accept {}",
}
_OUTDATED = "since this statement was prepared, a migration changed the table, or the search_path selects another one"
_MEANINGS: dict[str, tuple[type[DatabaseError], str]] = {
    "25006": (TransactionError, "the transaction is read-only"),
    "34000": (TransactionError, "the savepoint of this stream is over: read it to its end inside"),
    "40001": (ConflictError, "another transaction changed rows that this one read"),
    "40P01": (ConflictError, "a deadlock was resolved by ending this transaction"),
    "55P03": (TimedOutError, "the lock was not free in time"),
    "57014": (TimedOutError, "the statement was cancelled, or took too long"),
}
_UNMIGRATED = {"42703", "42P01"}  # a column or a table that the database lacks
_CLASSES = "bool|bytes|date|datetime|Decimal|dict|float|int|list|NoneType|set|str|time|timedelta|tuple|UUID"
_GOT = re.compile(rf"(?:'({_CLASSES})' object (?:cannot be|has no) .*|(?:got|type|not) '?({_CLASSES})'?\)*)\)$")
_LOST = ("08", "57P0")  # a connection that fails, and a server that shuts down
_GONE = "connection is closed"


@contextmanager
def translated(model: Model | None, names: Sequence[str] | None = None) -> Generator[None, None, None]:
    """Raise the errors of this module in place of SQLAlchemy's and the driver's, whose messages contain values.

    ``names`` are the names of the statement's parameters; None if no rows are read.
    """
    try:
        yield
    except Exception as error:
        if (translated_error := translation(error, model, names)) is error:
            raise
        raise translated_error from None


def translation(error: Exception, model: Model | None, names: Sequence[str] | None = None) -> Exception:
    """Return the error of this module for an error, or the error itself if it has none."""
    owner, cause = _owner(model), _cause(error)
    if isinstance(error, DatabaseError):
        anonymous = type(error) is TransactionError or str(error).startswith("transaction: ")
        if error.model is None and anonymous and model:  # the model is known only here
            error.model, error.args = model, (f"{owner}: {error.args[0].removeprefix('transaction: ')}",)
        return error
    state = sqlstate(error)
    if isinstance(error, exc.PendingRollbackError) or state == "25P02":
        return aborted(model)
    if getattr(cause, "server_source_function", None) in _ROUTING:
        return _misrouted(cause, model)
    if state in _CONSTRAINTS:
        return _violation(cause, state, model)
    if state in _MEANINGS:
        error_class, meaning = _MEANINGS[state]
        return error_class.of(f"{owner}: {meaning}", cause, model)
    if is_outdated(error):
        return ConflictError.of(f"{owner}: {_OUTDATED}", cause, model)
    if isinstance(cause, TimeoutError):
        return TimedOutError.of(f"{owner}: the server did not answer in time", cause, model)
    argument = None if getattr(cause, "severity", None) else re.search(r"query argument \$(\d+)", str(cause))
    if is_lost(cause):
        return UnreachableError.of(f"{owner}: the connection to the server was lost", model=model)
    if not state and "another operation" in str(cause):
        return TransactionError.of(f"{owner}: two tasks use one session at a time; each needs its own", model=model)
    if state.startswith("22") or argument:
        column = names[int(argument[1]) - 1] if names and argument and int(argument[1]) <= len(names) else None
        return invalid(model, column, cause)
    if isinstance(error, (_asyncpg.PostgresError, _asyncpg.InterfaceError)):
        hint = "; run the migrations (`ctrlgen drift` shows what differs)" if state in _UNMIGRATED else ""
        return RefusedError.of(f"{owner}: {error.args[0]}{hint}", cause, model)
    if names is not None and isinstance(error, (ArithmeticError, LookupError, ValueError)):
        return UnreadableRowError.of(f"{owner}: a row has a value that Python cannot represent", cause, model)
    return error


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of an error, or an empty string."""
    return getattr(_cause(error), "sqlstate", None) or ""


def is_lost(error: BaseException) -> bool:
    """Return whether the connection to the server was lost."""
    cause = _cause(error)
    closed = isinstance(cause, _asyncpg.InterfaceError) and not sqlstate(error) and _GONE in str(cause)
    lost = closed or isinstance(cause, (OSError, _asyncpg.InternalClientError))
    return lost or sqlstate(error).startswith(_LOST)


def is_unsent(error: BaseException) -> bool:
    """Return whether the connection was lost while it was idle, so that nothing was sent."""
    return isinstance(_cause(error), _asyncpg.InternalClientError) and "cannot switch to state" in str(error)


def is_outdated(error: BaseException) -> bool:
    """Return whether a prepared statement failed only because a migration changed its tables."""
    state, message = sqlstate(error), str((*_cause(error).args, "")[0])  # without the details, which quote values
    plan_changed = state == "0A000" and "cached" in message and "plan" in message
    return plan_changed or (state == "XX000" and "cache lookup" in message)


def is_conflict(error: BaseException) -> bool:
    """Return whether the transaction may succeed if it is repeated."""
    error_class, _ = _MEANINGS.get(getattr(error, "sqlstate", "") or sqlstate(error), (type(error), ""))
    return issubclass(error_class, ConflictError) or is_outdated(error)


def aborted(model: Model | None, state: str = "") -> TransactionError:
    """Return the error of a call in a transaction that an earlier error ended."""
    error = TransactionError.of(
        f"{model.__name__ if model else 'transaction'}: an earlier error ended the transaction; put calls that may "
        "fail into their own block (async with db.transaction()), which is a savepoint",
        model=model,
    )
    error.sqlstate = state
    return error


def invalid(model: Model | None, column: str | None, cause: BaseException) -> InvalidValueError:
    """Return the error of a value that does not fit its column."""
    value = f"the value of {column}" if column else "a value"
    message = f"{_owner(model)}: {value} does not fit its column{_types(model, column, cause)}"
    error = InvalidValueError.of(message, cause, model)
    error.column = column
    return error


def _types(model: Model | None, column: str | None, cause: BaseException) -> str:
    """Return the type of a column and that of the value, if asyncpg reports it, but no part of the value."""
    message = str(cause)
    declared = cast("Any", inspect(model)).columns.get(column) if model and column else None
    if declared is None or (match := _GOT.search(message)) is None or "array element" in message:
        return ""
    with suppress(NotImplementedError):  # a type that does not declare its class
        return f": expected {declared.type.python_type.__name__}, got {match[1] or match[2]}"
    return ""


def _owner(model: Model | None) -> str:
    """Return the name that a message begins with."""
    return model.__name__ if model else "transaction"


def _cause(error: BaseException) -> BaseException:
    """Return the driver's error inside SQLAlchemy's, or the error itself."""
    orig: BaseException = getattr(error, "orig", None) or error
    return orig.__cause__ or orig if isinstance(orig, AsyncAdapt_asyncpg_dbapi.Error) else orig


def _violation(cause: Any, state: str, model: Model | None) -> ConstraintError:
    error_class, kind = _CONSTRAINTS[state]
    violated = violated_constraint(model, cause)
    owner, columns = _owner(model), ", ".join(violated.columns)
    constraint = " ".join(filter(None, (kind, violated.name, f"({columns})" if columns else "")))
    message = f"{owner}: {constraint} is violated"
    if violated.referencing:
        message += f": {violated.referencing} still refers to it"
    if state == "23502" and model and not columns:
        message = f"{owner}: column {cause.column_name} is NOT NULL, and {owner} does not declare it"
    error = error_class.of(message, cause, model)
    error.constraint, error.columns = violated.name, violated.columns
    return error


def _misrouted(cause: Any, model: Model | None) -> PartitionViolation:
    """Return the error of a row that no partition accepts."""
    columns = violated_constraint(model, cause).columns
    row = f"the row's {', '.join(columns)}" if columns else "the row"
    problem = _ROUTING[cause.server_source_function].format(cause.table_name, row)
    error = PartitionViolation.of(f"{_owner(model)}: {problem}", cause, model)
    error.columns = columns
    return error
