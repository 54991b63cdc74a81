"""What is said about methods: plain data, which crosses processes and is printed as text or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Per = Literal["call", "row", "link"]
"""What costs a statement: the call, or each of its rows or links."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a method is called; without ``self``, which no caller gives."""

    is_async: bool
    name: str
    parameters: tuple[str, ...]
    returns: str

    def __str__(self) -> str:
        return f"{self.head}({', '.join(self.parameters)}) -> {self.returns}"

    @property
    def head(self) -> str:
        """What stands before the parameters."""
        return f"{'async ' * self.is_async}def {self.name}"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it is sent, and what each of its parameters is for."""

    sql: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """How many statements a method sends: between ``least`` and ``most`` for a call.

    ``per`` tells that the last of them is sent for each row, or for each link. ``loads`` tells that each relationship
    in ``load`` adds one, ``by_orm`` that SQLAlchemy's ORM then sends its own.
    """

    least: int
    most: int
    per: Per = "call"
    loads: bool = False
    in_transaction: bool = False
    by_orm: bool = False


@dataclass(frozen=True, slots=True)
class ExplainedMethod:
    """A method of a controller.

    ``backing`` is the key or index that answers it, ``origin`` what that is: ``primary key``, ``unique constraint``,
    ``unique index`` or ``index``; both are None where nothing does, as for methods on any rows. ``problem`` says why
    there are no statements, where they could not be made.
    """

    signature: Signature
    doc: str
    statements: tuple[Statement, ...]
    cost: Cost
    backing: str | None = None
    origin: str | None = None
    scans: bool = False
    problem: str | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.signature.name


@dataclass(frozen=True, slots=True)
class ExplainedAbsence:
    """A method that is not emitted, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class MissingIndex:
    """An index that would give a finder, as source to paste into ``__table_args__``."""

    finder: str
    source: str
    is_foreign_key: bool


@dataclass(frozen=True, slots=True)
class ExplainedModel:
    """A model with the methods of its controller.

    ``columns`` is what its statements select or return.
    """

    name: str
    module: str
    location: str
    table: str
    attribute: str
    controller: str
    columns: str
    methods: tuple[ExplainedMethod, ...]
    absent: tuple[ExplainedAbsence, ...]
    missing_indexes: tuple[MissingIndex, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that was asked for; ``incomplete`` says why models may be missing."""

    models: tuple[ExplainedModel, ...]
    incomplete: str | None = None
