"""Lays a ``Controller`` out as the strings its template prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ctrlgen.package import Controller, Entry, Method, Parameter
from ctrlgen.render.imports import Imports
from ctrlgen.schema import Relation

_OWN_NAMES = frozenset(
    {
        *("BaseController", "Equal", "Filters", "Ordered", "Refinements", "Selection", "Settable"),
        *(
            "ClassVar",
            "Iterable",
            "Literal",
            "Mapped",
            "Mapping",
            "Never",
            "NotRequired",
            "TYPE_CHECKING",
            "TypeAlias",
            "TypedDict",
            "Unpack",
        ),
        *("cast", "type", "tuple", "bool", "int"),
    }
)
"""What every emitted module calls something else already."""


@dataclass(frozen=True, slots=True)
class Field:
    """A line ``name: type`` of a class body."""

    name: str
    type: str


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
    create: list[Field]
    update: list[Field]
    where: list[Field]
    columns: list[Field]
    methods: list[MethodView]
    self: str  # positional-only where a column is called so
    filters: str
    all_rows: str


def lay_out(controller: Controller) -> ControllerView:
    """Return the strings of one controller's module."""
    model = controller.model
    relations = [relation.target for relation in controller.relations]
    imports = Imports({*_OWN_NAMES, *_module_names(controller)}, hidden=_attributes(controller))
    name = imports.name(model.reference)
    create = [_create_field(entry, imports) for entry in controller.create]
    update = [_wrapped_field(entry, imports) for entry in controller.update]
    where = [_where_field(entry, imports) for entry in controller.where]
    methods = [_method_view(method, imports) for method in controller.methods]
    columns = _column_fields(controller, imports)
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
        self="self, /" if "self" in _attributes(controller) else "self",
        filters=_free_name("filters", controller),
        all_rows=_free_name("all_rows", controller),
    )


def _free_name(parameter: str, controller: Controller) -> str:
    """Return a parameter's name, with an underscore behind it where a column may be set by that keyword."""
    return f"{parameter}_" if any(entry.key == parameter for entry in controller.update) else parameter


def _module_names(controller: Controller) -> set[str]:
    return {
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
    type_ = _optional(imports.source(entry.annotation), entry.nullable)
    return Field(entry.key, type_ if entry.required else f"{imports.own('typing', 'NotRequired')}[{type_}]")


def _wrapped_field(entry: Entry, imports: Imports) -> Field:
    return Field(
        entry.key, f"{_wrapper(entry, imports)}[{_optional(imports.source(entry.annotation), entry.nullable)}]"
    )


def _where_field(entry: Entry, imports: Imports) -> Field:
    return Field(
        entry.key, _optional(f"{_wrapper(entry, imports)}[{imports.source(entry.annotation)}]", entry.nullable)
    )


def _wrapper(entry: Entry, imports: Imports) -> str:
    return imports.own(".runtime", entry.wrapper or "")


def _column_fields(controller: Controller, imports: Imports) -> list[Field]:
    mapped = imports.own("sqlalchemy.orm", "Mapped")
    columns = [
        Field(column.attribute, f"{mapped}[{_optional(imports.source(column.annotation), column.nullable)}]")
        for column in controller.columns
    ]
    return columns + [Field(item.attribute, f"{mapped}[{_related(item, imports)}]") for item in controller.relations]


def _related(relation: Relation, imports: Imports) -> str:
    target = imports.name(relation.target)
    return f"{imports.own('builtins', 'list')}[{target}]" if relation.many else _optional(target, relation.optional)


def _method_view(method: Method, imports: Imports) -> MethodView:
    finder = method.kind == "find"
    parameters = [_parameter(parameter, finder, imports) for parameter in method.parameters]
    return MethodView(method, "".join(f"{text}, " for text in parameters), _key(method.parameters))


def _parameter(parameter: Parameter, finder: bool, imports: Imports) -> str:
    type_ = imports.source(parameter.annotation)
    if finder:
        type_ = f"{'Ordered' if parameter.comparison == 'ordered' else 'Equal'}[{type_}]"
    return f"{parameter.name}: {_optional(type_, parameter.nullable)}"


def _key(parameters: Iterable[Parameter]) -> str:
    return "{" + ", ".join(f"{parameter.key!r}: {parameter.name}" for parameter in parameters) + "}"


def _optional(type_: str, nullable: bool) -> str:
    return f"{type_} | None" if nullable else type_
