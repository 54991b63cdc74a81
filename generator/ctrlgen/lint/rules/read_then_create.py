"""CGL502: a read decides whether to create or to change a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries, Query
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import dotted, last_name, positional, snake

_LONG = 60
_CONFLICTS = ("IntegrityError", "UniqueViolation", "ConstraintError", "UniqueViolationError", "DatabaseError")


@dataclass(frozen=True, slots=True)
class _Creation:
    """A call that creates a row: its receiver and its keyword arguments."""

    node: cst.Call
    on: str
    values: dict[str, str]


class ReadThenCreate(Rule):
    """Another task can create the row between the read and the write."""

    code = "CGL502"
    name = "read-then-create"
    message = "`{name}` is read to decide whether to create it: another task can create it in between"
    why = "Two concurrent calls both find nothing and both insert: one of them fails, or the row is stored twice."
    bad = """
user = await db.user.get_by_discord_id(discord_id)
if user is None:
    user = await db.user.create(discord_id=discord_id, username=name)
else:
    user = await db.user.update_by_id(user.id, username=name)
"""
    good = """
user = await db.user.upsert_by_discord_id(discord_id=discord_id, username=name)
"""
    limits = (
        "Rows created with the key that was read, or changed in the other branch. Rows created with another key, and "
        "code that catches `IntegrityError` or `UniqueViolation`, are not reported."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for branch in source.all(cst.If):
            tested = _tested(branch.test)
            rows = queries.rows(tested[0]) if tested is not None else None
            if tested is None or rows is None or rows.many or rows.query.method == "count":
                continue
            name, is_missing = source.text(tested[0]), tested[1]
            absent, present = _branches(branch, is_missing, queries)
            creation = next((candidate for node in absent for candidate in _creations(node, rows.query, queries)), None)
            if creation is None:
                continue
            changes = any(_changes(node, name, rows.query, queries) for node in present)
            keys = _shared_keys(rows.query, creation, queries)
            if (changes or keys) and not _is_guarded(creation.node, queries, broadly=not changes):
                replacement = _replacement(rows.query, creation, keys, changes=changes, queries=queries)
                name = name if len(name) < _LONG else "the row"
                yield self.report(queries, creation.node, replacement, name=name)


def _tested(test: cst.BaseExpression) -> tuple[cst.BaseExpression, bool] | None:
    """Return the name or awaited query whose row a condition tests, and whether it tests for a missing row."""
    if isinstance(test, cst.NamedExpr):
        test = test.target
    if isinstance(test, cst.Name | cst.Await):
        return test, False
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        inner = _tested(test.expression)
        return (inner[0], not inner[1]) if inner else None
    if isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        comparison = test.comparisons[0]
        left = test.left.target if isinstance(test.left, cst.NamedExpr) else test.left
        is_none = isinstance(comparison.comparator, cst.Name) and comparison.comparator.value == "None"
        is_row = isinstance(left, cst.Name | cst.Await)
        if is_row and is_none and isinstance(comparison.operator, cst.Is | cst.IsNot):
            return left, isinstance(comparison.operator, cst.Is)
    return None


def _branches(branch: cst.If, is_missing: bool, queries: Queries) -> tuple[list[cst.CSTNode], list[cst.CSTNode]]:
    """Return the branches for a missing and for an existing row.

    After a ``return``, the second is the rest of the block.
    """
    rest = _rest(branch, queries)
    body: list[cst.CSTNode] = [branch.body]
    other: list[cst.CSTNode] = [branch.orelse.body] if isinstance(branch.orelse, cst.Else) else []
    if branch.orelse is None and queries.source.within(branch.body, cst.Return):
        other = rest
    elif branch.orelse is None and is_missing:
        other = rest if _sets_same_row(branch, queries) else []
    return (body, other) if is_missing else (other, body)


def _sets_same_row(branch: cst.If, queries: Queries) -> bool:
    """Return whether the branch binds the tested name, so that the following code is about either row."""
    tested = _tested(branch.test)
    return tested is not None and any(
        isinstance(target.target, cst.Name) and target.target.value == queries.source.text(tested[0])
        for assignment in queries.source.within(branch.body, cst.Assign)
        for target in assignment.targets
    )


def _rest(branch: cst.If, queries: Queries) -> list[cst.CSTNode]:
    block = queries.source.parent(branch)
    statements = list(block.body) if isinstance(block, cst.IndentedBlock | cst.Module) else []
    return list(statements[statements.index(branch) + 1 :]) if branch in statements else []


def _creations(node: cst.CSTNode, read: Query, queries: Queries) -> Iterator[_Creation]:
    source = queries.source
    model = _model(read, queries)
    for query in queries.within(node):
        if query.via == "controller" and query.method == "create" and read.via == "controller":
            if source.text(query.receiver) == source.text(read.receiver):
                yield _Creation(query.call, source.text(query.receiver), _named(query.call, queries))
        elif query.via == "session" and query.method == "add" and read.via == "session":
            arguments = positional(query.call)
            instance = queries.resolved(arguments[0]) if arguments else None
            if isinstance(instance, cst.Call) and model is not None and dotted(instance.func) == model:
                yield _Creation(instance, model, _named(instance, queries))


def _named(call: cst.Call, queries: Queries) -> dict[str, str]:
    return {arg.keyword.value: queries.source.text(arg.value) for arg in call.args if arg.keyword is not None}


def _model(read: Query, queries: Queries) -> str | None:
    """Return the model that a query through a session reads."""
    arguments = positional(read.call)
    if read.via != "session" or not arguments:
        return None
    if read.method in {"get", "get_one"}:
        return dotted(arguments[0])
    select = _select(read, queries)
    chosen = positional(select) if select is not None else []
    return dotted(chosen[0]) if chosen else None


def _select(read: Query, queries: Queries) -> cst.Call | None:
    node: cst.BaseExpression | None = queries.statement(read.call)
    while isinstance(node, cst.Call):
        if isinstance(node.func, cst.Name) and node.func.value == "select":
            return node
        node = node.func.value if isinstance(node.func, cst.Attribute) else None
    return None


def _read_keys(read: Query, queries: Queries) -> dict[str, str]:
    """Return the columns and values that the row is read by."""
    if read.via == "controller":
        return queries.equalities(read.call)
    arguments = positional(read.call)
    if read.method in {"get", "get_one"}:
        return {"id": queries.source.text(arguments[1])} if len(arguments) > 1 else {}
    values: dict[str, str] = {}
    node: cst.BaseExpression | None = queries.statement(read.call)
    while isinstance(node, cst.Call):
        if last_name(node.func) in {"where", "filter"}:
            for condition in positional(node):
                values.update(queries.compared(condition) or {})
        node = node.func.value if isinstance(node.func, cst.Attribute) else None
    return values


def _shared_keys(read: Query, creation: _Creation, queries: Queries) -> list[str]:
    """Return the keys of the read, if the new row is created with all of them."""
    keys = _read_keys(read, queries)
    shared = [key for key, value in keys.items() if creation.values.get(key) == value]
    return shared if len(shared) == len(keys) else []


def _changes(node: cst.CSTNode, name: str, read: Query, queries: Queries) -> bool:
    """Return whether the row is changed: by an update of its controller, or by an assignment to an attribute."""
    source = queries.source
    for query in queries.within(node):
        is_same = source.text(query.receiver) == source.text(read.receiver)
        if query.via == "controller" and query.method.startswith("update") and is_same:
            return True
    if read.via != "session":
        return False
    targets = [target.target for assignment in source.within(node, cst.Assign) for target in assignment.targets]
    for call in source.within(node, cst.Call):
        if last_name(call.func) == "setattr" and call.args and source.text(call.args[0].value) == name:
            return True
    return any(dotted(target.value) == name for target in targets if isinstance(target, cst.Attribute))


def _is_guarded(node: cst.CSTNode, queries: Queries, *, broadly: bool) -> bool:
    """Return whether the error caused by a race is caught, by name or by a broad handler that hides no other error.

    A row added to a session fails when the session is flushed or committed, so all handlers of the function count.
    """
    source = queries.source
    names = {*_CONFLICTS, "Exception"} if broadly else set(_CONFLICTS)
    function = source.function(node)
    is_added = not any(query.call is node and query.via == "controller" for query in queries.every)
    for attempt in source.own(function, cst.Try):
        if is_added or source.is_in(node, attempt.body):
            kinds = [source.text(handler.type) for handler in attempt.handlers if handler.type is not None]
            if names & set(re.findall(r"\w+", " ".join(kinds))):
                return True
    for block in source.own(function, cst.With):
        if is_added or source.is_in(node, block.body):
            suppressed = [source.text(item.item) for item in block.items if "suppress" in source.text(item.item)]
            if names & set(re.findall(r"\w+", " ".join(suppressed))):
                return True
    return False


def _keys_by_value(read: Query, creation: _Creation, queries: Queries) -> list[str]:
    """Return the keys of the new row that the row is read by, or all keys of the read."""
    looked_for = {queries.source.text(argument.value) for argument in read.call.args}
    return [key for key, value in creation.values.items() if value in looked_for] or list(_read_keys(read, queries))


def _replacement(read: Query, creation: _Creation, keys: list[str], *, changes: bool, queries: Queries) -> str:
    verb = "upsert" if changes else "get_or_create"
    keys = keys or _keys_by_value(read, creation, queries)
    method = f"{verb}_by_{'_and_'.join(keys) if keys else 'key'}"
    on = creation.on
    if read.via == "session":
        controller = queries.emitted_controller(on)
        on = f"db.{controller.attribute if controller else snake(on)}"
    arguments = ", ".join(f"{name}={value}" for name, value in creation.values.items()) or "..."
    call = f"await {on}.{method}({arguments})"
    return call if changes else f"row, is_new = {call}"
