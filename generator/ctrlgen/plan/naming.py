"""What methods, parameters and keys are called; every rule about names in one place."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from ctrlgen.plan.casing import snake_case
from ctrlgen.schema import ColumnPart, Index, Model, Part

REFINEMENTS = frozenset({"filters", "limit", "offset", "options", "order_by", "all_rows", "self"})
"""Keywords the runtime's methods take beside the columns."""

FACADE = frozenset(
    {
        *("after_commit", "borrow_from", "connect", "dispose", "engine", "ping", "pool", "pool_status", "run"),
        *("session", "transaction", "transactions", "url", "watched"),
        *("base", "database", "runtime"),
    }
)
"""Members of the facade and modules of the package, which no model may be called."""

CONTROLLER = frozenset(
    {
        *("c", "model", "using", "paginate", "bulk_update"),
        *("create", "find_all", "find_one", "count", "exists", "update_where", "delete_where"),
        *("create_many", "update_many", "upsert_many", "delete_many"),
    }
)
"""Members every controller has, which no derived method may replace."""

MANY = 4
"""A key of more columns is called after its constraint."""

_TAKEN_AS_PARAMETER = frozenset({"self", "load", "values", "where"})


def part_name(part: Part) -> str | None:
    """Return what a column or expression is called in methods and filters."""
    return part.attribute if isinstance(part, ColumnPart) else part.name


def joined(names: list[str]) -> str:
    """Return ``a_and_b``."""
    return "_and_".join(names)


def key_name(names: tuple[str, ...], index: Index, model: Model) -> str:
    """Return what methods call a key: its attributes, or its constraint's purpose where those are too many."""
    if len(names) <= MANY:
        return joined(list(names))
    purpose = index_purpose(index.name, model) if index.name else ""
    return "primary_key" if index.origin == "primary key" else purpose or joined(list(names))


def parameter_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of one method's parameters: underscores behind those that can not stand as such."""
    wanted = list(names)
    given: list[str] = []
    for name in wanted:
        called = name
        while keyword.iskeyword(called) or called in _TAKEN_AS_PARAMETER or (called != name and called in wanted):
            called += "_"
        given.append(called)
    return tuple(given)


def index_purpose(index: str, model: Model) -> str:
    """Return what an index's name says beyond its table: ``idx_reminder_pending`` → ``pending``."""
    words = re.sub(r"\W+", "_", snake_case(index)).strip("_").split("_")
    words = words[1:] if words and words[0] in {"ix", "idx", "uq", "uix", "index", "unique"} else words
    for own in sorted(_own_names(model), key=len, reverse=True):
        head = own.split("_")
        if words[: len(head)] == head:
            words = words[len(head) :]
            break
    return "_".join(words)


def _own_names(model: Model) -> set[str]:
    names = {snake_case(model.reference.name), model.table.lower()}
    return names | {f"{name}s" for name in names} | {name.removesuffix("s") for name in names}


def attribute_name(class_name: str) -> str:
    """Return the module and facade attribute of a model: ``GuildConfig`` → ``guild_config``."""
    name = snake_case(class_name)
    return f"{name}_" if keyword.iskeyword(name) else name
