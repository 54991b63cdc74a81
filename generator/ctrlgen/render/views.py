"""Lays a ``Controller`` out as the strings its template prints."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from dataclasses import dataclass

from ctrlgen.package import Controller, Entry, Method, Parameter
from ctrlgen.plan.naming import CONTROLLER
from ctrlgen.render.facts_source import facts_source
from ctrlgen.render.imports import Imports
from ctrlgen.schema import Annotation, Imported, Relation

_WRAPPERS = ("Equal", "Ordered", "Refinements", "Settable")
_IMPORTED = {
    "collections.abc": ("Iterable",),
    "sqlalchemy.orm": ("Mapped",),
    "typing": ("TYPE_CHECKING", "Literal", "Never", "NotRequired", "TypeAlias", "Unpack", "cast"),
    "typing_extensions": ("TypedDict",),
    ".runtime": ("BaseController", "Facts", "Filters", "Partial", "Selection", *_WRAPPERS),
    ".runtime.orm": ("OrmController",),
    ".runtime.relations": ("by_columns", "by_orm"),
}
"""What the template imports into every emitted module."""

_KNOWN = frozenset(Imported(module, name) for module, names in _IMPORTED.items() for name in names)
_BUILTINS = frozenset(name for name in dir(builtins) if name.islower())
_ANY = Annotation((Imported("typing", "Any"),))


@dataclass(frozen=True, slots=True)
class Field:
    """A line ``name: type`` of a class body."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a TypedDict; those that are Python's keywords can not stand in a class body."""

    fields: list[Field]
    keywords: list[Field]


@dataclass(frozen=True, slots=True)
class MethodView:
    """A method with its parameters and its key as source text."""

    method: Method
    signature: str  # "id: int, /"
    key: str  # '{"id": id}'


@dataclass(frozen=True, slots=True)
class ControllerView:
    """All that ``controller.py.jinja`` prints."""

    controller: Controller
    model: str
    imports: list[str]
    type_imports: list[str]
    create: Keys
    update: Keys
    where: Keys
    columns: list[Field]
    methods: list[MethodView]
    facts: list[str]  # "required=('name',)"
    self: str  # positional-only where a column is called so
    filters: str
    all_rows: str


def lay_out(controller: Controller) -> ControllerView:
    """Return the strings of one controller's module."""
    model = controller.model
    relations = [relation.target for relation in controller.relations]
    imports = Imports(_KNOWN, _names_of(controller) | CONTROLLER | _BUILTINS, hidden=_attributes(controller))
    name = imports.name(model.reference)
    create = _keys(_create_field(entry, imports) for entry in controller.create)
    update = _keys(_wrapped_field(entry, imports) for entry in controller.update)
    where = _keys(_where_field(entry, imports) for entry in controller.where)
    methods = [_method_view(method, imports) for method in controller.methods]
    columns = _column_fields(controller, imports)
    facts = facts_source(controller, imports)
    ours = set(imports.lines([model.reference]))
    type_only = [line for line in imports.lines(relations) if line not in ours]
    return ControllerView(
        controller=controller,
        model=name,
        imports=[line for line in imports.lines() if line not in type_only],
        type_imports=type_only,
        create=create,
        update=update,
        where=where,
        columns=columns,
        methods=methods,
        facts=facts,
        self="self, /" if "self" in _attributes(controller) else "self",
        filters=_free_name("filters", controller),
        all_rows=_free_name("all_rows", controller),
    )


def _free_name(parameter: str, controller: Controller) -> str:
    """Return a parameter's name, with an underscore behind it where a column may be set by that keyword."""
    return f"{parameter}_" if any(entry.key == parameter for entry in controller.update) else parameter


def _keys(fields: Iterable[Field]) -> Keys:
    listed = list(fields)
    return Keys(
        [field for field in listed if not keyword.iskeyword(field.name)],
        [field for field in listed if keyword.iskeyword(field.name)],
    )


def _names_of(controller: Controller) -> set[str]:
    """Return the names of the module's own classes, and of the methods, which hide what is outside their class."""
    return {method.name for method in controller.methods} | {
        controller.class_name,
        controller.create_name,
        controller.update_name,
        controller.where_name,
        controller.load_name,
        controller.columns_name,
    }


def _attributes(controller: Controller) -> set[str]:
    columns = {column.attribute for column in controller.columns}
    return columns | {relation.attribute for relation in controller.relations}


def _create_field(entry: Entry, imports: Imports) -> Field:
    type_ = _value(entry.annotation, entry.nullable, imports)
    return Field(entry.key, type_ if entry.required else f"{imports.own('typing', 'NotRequired')}[{type_}]")


def _wrapped_field(entry: Entry, imports: Imports) -> Field:
    return Field(entry.key, f"{_wrapper(entry, imports)}[{_value(entry.annotation, entry.nullable, imports)}]")


def _where_field(entry: Entry, imports: Imports) -> Field:
    return Field(
        entry.key, _optional(f"{_wrapper(entry, imports)}[{imports.source(entry.annotation)}]", entry.nullable)
    )


def _wrapper(entry: Entry, imports: Imports) -> str:
    return imports.own(".runtime", entry.wrapper or "")


def _column_fields(controller: Controller, imports: Imports) -> list[Field]:
    mapped = imports.own("sqlalchemy.orm", "Mapped")
    columns = [
        Field(column.attribute, f"{mapped}[{_value(column.annotation, column.nullable, imports)}]")
        for column in controller.columns
    ]
    relations = [Field(item.attribute, f"{mapped}[{_related(item, imports)}]") for item in controller.relations]
    return _keys(columns + relations).fields


def _related(relation: Relation, imports: Imports) -> str:
    target = imports.name(relation.target)
    return f"{imports.own('builtins', 'list')}[{target}]" if relation.many else _optional(target, relation.optional)


def _method_view(method: Method, imports: Imports) -> MethodView:
    finder = method.kind == "find"
    parameters = [_parameter(parameter, finder, imports) for parameter in method.parameters]
    return MethodView(method, "".join(f"{text}, " for text in parameters), _key(method.parameters))


def _parameter(parameter: Parameter, finder: bool, imports: Imports) -> str:
    if not finder:
        return f"{parameter.name}: {_value(parameter.annotation, parameter.nullable, imports)}"
    type_ = f"{'Ordered' if parameter.comparison == 'ordered' else 'Equal'}[{imports.source(parameter.annotation)}]"
    return f"{parameter.name}: {_optional(type_, parameter.nullable)}"


def _key(parameters: Iterable[Parameter]) -> str:
    return "{" + ", ".join(f"{parameter.key!r}: {parameter.name}" for parameter in parameters) + "}"


def _value(annotation: Annotation, nullable: bool, imports: Imports) -> str:
    """Return the type of a value; ``Any`` has None among its own."""
    return _optional(imports.source(annotation), nullable and annotation != _ANY)


def _optional(type_: str, nullable: bool) -> str:
    return f"{type_} | None" if nullable else type_
