"""The runtime of the emitted controllers; all of it is in this folder, and depends on nothing of the generator.

From the outside in: ``service`` and ``controller`` are what emitted classes derive from, ``selection`` is what
finders return. ``validation`` checks values, ``entity`` and ``statements`` make SQL of them, ``execution`` runs it on
``connections``, ``relations`` and ``keyset`` do what their names say, ``errors`` is how all of it fails.
"""

from __future__ import annotations

from .arguments import AnyOf, Equal, Filters, OrderBy, Ordered, Page, PaginationResult, Refinements, Settable, Span
from .controller import BaseController
from .errors import (
    CheckViolation,
    ConstraintError,
    DatabaseError,
    ExclusionViolation,
    ForeignKeyViolation,
    InvalidValueError,
    NotFoundError,
    NotNullViolation,
    TimedOutError,
    TransactionError,
    UniqueViolation,
    UnloadedError,
    UnreachableError,
    ValidationError,
)
from .laziness import lazy_exports
from .selection import Selection
from .service import DatabaseService

__all__ = [
    "AnyOf",
    "BaseController",
    "CheckViolation",
    "ConstraintError",
    "DatabaseError",
    "DatabaseService",
    "Equal",
    "ExclusionViolation",
    "Filters",
    "ForeignKeyViolation",
    "InvalidValueError",
    "NotFoundError",
    "NotNullViolation",
    "OrderBy",
    "Ordered",
    "Page",
    "PaginationResult",
    "Refinements",
    "Selection",
    "Settable",
    "Span",
    "TimedOutError",
    "TransactionError",
    "UniqueViolation",
    "UnloadedError",
    "UnreachableError",
    "ValidationError",
    "lazy_exports",
]
