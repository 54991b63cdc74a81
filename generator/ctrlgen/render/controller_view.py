"""Converts a ``Controller`` to the strings that its template prints."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ctrlgen.blueprint import Controller, Effects, Entry, Method, Parameter, Partial
from ctrlgen.namespace import BUILTINS, Namespace
from ctrlgen.plan.naming import CONTROLLER
from ctrlgen.schema import Annotation, Column, Condition, ExpressionPart, Imported, Model, Relation

_CONTRACTS = ".runtime.contracts"
_IMPORTS: dict[str, tuple[str, ...]] = {
    "collections.abc": ("Iterable",),
    "typing": ("TYPE_CHECKING", "Literal", "Never", "NotRequired", "TypeAlias", "Unpack"),
    "typing_extensions": ("TypedDict",),
    _CONTRACTS: ("Equal", "Expression", "Facts", "Filters", "Ordered", "Partial", "Refinements", "Settable"),
    ".runtime.controller": ("BaseController",),
    ".runtime.cache_writes": ("Cached", "Effects", "WatchedController"),
    ".runtime.cached_controller": ("CachedController",),
    ".runtime.links": ("Links",),
    ".runtime.relations": ("by_columns", "by_orm", "nested"),
    ".runtime.selection": ("Selection",),
}
"""The imports of every emitted module. Unused ones are removed by formatting."""

_TYPE_IMPORTS: dict[str, tuple[str, ...]] = {"sqlalchemy.orm": ("Mapped",), ".database": ("Database",)}
"""The imports for type checkers only."""

_KNOWN = frozenset(Imported(module, name) for module, names in (_IMPORTS | _TYPE_IMPORTS).items() for name in names)
_ANY = Annotation((Imported("typing", "Any"),))
_DECIMAL = Imported("decimal", "Decimal")


@dataclass(frozen=True, slots=True)
class Field:
    """A line ``name: type`` of a class body."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a TypedDict. Python keywords are not allowed in a class body."""

    fields: list[Field]
    keywords: list[Field]


@dataclass(frozen=True, slots=True)
class MethodView:
    """A method with its parameters and its key as source."""

    method: Method
    signature: str  # ", guild_id: int, rank: int"
    key: str  # '{"id": id}'
    related: str = ""  # the target class of a relationship


@dataclass(frozen=True, slots=True)
class ControllerView:
    """The variables of ``controller.py.jinja``."""

    controller: Controller
    model: str
    imports: list[str]
    type_imports: list[str]
    primary_key: str  # its type: "tuple[int, int]"
    values: Keys
    create: Keys
    update: Keys
    where: Keys
    columns: list[Field]
    methods: list[MethodView]
    facts: list[str]  # "required=('name',)"
    base: str  # "BaseController"
    cached: list[str]  # "name='guild'", "keys=(('id',),)"
    effects: list[str]  # "delete=('guild',)"
    self: str  # positional-only if a column has the same name
    filters: str
    all_rows: str


def lay_out(controller: Controller) -> ControllerView:
    """Return the template variables of one controller module."""
    model = controller.model
    relations = [relation.target for relation in controller.relations]
    imports = Namespace(_defined_names(controller), known=_KNOWN | BUILTINS)
    name = imports.name(model.reference)
    primary_key = {column.attribute for column in controller.primary_key}
    values = _keys(_create_field(entry, imports) for entry in controller.create if entry.key not in primary_key)
    create = _keys(_create_field(entry, imports) for entry in controller.create if entry.key in primary_key)
    update = _keys(_wrapped_field(entry, imports) for entry in controller.update)
    where = _keys(_where_field(entry, imports) for entry in controller.where)
    methods = [_method_view(method, imports) for method in controller.methods]
    columns = _column_fields(controller, imports)
    facts = _facts_source(controller, imports)
    own = set(imports.import_lines([model.reference]))
    type_only = [line for line in imports.import_lines(relations) if line not in own]
    keywords = Namespace(entry.key for entry in controller.update)
    return ControllerView(
        controller=controller,
        model=name,
        imports=[*_statements(_IMPORTS), *(line for line in imports.import_lines() if line not in type_only)],
        type_imports=[*_statements(_TYPE_IMPORTS), *type_only],
        primary_key=_key_type(controller.primary_key, imports),
        values=values,
        create=create,
        update=update,
        where=where,
        columns=columns,
        methods=methods,
        facts=facts,
        base=_base(controller),
        cached=_cached_source(controller),
        effects=_effects_source(controller.effects),
        self="self, /" if "self" in _attributes(controller) else "self",
        filters=keywords.claim("filters"),
        all_rows=keywords.claim("all_rows"),
    )


def _statements(imports: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"from {module} import {', '.join(names)}" for module, names in imports.items()]


def _keys(fields: Iterable[Field]) -> Keys:
    listed = list(fields)
    return Keys(
        [field for field in listed if not keyword.iskeyword(field.name)],
        [field for field in listed if keyword.iskeyword(field.name)],
    )


def _defined_names(controller: Controller) -> set[str]:
    """Return the names of the module's classes, and of members and attributes, which shadow outer names."""
    return (
        {method.name for method in controller.methods}
        | _attributes(controller)
        | CONTROLLER
        | {
            controller.class_name,
            controller.values_name,
            f"_{controller.values_name}",
            controller.create_name,
            controller.update_name,
            controller.where_name,
            controller.load_name,
            controller.columns_name,
        }
    )


def _attributes(controller: Controller) -> set[str]:
    columns = {column.attribute for column in controller.columns}
    return columns | {relation.attribute for relation in controller.relations}


def _create_field(entry: Entry, imports: Namespace) -> Field:
    type_ = _value(entry.annotation, entry.nullable, imports)
    return Field(entry.key, type_ if entry.required else f"{imports.name(Imported('typing', 'NotRequired'))}[{type_}]")


def _wrapped_field(entry: Entry, imports: Namespace) -> Field:
    return Field(entry.key, f"{_wrapper(entry, imports)}[{_value(entry.annotation, entry.nullable, imports)}]")


def _where_field(entry: Entry, imports: Namespace) -> Field:
    return Field(
        entry.key, _optional(f"{_wrapper(entry, imports)}[{imports.source(entry.annotation)}]", entry.nullable)
    )


def _wrapper(entry: Entry, imports: Namespace) -> str:
    return imports.name(Imported(_CONTRACTS, entry.wrapper or ""))


def _column_fields(controller: Controller, imports: Namespace) -> list[Field]:
    mapped = imports.name(Imported("sqlalchemy.orm", "Mapped"))
    columns = [
        Field(column.attribute, f"{mapped}[{_value(column.annotation, column.nullable, imports)}]")
        for column in controller.columns
    ]
    relations = [Field(item.attribute, f"{mapped}[{_related(item, imports)}]") for item in controller.relations]
    return _keys(columns + relations).fields


def _related(relation: Relation, imports: Namespace) -> str:
    target = imports.name(relation.target)
    many = imports.name(Imported("builtins", "list"))
    return f"{many}[{target}]" if relation.many else _optional(target, relation.optional)


def _method_view(method: Method, imports: Namespace) -> MethodView:
    finder = method.kind == "find"
    parameters = [_parameter(parameter, finder, imports) for parameter in method.parameters]
    related = imports.name(method.relation.target) if method.relation else ""
    return MethodView(method, "".join(f", {text}" for text in parameters), _key(method.parameters), related)


def _parameter(parameter: Parameter, finder: bool, imports: Namespace) -> str:
    if not finder:
        return f"{parameter.name}: {_value(parameter.annotation, parameter.nullable, imports)}"
    type_ = f"{'Ordered' if parameter.comparison == 'ordered' else 'Equal'}[{imports.source(parameter.annotation)}]"
    return f"{parameter.name}: {_optional(type_, parameter.nullable)}"


def _key_type(columns: tuple[Column, ...], imports: Namespace) -> str:
    types = [_value(column.annotation, column.nullable, imports) for column in columns]
    return types[0] if len(types) == 1 else f"{imports.name(Imported('builtins', 'tuple'))}[{', '.join(types)}]"


def _key(parameters: Iterable[Parameter]) -> str:
    return "{" + ", ".join(f"{parameter.key!r}: {parameter.name}" for parameter in parameters) + "}"


def _value(annotation: Annotation, nullable: bool, imports: Namespace) -> str:
    """Return the type of a value, with None if it is nullable. ``Any`` includes None."""
    return _optional(imports.source(annotation), nullable and annotation != _ANY)


def _optional(type_: str, nullable: bool) -> str:
    return f"{type_} | None" if nullable else type_


def _facts_source(controller: Controller, imports: Namespace) -> list[str]:
    """Return the arguments, as ``required=('name',)``, without empty ones."""
    facts, model = controller.facts, controller.model
    collections = {"required": facts.required, "computed": facts.computed, "omitted": facts.omitted}
    mappings = {
        "expressions": [(part.name or "", _expression(part)) for part in facts.expressions],
        "partial": [(partial.name, _partial(partial, model, imports)) for partial in facts.partial],
        "relations": [
            *((relation.attribute, _loader(by_columns=relation.by_columns)) for relation in controller.relations),
            *((nested.path, f"nested({_loader(by_columns=nested.by_columns)})") for nested in controller.nested),
        ],
        "absent": [(absent.reason, repr(absent.names)) for absent in controller.absent],
    }
    return [
        *(f"{name}={names!r}" for name, names in (collections | {"unique": facts.unique}).items() if names),
        *(f"{name}={_dict(items)}" for name, items in mappings.items() if items),
        *(["utc=True"] if facts.utc else []),
        *([] if model.plain else ["by_orm=True"]),
    ]


def _base(controller: Controller) -> str:
    """Return the base class of a controller."""
    if controller.cached:
        return "CachedController"
    return "WatchedController" if controller.is_watched else "BaseController"


def _cached_source(controller: Controller) -> list[str]:
    """Return the arguments of the runtime's ``Cached``, without empty ones."""
    if (cached := controller.cached) is None:
        return []
    values = {
        "keys": cached.keys,
        "finders": cached.finders,
        "exact": cached.exact,
        "returned": cached.returned,
        "uuids": cached.uuids,
    }
    return [f"name={controller.module!r}", *(f"{name}={value!r}" for name, value in values.items() if value)]


def _effects_source(effects: Effects) -> list[str]:
    """Return the arguments of the runtime's ``Effects``, without empty ones."""
    values = {"any": effects.any, "delete": effects.delete}
    mappings = {"update": effects.update, "links": effects.links}
    return [
        *(f"{name}={value!r}" for name, value in values.items() if value),
        *(f"{name}={_dict((key, repr(models)) for key, models in value)}" for name, value in mappings.items() if value),
    ]


def _loader(*, by_columns: bool) -> str:
    return "by_columns" if by_columns else "by_orm"


def _dict(items: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key!r}: {source}" for key, source in items) + "}"


def _expression(part: ExpressionPart) -> str:
    return f"Expression({', '.join(map(repr, (part.sql, part.inputs) if part.inputs else (part.sql,)))})"


def _partial(partial: Partial, model: Model, imports: Namespace) -> str:
    return f"Partial({', '.join(_arguments(partial, model, imports))})"


def _arguments(partial: Partial, model: Model, imports: Namespace) -> Iterator[str]:
    yield repr(partial.where)
    if partial.implied_values:
        yield _dict(
            (implied.attribute, _implied_value(implied, model.column(implied.attribute), imports))
            for implied in partial.implied_values
        )
    if partial.present:
        yield f"present={partial.present!r}"
    if partial.keys:
        yield f"keys={partial.keys!r}"


def _implied_value(condition: Condition, column: Column, imports: Namespace) -> str:
    """Return the value that a predicate implies for a column."""
    if condition.value is None:
        return "None"
    if column.kind == "decimal":
        return f"{imports.name(_DECIMAL)}({condition.value!r})"
    return _member(ast.literal_eval(condition.value), column, imports) if column.kind == "enum" else condition.value


def _member(name: str, column: Column, imports: Namespace) -> str:
    cls = imports.source(column.annotation)
    return f"{cls}.{name}" if name.isidentifier() and not keyword.iskeyword(name) else f"{cls}[{name!r}]"
