"""All rules, one module each. A new rule needs a module here and a line in ``RULES``."""

from __future__ import annotations

from ctrlgen.lint.registry import Rule
from ctrlgen.lint.rules.cached_coroutine import CachedCoroutine
from ctrlgen.lint.rules.controller_without_database import ControllerWithoutDatabase
from ctrlgen.lint.rules.direct_session import DirectSession
from ctrlgen.lint.rules.equals_none import EqualsNone
from ctrlgen.lint.rules.formatted_sql import FormattedSql
from ctrlgen.lint.rules.gather_over_session import GatherOverSession
from ctrlgen.lint.rules.missing_await import MissingAwait
from ctrlgen.lint.rules.naive_now import NaiveNow
from ctrlgen.lint.rules.python_and_or import PythonAndOr
from ctrlgen.lint.rules.python_in import PythonIn
from ctrlgen.lint.rules.python_is import PythonIs
from ctrlgen.lint.rules.python_not import PythonNot
from ctrlgen.lint.rules.query_in_loop import QueryInLoop
from ctrlgen.lint.rules.read_then_create import ReadThenCreate
from ctrlgen.lint.rules.read_then_increment import ReadThenIncrement
from ctrlgen.lint.rules.replaceable_query import ReplaceableQuery
from ctrlgen.lint.rules.swallowed_error import SwallowedError
from ctrlgen.lint.rules.unbounded_find_all import UnboundedFindAll
from ctrlgen.lint.rules.unchecked_create import UncheckedCreate
from ctrlgen.lint.rules.write_in_loop import WriteInLoop

RULES: tuple[Rule, ...] = (
    DirectSession(),
    ControllerWithoutDatabase(),
    ReplaceableQuery(),
    QueryInLoop(),
    WriteInLoop(),
    UnboundedFindAll(),
    PythonNot(),
    PythonAndOr(),
    PythonIs(),
    PythonIn(),
    EqualsNone(),
    CachedCoroutine(),
    GatherOverSession(),
    MissingAwait(),
    SwallowedError(),
    ReadThenCreate(),
    ReadThenIncrement(),
    UncheckedCreate(),
    FormattedSql(),
    NaiveNow(),
)
"""All rules, sorted by code."""
