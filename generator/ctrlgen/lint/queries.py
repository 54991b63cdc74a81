"""Finds the sessions, controllers and queries in a file. All rules read files through it.

Nothing is imported or run, so the analysis relies on annotations, on where a value comes from, and on the methods
called on it. A name alone is never enough: `find_all` of a parsed web page is not a query, and the session of an HTTP
client is not a database session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import libcst as cst

from ctrlgen.lint.emitted_methods import FINDER, LINKER, READ, WRITE, EmittedController, EmittedMethods
from ctrlgen.lint.project_modules import ProjectModules
from ctrlgen.lint.sessions import Sessions
from ctrlgen.lint.source_code import SourceCode, dotted, keyword, last_name, method, positional, receiver

_DATABASE = re.compile(r"^_?(db|database)$|_(db|database)$")
_NOT_CONTROLLERS = frozenset({"session", "engine", "c", "metadata", "transaction", "query", "Model", "func", "pool"})
_OTHER_LAYERS = ("motor", "pymongo", "beanie", "prisma", "tortoise", "odmantic", "peewee", "ormar", "django", "bs4")

_SESSION_READS = frozenset({"execute", "exec", "scalars", "scalar", "get", "get_one", "stream", "stream_scalars"})
_SESSION_WRITES = frozenset({"add", "add_all", "merge", "delete", "flush", "commit", "refresh", "rollback"})
_STATEMENT_WRITES = frozenset({"update", "delete", "insert"})

_PROBE = re.compile(r"^(\w+\.)?(text\()?(['\"]select 1;?['\"]\)?|select\((\w+\.)?(literal\()?1\)?\))$", re.IGNORECASE)

_ONE_ROW = frozenset({"first", "one", "one_or_none", "scalar", "scalar_one", "scalar_one_or_none", "fetchone"})
_ROWS = frozenset({"all", "scalars", "unique", "fetchall", "mappings", "tuples", "columns", "partitions", "yield_per"})
SELECTION = frozenset(
    {
        *("order_by", "limit", "offset", "load", "options", "for_update"),
        *("first", "one", "one_or_none", "count", "exists", "page", "delete", "update", "in_total_order"),
        *("values", "sum", "min", "max", "avg", "count_by"),
    }
)
"""The methods of the selections that finders return."""

_NO_ROWS = frozenset({"update", "delete", "sum", "min", "max", "avg", "count_by"})

GETTER = re.compile(r"^get_(one_)?by_(?P<key>\w+)$")
_MODEL_BASES = frozenset({"sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta"})
_TABLE_NAMES = frozenset({"__table__", "__tablename__"})

_OWN_WRITE = re.compile(r"^(get_or_create|create|update|delete|upsert|bulk|insert|set|add|remove|increment)(_\w+)?$")
_OWN_READ = re.compile(r"^(get|find|list|fetch|load|count|exists)(_\w+)?$")
_MANY = re.compile(r"^(find_many|get_all|list|fetch_all|paginate)")


@dataclass(frozen=True, slots=True)
class Query:
    """A call that sends a statement to the database.

    ``emitted`` tells whether the method has a name that ctrlgen emits, unlike a hand-written method.
    """

    call: cst.Call
    receiver: cst.BaseExpression
    method: str
    via: Literal["controller", "session"]
    writes: bool
    emitted: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """The query that a value was read by, and whether the value is several rows."""

    query: Query
    many: bool


class Queries:
    """The queries of one file.

    Parameters
    ----------
    source
        The file.
    emitted
        The methods emitted for the project's models; None without a project.
    modules
        The modules of the project, in which imported names are looked up.
    """

    def __init__(self, source: SourceCode, emitted: EmittedMethods | None, modules: ProjectModules) -> None:
        self.source = source
        self.emitted = emitted
        self.modules = modules
        self.sessions = Sessions(source, modules)
        self._queries: dict[cst.Call, Query | None] = {}

    @cached_property
    def every(self) -> list[Query]:
        """All queries in the file, in the order of the source."""
        return [query for call in self.source.all(cst.Call) if (query := self.query(call)) is not None]

    def query(self, call: cst.Call) -> Query | None:
        """Return the query that a call is, or None."""
        if call not in self._queries:
            self._queries[call] = self._query(call)
        return self._queries[call]

    def _query(self, call: cst.Call) -> Query | None:
        name, target = method(call), receiver(call)
        if name is None or target is None:
            return None
        if name in _SESSION_READS | _SESSION_WRITES and self.is_session(target):
            return Query(call, target, name, "session", writes=self._is_write(call, name))
        links = bool(LINKER.match(name)) and _has_lists(call)
        emitted = links or bool(READ.match(name) or WRITE.match(name))
        writes = links or bool(WRITE.match(name) or _OWN_WRITE.match(name))
        if (emitted or writes or _OWN_READ.match(name)) and self.is_controller(target):
            return Query(call, target, name, "controller", writes, emitted)
        return None

    def _is_write(self, call: cst.Call, name: str) -> bool:
        if name in _SESSION_WRITES:
            return True
        statement = self.statement(call)
        return statement is not None and last_name(innermost(statement).func) in _STATEMENT_WRITES

    def is_probe(self, query: Query) -> bool:
        """Return whether a query only tests the connection: ``SELECT 1``."""
        arguments = positional(query.call) if query.via == "session" else []
        return bool(arguments) and bool(_PROBE.match(self.source.text(self.resolved(arguments[0]))))

    def within(self, root: cst.CSTNode) -> list[Query]:
        """Return the queries inside a node."""
        return [query for call in self.source.within(root, cst.Call) if (query := self.query(call)) is not None]

    def statement(self, call: cst.Call) -> cst.Call | None:
        """Return the statement passed to ``session.execute`` and similar methods: ``select(...)...``."""
        arguments = positional(call)
        value = self.resolved(arguments[0]) if arguments else None
        return value if isinstance(value, cst.Call) else None

    def resolved(self, value: cst.BaseExpression) -> cst.BaseExpression:
        """Return the expression that a name was last bound to, or the expression itself."""
        for _ in range(4):
            if not isinstance(value, cst.Name):
                break
            binding = self.source.binding(value)
            if binding is None or binding.kind != "assign":
                break
            value = binding.value
        return value

    # Sessions

    def is_session(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression is a SQLAlchemy session."""
        return self.sessions.is_session(node)

    def transaction_around(self, node: cst.CSTNode) -> cst.With | None:
        """Return the ``async with db.transaction()`` block around a node, within the node's function."""
        function = self.source.function(node)
        for ancestor in self.source.ancestors(node):
            if ancestor is function:
                break
            if isinstance(ancestor, cst.With) and any(self.opens_transaction(item.item) for item in ancestor.items):
                return ancestor
        return None

    def opens_transaction(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression is ``db.transaction(...)`` or ``begin()`` of a session."""
        return (
            isinstance(node, cst.Call)
            and method(node) in {"transaction", "begin"}
            and self.sessions.opens_session(node)
        )

    # Controllers

    def is_controller(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression is a controller: ``db.user``, a value typed as one, or ``self`` inside one."""
        path = dotted(node)
        if path is None or self._uses_another_layer:
            return False
        parts = path.split(".")
        if parts == ["self"]:
            around = self.source.class_around(node)
            is_excerpt = around is None  # a method without its class, as in documentation
            return is_excerpt or self.is_controller_class(around)
        if len(parts) > 1 and _DATABASE.search(parts[-2]):
            return parts[-1] not in _NOT_CONTROLLERS
        if isinstance(node, cst.Attribute) and self.sessions.is_typed_database(node.value):
            return parts[-1] not in _NOT_CONTROLLERS
        if parts[-1].endswith("_controller"):
            return True
        if not isinstance(node, cst.Name):
            return False
        binding = self.source.binding(node)
        if binding is not None:
            is_other_name = binding.kind == "assign" and isinstance(binding.value, cst.Attribute)
            return is_other_name and self.is_controller(binding.value)
        annotation = self.source.annotation(node)
        names = self.modules.types(self.source, annotation) if annotation is not None else set[str]()
        return any(name.endswith("Controller") and name.rpartition(".")[2] != "Controller" for name in names)

    @cached_property
    def _uses_another_layer(self) -> bool:
        return self.source.imports_from(*_OTHER_LAYERS)

    def is_controller_class(self, node: cst.ClassDef | None) -> bool:
        """Return whether a class inherits from a controller, emitted or hand-written."""
        if node is None:
            return False
        for base in node.bases:
            name = base.value.value if isinstance(base.value, cst.Subscript) else base.value
            if (last_name(name) or "").endswith("Controller") and last_name(name) != "Controller":
                return True
        return False

    # Models

    def is_model(self, path: str) -> bool:
        """Return whether a name is a class that is mapped to a table."""
        return not self.modules.base_names(self.source, path).isdisjoint(_MODEL_BASES) or any(
            _has_table(definition.node)
            for definition in self.modules.definitions(self.source, path)
            if isinstance(definition.node, cst.ClassDef)
        )

    def emitted_controller(self, model: str | None) -> EmittedController | None:
        """Return the emitted controller of a model; None for any other class, even if it has the same name."""
        if model is None or self.emitted is None:
            return None
        for definition in self.modules.definitions(self.source, model):
            if isinstance(definition.node, cst.ClassDef) and definition.source is not self.source:
                return self.emitted.defined_in(definition.node.name.value, definition.source.file)
        return self.emitted.of(model.rpartition(".")[2], self.source.module_of(model.partition(".")[0]))

    # Rows

    def rows(self, node: cst.BaseExpression, many: bool | None = None, depth: int = 12) -> Rows | None:
        """Return the query that a value was read by, through names, chains, ``list(...)`` and the like."""
        if depth == 0:
            return None
        if isinstance(node, cst.Await):
            return self.rows(node.expression, many, depth - 1)
        if isinstance(node, cst.Name):
            binding = self.source.binding(node)
            return self.rows(binding.value, many, depth - 1) if binding and binding.kind == "assign" else None
        if isinstance(node, cst.NamedExpr):
            return self.rows(node.value, many, depth - 1)
        if isinstance(node, cst.BooleanOperation) and isinstance(node.operator, cst.Or):
            return self.rows(node.left, many, depth - 1)
        if isinstance(node, cst.Attribute) and node.attr.value == "items":
            return self.rows(node.value, True, depth - 1)
        return self._rows_of_call(node, many, depth) if isinstance(node, cst.Call) else None

    def _rows_of_call(self, call: cst.Call, many: bool | None, depth: int) -> Rows | None:
        query = self.query(call)
        if query is not None:
            if query.writes:
                return None
            several = query.method not in {"get", "get_one", "scalar"} and (
                query.via == "session" or bool(FINDER.match(query.method) or _MANY.match(query.method))
            )
            return Rows(query, several if many is None else many)
        if isinstance(call.func, cst.Name):
            first = positional(call)
            is_list = call.func.value in {"list", "tuple", "sorted", "reversed", "set"} and first
            return self.rows(first[0], True, depth - 1) if is_list else None
        name, target = method(call), receiver(call)
        if target is None:
            return None
        if name in _ONE_ROW:
            return self.rows(target, False if many is None else many, depth - 1)
        if name in _ROWS:
            return self.rows(target, True if many is None else many, depth - 1)
        return self.rows(target, many, depth - 1) if name in SELECTION - _NO_ROWS else None

    def chain(self, call: cst.Call) -> Iterator[tuple[str, cst.Call]]:
        """Yield the calls chained to a call: ``limit`` and ``first`` of ``find_all().limit(5).first()``."""
        node: cst.CSTNode = call
        while True:
            attribute = self.source.parent(node)
            outer = self.source.parent(attribute) if isinstance(attribute, cst.Attribute) else None
            if (
                not isinstance(outer, cst.Call)
                or outer.func is not attribute
                or not isinstance(attribute, cst.Attribute)
            ):
                return
            yield attribute.attr.value, outer
            node = outer

    def end(self, call: cst.Call) -> cst.Call:
        """Return the whole chain that begins with a call."""
        return ([call] + [outer for _, outer in self.chain(call)])[-1]

    def is_awaited(self, call: cst.Call) -> bool:
        """Return whether a call, or the chain that it begins, is awaited."""
        return isinstance(self.source.parent(self.end(call)), cst.Await)

    def equalities(self, call: cst.Call) -> dict[str, str]:
        """Return the columns that a query compares by ``==`` with their values, in whatever form they are passed."""
        name = method(call) or ""
        arguments = positional(call)
        getter = GETTER.match(name)
        if getter and arguments:
            return dict(zip(getter["key"].split("_and_"), map(self.source.text, arguments), strict=False))
        named = {arg.keyword.value: self.source.text(arg.value) for arg in call.args if arg.keyword is not None}
        refinements = {"filters", "order_by", "limit", "offset", "options", "load"}
        values = {key: value for key, value in named.items() if key not in refinements}
        conditions = [*arguments, *([filters] if (filters := keyword(call, "filters")) is not None else [])]
        for condition in conditions:
            values.update(self.compared(condition) or {})
        return values

    def compared(self, condition: cst.BaseExpression) -> dict[str, str] | None:
        """Return ``{"name": "value"}`` for ``Model.name == value``, also joined by ``&``; None for anything else."""
        condition = self.resolved(condition)
        if isinstance(condition, cst.BinaryOperation) and isinstance(condition.operator, cst.BitAnd):
            left, right = self.compared(condition.left), self.compared(condition.right)
            return None if left is None or right is None else left | right
        if not isinstance(condition, cst.Comparison) or len(condition.comparisons) != 1:
            return None
        column = condition.left
        if isinstance(column, cst.Call) and last_name(column.func) == "col" and positional(column):
            column = positional(column)[0]
        comparison = condition.comparisons[0]
        if not isinstance(comparison.operator, cst.Equal) or not isinstance(column, cst.Attribute):
            return None
        return {column.attr.value: self.source.text(comparison.comparator)}


def _has_table(node: cst.ClassDef) -> bool:
    """Return whether a class is declared with ``table=True``, or has a ``__tablename__`` or a ``__table__``."""
    if any(word.keyword is not None and word.keyword.value == "table" for word in node.keywords):
        return True
    lines = [line.body for line in node.body.body if isinstance(line, cst.SimpleStatementLine)]
    targets = [
        target.target for line in lines for part in line if isinstance(part, cst.Assign) for target in part.targets
    ]
    targets += [part.target for line in lines for part in line if isinstance(part, cst.AnnAssign)]
    return any(isinstance(target, cst.Name) and target.value in _TABLE_NAMES for target in targets)


def _has_lists(call: cst.Call) -> bool:
    """Return whether a call has two arguments and one is a list display, like the methods that change links."""
    arguments = positional(call)
    return len(arguments) == len(call.args) == 2 and any(
        isinstance(argument, cst.List | cst.ListComp) for argument in arguments
    )


def innermost(call: cst.Call) -> cst.Call:
    """Return the first call of a chain: ``select(User)`` of ``select(User).where(...).limit(1)``."""
    while (target := receiver(call)) is not None and isinstance(target, cst.Call):
        call = target
    return call
