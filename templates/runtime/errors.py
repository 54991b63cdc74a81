"""What can go wrong, one class each, and how the driver's errors become them.

No message carries a value. What PostgreSQL said, values included, is kept in ``orig`` for those who ask.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Self, TypeAlias, TypeVar, cast

from sqlalchemy import exc, inspect
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlmodel import SQLModel
from typing_extensions import override

S = TypeVar("S", bound="DatabaseError")

Model: TypeAlias = type[SQLModel]

_asyncpg: Any = import_module("asyncpg")  # which has no types


class DatabaseError(Exception):
    """The base of every error of this package."""

    model: Model | None = None

    @override
    def __str__(self) -> str:
        return str(self.args[0])

    @classmethod
    def of(cls, message: str, cause: BaseException | None = None, model: Model | None = None) -> Self:
        """Return the error with a message of ours; of SQLAlchemy's classes, with the driver's error as ``orig``."""
        make: Any = cls
        by_driver = issubclass(cls, exc.DBAPIError)
        made: Self = make(None, None, cause or Exception(message), hide_parameters=True) if by_driver else make(message)
        made.args, made.model = (message,), model
        return made


class UnreachableError(DatabaseError, ConnectionError):
    """The server cannot be reached, does not let us in, or was lost; a write it was busy with may have happened."""


class ConflictError(DatabaseError, exc.OperationalError):
    """Another transaction or a migration got in the way: a deadlock, a serialization failure, an outdated plan.

    Repeated from its start the transaction is likely to succeed, which is what ``run`` does.
    """


class TimedOutError(DatabaseError, exc.OperationalError, TimeoutError):
    """A statement took longer than it may, or had to wait longer for a lock, or for a connection of the pool."""


class TransactionError(DatabaseError, RuntimeError):
    """A transaction is used in a way that cannot be right; the message says what to do instead.

    ``sqlstate`` is the code of the error that has ended the transaction, where that is the reason.
    """

    sqlstate: str = ""


class UnloadedError(DatabaseError, exc.InvalidRequestError):
    """A relationship that was not loaded is touched; the message names its loader."""


class NotFoundError(DatabaseError, exc.NoResultFound):
    """The row that must be there is not."""


class MultipleFoundError(DatabaseError, exc.MultipleResultsFound):
    """There are several rows where there must be one."""


class NotStoredError(DatabaseError):
    """A trigger of the database has skipped the row, or another transaction has one that cannot be seen from here."""


class InvalidCursorError(DatabaseError, ValueError):
    """The cursor of a page is damaged, or was made for another order."""


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

    column: str | None = None


class UnreadableRowError(DatabaseError, exc.DataError):
    """A row holds what Python cannot: an enum label that the class lacks, or a date before the year 1."""


class RefusedError(DatabaseError, exc.ProgrammingError):
    """What else PostgreSQL refuses, such as a condition that compares a number with a string."""


class ConstraintError(DatabaseError, exc.IntegrityError):
    """A constraint of the database does not hold; ``columns`` are attributes of the model."""

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


class PartitionViolation(ConstraintError):
    """No partition of the table takes the row."""


_CONSTRAINTS = {
    "23001": (ForeignKeyViolation, "foreign key"),
    "23502": (NotNullViolation, "not-null constraint"),
    "23503": (ForeignKeyViolation, "foreign key"),
    "23505": (UniqueViolation, "unique constraint"),
    "23514": (CheckViolation, "check constraint"),
    "23P01": (ExclusionViolation, "exclusion constraint"),
}
_ROUTING = {"ExecFindPartition", "ExecPartitionCheckEmitError"}  # to a partition; for SQLSTATE that is a check, too
_OUTDATED = "a migration has changed the table, or the search_path leads to another, since this statement was prepared"
_CONFLICTS = {
    "40001": "another transaction has changed what this one saw",
    "40P01": "a deadlock was resolved by ending this transaction",
}
_TIMEOUTS = {"57014": "the statement was cancelled, or took too long", "55P03": "the lock was not free in time"}
_LOST = ("08", "57P0")  # of a connection; of a server that goes down
_GONE = "connection is closed"


@contextmanager
def translated(model: Model | None, names: Sequence[str] | None = None) -> Generator[None, None, None]:
    """Raise the errors above in place of SQLAlchemy's and the driver's, whose messages carry values.

    ``names`` are those of the parameters of a statement whose rows are read.
    """
    try:
        yield
    except Exception as error:
        if (better := translation(error, model, names)) is error:
            raise
        raise better from None


def translation(error: Exception, model: Model | None, names: Sequence[str] | None = None) -> Exception:
    """Return the error above that says the same, or the error itself if there is none."""
    owner, cause = model.__name__ if model else "transaction", _cause(error)
    if isinstance(error, DatabaseError):
        nameless = type(error) is TransactionError or str(error).startswith("transaction: ")
        if error.model is None and nameless and model:  # who was meant is known only here
            error.model, error.args = model, (f"{owner}: {error.args[0].removeprefix('transaction: ')}",)
        return error
    state = sqlstate(error)
    if isinstance(error, exc.PendingRollbackError) or state == "25P02":
        return aborted(model)
    if state in _CONSTRAINTS:
        return _violation(cause, state, model)
    if state in _CONFLICTS or is_outdated(error):
        return ConflictError.of(f"{owner}: {_CONFLICTS.get(state, _OUTDATED)}", cause, model)
    if state == "25006":
        return TransactionError.of(f"{owner}: the transaction is read-only", model=model)
    if state in _TIMEOUTS or isinstance(cause, TimeoutError):
        return TimedOutError.of(f"{owner}: {_TIMEOUTS.get(state, 'the server did not answer in time')}", cause, model)
    number = None if getattr(cause, "severity", None) else re.search(r"query argument \$(\d+)", str(cause))
    if is_lost(cause):
        return UnreachableError.of(f"{owner}: the connection to the server was lost", model=model)
    if state == "34000":
        return TransactionError.of(
            f"{owner}: the savepoint of this stream is over: read it to its end inside", model=model
        )
    if not state and "another operation" in str(cause):
        return TransactionError.of(f"{owner}: two tasks use one session at a time; each needs its own", model=model)
    if state.startswith("22") or number:
        named = names[int(number[1]) - 1] if names and number and int(number[1]) <= len(names) else None
        return invalid(model, named, cause)
    if isinstance(error, (_asyncpg.PostgresError, _asyncpg.InterfaceError)):
        return RefusedError.of(f"{owner}: {error.args[0]}", cause, model)
    if names is not None and isinstance(error, (ArithmeticError, LookupError, ValueError)):
        return UnreadableRowError.of(f"{owner}: a row holds a value that Python cannot", cause, model)
    return error


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of an error, or nothing when it has none."""
    return getattr(_cause(error), "sqlstate", None) or ""


def is_lost(error: BaseException) -> bool:
    """Whether the connection to the server is gone."""
    cause = _cause(error)
    closed = isinstance(cause, _asyncpg.InterfaceError) and not sqlstate(error) and _GONE in str(cause)
    lost = closed or isinstance(cause, (OSError, _asyncpg.InternalClientError))
    return lost or sqlstate(error).startswith(_LOST)


def is_unsent(error: BaseException) -> bool:
    """Whether the connection was lost while it was idle, before anything was sent."""
    return isinstance(_cause(error), _asyncpg.InternalClientError) and "cannot switch to state" in str(error)


def is_outdated(error: BaseException) -> bool:
    """Whether a statement failed only because a migration has changed what it was prepared for."""
    state, said = sqlstate(error), str((*_cause(error).args, "")[0])  # and not the details, which quote values
    return (state == "0A000" and "cached" in said and "plan" in said) or (state == "XX000" and "cache lookup" in said)


def is_conflict(error: BaseException) -> bool:
    """Whether the transaction is worth repeating."""
    state = getattr(error, "sqlstate", "") or sqlstate(error)
    return isinstance(error, ConflictError) or state in _CONFLICTS or is_outdated(error)


def aborted(model: Model | None, state: str = "") -> TransactionError:
    """Return the error of whoever goes on in a transaction that PostgreSQL has given up."""
    error = TransactionError.of(
        f"{model.__name__ if model else 'transaction'}: an error before this one has ended the transaction; what may "
        "fail inside one needs a block of its own (async with db.transaction()), which is a savepoint",
        model=model,
    )
    error.sqlstate = state
    return error


def invalid(model: Model | None, column: str | None, cause: BaseException) -> InvalidValueError:
    """Return the error of a value that does not fit its column."""
    what = f"the value of {column} does not fit its" if column else "a value does not fit its"
    error = InvalidValueError.of(f"{model.__name__ if model else 'transaction'}: {what} column", cause, model)
    error.column = column
    return error


def _cause(error: BaseException) -> BaseException:
    """Return the driver's error inside of SQLAlchemy's, and of what that makes of the driver's."""
    orig: BaseException = getattr(error, "orig", None) or error
    return orig.__cause__ or orig if isinstance(orig, AsyncAdapt_asyncpg_dbapi.Error) else orig


def _violation(cause: Any, state: str, model: Model | None) -> ConstraintError:
    kind, words = _CONSTRAINTS[state]
    columns = _columns(model, cause) if model else ()
    named = " ".join(filter(None, (words, cause.constraint_name, f"({', '.join(columns)})" if columns else "")))
    own = cast("Any", inspect(model)).local_table.name if model else cause.table_name
    referred = words == "foreign key" and (cause.table_name != own or " still referenced " in (cause.detail or ""))
    still = f": {cause.table_name} still refers to it" if referred else ""
    owner = model.__name__ if model else "transaction"
    message = f"{owner}: {named} is violated{still}"
    if cause.server_source_function in _ROUTING:
        kind, message = PartitionViolation, f"{owner}: the row fits no partition by {', '.join(columns) or 'its key'}"
    error = kind.of(message, cause, model)
    error.constraint, error.columns = cause.constraint_name, columns
    return error


def _columns(model: Model, cause: Any) -> tuple[str, ...]:
    """Return the attributes that PostgreSQL names: ``Key (guild_id, lower(name))=(...)``, or a single column."""
    key = re.search(r"\((.+?)\) ?= ?\(", cause.detail or "")  # in any language
    named = cause.column_name or (key[1] if key else "")
    columns = {one.key: str(one.columns[0].name) for one in cast("Any", inspect(model)).column_attrs}
    return tuple(name for name, column in columns.items() if re.search(rf"\b{re.escape(column)}\b", named))
