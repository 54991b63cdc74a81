"""All rules for names: of controllers, methods, parameters and index expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ctrlgen.namespace import Namespace
from ctrlgen.schema import ExpressionPart, Index, Model, Part

REFINEMENTS = frozenset({"filters", "limit", "offset", "options", "order_by", "all_rows", "self"})
"""Keyword parameters of the runtime's methods besides the columns."""

FACADE = frozenset(
    {
        *(
            "after_commit",
            "borrow_from",
            "cache_info",
            "caching",
            "begin_caching",
            "connect",
            "dispose",
            "engine",
            "models",
            "ping",
            "pool",
            "pool_status",
            "primary",
            "replica_status",
            "run",
        ),
        *("session", "transaction", "transactions", "url", "watched"),
        *("base", "database", "runtime"),
    }
)
"""Members of ``Database`` and modules of the package. A model with such a name gets an underscore."""

MODEL_READS = frozenset({"find_all", "find_one", "count", "exists", "paginate"})
"""Methods of every controller that read."""

MODEL_WRITES = frozenset(
    {
        *("create", "create_many", "update_where", "update_many", "bulk_update", "upsert_many"),
        *("delete_where", "delete_many"),
    }
)
"""Methods of every controller that write."""

CONTROLLER = frozenset({"c", "db", "model", "using", "uncached", "invalidate"}) | MODEL_READS | MODEL_WRITES
"""Members of every controller, which derived methods must not override."""

MANY = 3
"""The maximum number of columns in a method name. Methods of larger keys are named after the constraint."""

PARAMETERS = frozenset({"self", "load", "values", "where"})
"""Parameters in the templates of methods besides those of the key."""

_MIXED_ACRONYM = re.compile(r"(?:OAuth|IPv(?=\d)|(?<![A-Z])[A-Z]{2,}s)(?=[A-Z0-9_]|$)")
_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return a name in snake case: ``GuildConfig`` → ``guild_config``, ``APIKey`` → ``api_key``, ``IDs`` → ``ids``."""
    return re.sub(r"_+", "_", _BOUNDARY.sub("_", _MIXED_ACRONYM.sub(lambda match: match[0].capitalize(), name))).lower()


def attribute_name(class_name: str) -> str:
    """Return the module and attribute name of a model: ``GuildConfig`` → ``guild_config``, ``Run`` → ``run_``."""
    return Namespace(FACADE).claim(snake_case(class_name))


def parameter_names(keys: Iterable[str], keywords: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the parameter names of one method, with underscores appended to those that are not allowed.

    Type checkers match a key of ``**keywords`` with the parameter of that name, even a positional-only one.
    """
    return Namespace(PARAMETERS.union(keywords)).claim_all(keys)


def method_name(kind: str, purpose: str, key: str) -> str:
    """Return the name of a method: ``get_by_email``, ``get_active_by_email``, ``find_pending`` without a key."""
    return "_by_".join(filter(None, ["_".join(filter(None, [kind, purpose])), key]))


def name_pattern(kinds: Iterable[str]) -> str:
    """Return a pattern that matches the names of methods of these kinds with a key."""
    return rf"(?:{'|'.join(kinds)})(?:_\w+)?_by_\w+"


def key_name(names: tuple[str, ...], index: Index, model: Model) -> str:
    """Return the name of a key in methods: its attributes, or the purpose of its constraint if there are too many."""
    joined = "_and_".join(names)
    if len(names) <= MANY:
        return joined
    purpose = index_purpose(index.name, model) if index.name else ""
    return "primary_key" if index.origin == "primary key" else purpose or joined


def index_purpose(index: str, model: Model) -> str:
    """Return the part of an index name that describes its purpose: ``idx_reminder_pending`` → ``pending``."""
    words = re.sub(r"\W+", "_", snake_case(index)).strip("_").split("_")
    words = words[1:] if words and words[0] in {"ix", "idx", "uq", "uix", "index", "unique"} else words
    for table in sorted(_table_names(model), key=len, reverse=True):
        head = table.split("_")
        if words[: len(head)] == head:
            words = words[len(head) :]
            break
    return "_".join(words)


def purpose_beside(columns: tuple[str, ...], index: Index, model: Model) -> str:
    """Return the purpose of a partial index without the columns that its methods name.

    ``idx_case_active_guild`` on ``guild_id`` → ``active``. If nothing remains, it is ``partial``.
    """
    words = index_purpose(index.name, model).split("_") if index.name else []
    named = [["by"], *(name.split("_") for column in columns for name in (column, column.removesuffix("_id")))]
    while (rest := _without(words, named)) != words:
        words = rest
    return "_".join(filter(None, words)) or "partial"


def _without(words: list[str], named: Iterable[list[str]]) -> list[str]:
    """Return words without the first of these names that is a prefix or suffix."""
    for name in named:
        if words[-len(name) :] == name:
            return words[: -len(name)]
        if words[: len(name)] == name:
            return words[len(name) :]
    return words


def _table_names(model: Model) -> set[str]:
    """Return the possible names of the model's table in the name of an index, in singular and plural."""
    names = {snake_case(model.reference.name), model.table.lower()}
    return names | {f"{name}s" for name in names} | {name.removesuffix("s") for name in names}


def with_named_expressions(model: Model) -> Model:
    """Return the model with expressions named after their index if their SQL suggests no name.

    Names are unique: they differ from columns and from other expressions.
    """
    meanings = {column.attribute: "" for column in model.columns}
    return replace(model, indexes=tuple(_with_named_expressions(index, model, meanings) for index in model.indexes))


def _with_named_expressions(index: Index, model: Model, meanings: dict[str, str]) -> Index:
    """Return an index with its expressions named. ``meanings`` maps the names in use to their SQL."""
    parts = tuple(_with_unambiguous_name(part, meanings) for part in index.parts)
    nameless = [part for part in parts if isinstance(part, ExpressionPart) and part.name is None]
    nameless = [part for part in nameless if part.sql not in index.constants]
    purpose = index_purpose(index.name, model) if index.name else ""
    if len(nameless) != 1 or not purpose.isidentifier():
        return replace(index, parts=parts)
    (expression,) = nameless
    is_free = meanings.setdefault(purpose, expression.sql) == expression.sql
    named = replace(expression, name=purpose if is_free else None)
    return replace(index, parts=tuple(named if part is expression else part for part in parts))


def _with_unambiguous_name(part: Part, meanings: dict[str, str]) -> Part:
    """Return an expression, without its name if the name already has another meaning."""
    if not isinstance(part, ExpressionPart) or part.name is None:
        return part
    return part if meanings.setdefault(part.name, part.name) == part.name else replace(part, name=None)
