"""CGL201: a query for each row of another query."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries, Query
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import dotted, last_name

_COLLECTIONS = frozenset({"list", "List", "Sequence", "Iterable", "Collection", "set", "tuple"})


class QueryInLoop(Rule):
    """N+1: one query for the rows, then one for each of them."""

    code = "CGL201"
    name = "query-in-loop"
    message = "a query for each row of `{rows}`: as many round trips as rows"
    why = "A hundred rows need a hundred and one round trips, where two statements are enough."
    bad = """
users = await self.db.user.find_all()
for user in users:
    cases = await self.db.case.find_all(filters=Case.user_id == user.id)
"""
    good = """
users = await self.db.user.find_all(limit=100).load("cases")
"""
    limits = (
        "Loops and comprehensions over rows that the same function reads or takes as `list[Model]`, if the query uses "
        "the row. CGL202 reports writes. A loop that returns or breaks directly after its query is a search, and is "
        "not reported."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        reported: set[cst.CSTNode] = set()
        for loop, names, body in loops_over_rows(queries):
            for query in repeated_reads(body, names, queries):
                if query.call in reported:
                    continue
                reported.add(query.call)
                rows = queries.source.text(loop.iter)
                replacement = _replacement(query, loop, queries)
                yield self.report(queries, query.call, replacement, rows=rows if len(rows) < 60 else "the query")


def loops_over_rows(queries: Queries) -> Iterator[tuple[cst.For | cst.CompFor, set[str], list[cst.CSTNode]]]:
    """Yield each loop over the rows of a query, with the names it binds and the nodes it repeats."""
    source = queries.source
    for loop in source.all(cst.For):
        if _iterates_over_rows(loop, queries):
            yield loop, _names(loop.target, queries), [loop.body]
    for clause in source.all(cst.CompFor):
        comprehension = source.parent(clause)
        if _iterates_over_rows(clause, queries) and comprehension is not None:
            repeated = [child for child in comprehension.children if child is not clause]
            yield clause, _names(clause.target, queries), [child for child in repeated if _is_expression(child)]


def _is_expression(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.BaseExpression)


def _iterates_over_rows(loop: cst.For | cst.CompFor, queries: Queries) -> bool:
    rows = queries.rows(loop.iter)
    return (rows is not None and rows.many) or _is_list_of_models(loop.iter, queries)


def _is_list_of_models(node: cst.BaseExpression, queries: Queries) -> bool:
    """Return whether a parameter is annotated as rows of a model: ``users: list[User]``."""
    annotation = queries.source.annotation(node) if isinstance(node, cst.Name) else None
    if not isinstance(annotation, cst.Subscript) or last_name(annotation.value) not in _COLLECTIONS:
        return False
    item = annotation.slice[0].slice
    name = dotted(item.value) if isinstance(item, cst.Index) else None
    if name is None:
        return False
    module = queries.source.module_of(name.rpartition(".")[2])
    return (module is not None and "models" in module.split(".")) or queries.is_model(name)


def _names(target: cst.BaseExpression, queries: Queries) -> set[str]:
    return {name.value for name in queries.source.within(target, cst.Name)}


def repeated_reads(body: list[cst.CSTNode], names: set[str], queries: Queries) -> Iterator[Query]:
    """Yield the queries in the body of a loop that use its row and do not end the loop."""
    source = queries.source
    for part in body:
        names = names | _derived(part, names, queries)
        for query in queries.within(part):
            end = queries.end(query.call)
            used = {name.value for argument in query.call.args for name in source.within(argument, cst.Name)}
            used |= _names_of_statement(query, queries)
            if not query.writes and queries.is_awaited(query.call) and used & names and not _ends_loop(end, queries):
                yield query


def _derived(body: cst.CSTNode, names: set[str], queries: Queries) -> set[str]:
    """Return the names that the body of a loop computes from its row."""
    derived: set[str] = set()
    for assignment in queries.source.within(body, cst.Assign):
        used = {name.value for name in queries.source.within(assignment.value, cst.Name)}
        if used & (names | derived):
            derived |= {target.target.value for target in assignment.targets if isinstance(target.target, cst.Name)}
    return derived


def _names_of_statement(query: Query, queries: Queries) -> set[str]:
    statement = queries.statement(query.call) if query.via == "session" else None
    return {name.value for name in queries.source.within(statement, cst.Name)} if statement is not None else set()


def _ends_loop(end: cst.Call, queries: Queries) -> bool:
    """Return whether the query ends the loop: its result is returned, or the next statement leaves the loop."""
    source = queries.source
    line = source.statement(end)
    if source.within(line, cst.Return):
        return True
    block = source.parent(line)
    statements: list[cst.CSTNode] = list(block.body) if isinstance(block, cst.IndentedBlock) else []
    after = statements[statements.index(line) + 1 :] if line in statements else []
    last = after[-1] if after else None
    return isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[0], cst.Return | cst.Break | cst.Raise)


def _replacement(query: Query, loop: cst.For | cst.CompFor, queries: Queries) -> str:
    source = queries.source
    rows = source.text(loop.iter) if isinstance(loop.iter, cst.Name) else "rows"
    if query.via == "controller":
        relation = (last_name(query.receiver) or "related").removesuffix("s")
        relation = relation if query.method.startswith("get_by_") else f"{relation}s"
        owner = queries.rows(loop.iter)
        if owner is not None and owner.query.via == "controller" and last_name(query.receiver) != "self":
            loader = f"await {source.text(owner.query.receiver)}.load_{relation}({rows})"
            return (
                f'`.load("{relation}")` on the first query, or `{loader}`; '
                "without a relationship, one query with `AnyOf([...])`"
            )
        return f"one query for all of them, with `AnyOf([... for ... in {rows}])` or `.in_(...)`"
    return f"one statement for all of them: `.where(Model.key.in_([... for ... in {rows}]))`, or `selectinload(...)`"
