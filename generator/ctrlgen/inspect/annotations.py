"""The annotations of fields: the values they allow, and their source and imports for another module."""

from __future__ import annotations

import collections
import enum
import keyword
import os
import re
import sys
import types
from collections import abc
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from typing_extensions import ParamSpec, TypeVarTuple

from ctrlgen.schema import Annotation, Imported
from ctrlgen.source_locations import Sources

Piece = str | Imported

ANY = Annotation((Imported("typing", "Any"),))
UNKNOWN = Annotation(("object",))

_ANY = Imported("typing", "Any")
_ONE: tuple[Piece, ...] = (_ANY,)
_TWO: tuple[Piece, ...] = (_ANY, ", ", _ANY)
# What a generic class of the standard library has in brackets where its author wrote none. These classes do not tell.
_BARE: dict[object, tuple[Piece, ...]] = {
    **dict.fromkeys((list, set, frozenset, collections.deque, collections.Counter, re.Pattern, re.Match), _ONE),
    **dict.fromkeys((abc.Container, abc.Iterable, abc.Iterator, abc.Reversible, abc.Collection, os.PathLike), _ONE),
    **dict.fromkeys((abc.Sequence, abc.MutableSequence, abc.Set, abc.MutableSet), _ONE),
    **dict.fromkeys((dict, collections.OrderedDict, collections.defaultdict, collections.ChainMap), _TWO),
    **dict.fromkeys((abc.Mapping, abc.MutableMapping, types.MappingProxyType), _TWO),
    tuple: (_ANY, ", ..."),
    get_origin(abc.Callable[..., Any]): ("..., ", _ANY),  # the class itself is partly unknown to type checkers
}
_UNIONS = (Union, types.UnionType)


class NotImportableError(Exception):
    """A type cannot be imported by name."""


def unwrapped(annotation: object) -> tuple[object, list[object]]:
    """Return an annotation without ``None`` and ``Annotated``, and its metadata."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        plain, more = unwrapped(inner)
        return plain, [*metadata, *more]
    members = _members(annotation)
    some = tuple(member for member in members if member is not types.NoneType)
    if len(some) == len(members) or not some:
        return annotation, []
    return unwrapped(Union[some])  # noqa: UP007 - created at run time; a union of one type is that type


def allows_none(annotation: object) -> bool:
    """Return whether ``None`` is a value of the type."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return types.NoneType in _members(annotation)


def runtime_class(annotation: object) -> type | None:
    """Return the class of the values of an unwrapped annotation; None for unions and literals."""
    if get_origin(annotation) in {Literal, *_UNIONS}:
        return None
    inner = _behind(annotation)
    if inner is not annotation:
        return runtime_class(unwrapped(inner)[0])
    return annotation if isinstance(annotation, type) else None


def item_annotation(annotation: object) -> object:
    """Return the item type of a list annotation, at any depth, or the annotation itself if it has none."""
    while get_origin(annotation) in {list, tuple, set, frozenset} and (arguments := get_args(annotation)):
        annotation = unwrapped(arguments[0])[0]
    return annotation


def specialized(annotation: object, fallback: object) -> object:
    """Return the annotation of a field with a type instead of a type variable.

    SQLModel forgets the arguments of a generic base, ``class Order(Keyed[int], table=True)``: the fields of the base
    keep its type variables.

    Parameters
    ----------
    annotation
        The annotation of the field.
    fallback
        The type to use for a variable that has neither a default nor a bound.
    """
    plain, metadata = unwrapped(annotation)
    if not isinstance(plain, TypeVar):
        return annotation
    bound = bound_of(plain)
    python: Any = fallback if bound is Any else bound
    inner: Any = cast("Any", Annotated)[python, *metadata] if metadata else python
    return inner | None if allows_none(annotation) else inner


def bound_of(variable: TypeVar) -> object:
    """Return the type that stands for an unset type variable: its default, bound or constraints, or Any."""
    if _has_default(variable):
        return cast("object", getattr(variable, "__default__"))  # noqa: B009 - not declared before Python 3.13
    if variable.__bound__ is not None:
        return variable.__bound__
    return Union[variable.__constraints__] if variable.__constraints__ else Any  # noqa: UP007 - created at run time


def _has_default(parameter: object) -> bool:
    """Return whether a type parameter has a default, which only those of Python 3.13 and typing_extensions may have."""
    has_default: object = getattr(parameter, "has_default", None)
    return callable(has_default) and bool(has_default())


def rendered(annotation: object, sources: Sources) -> Annotation:
    """Return an unwrapped annotation as source and imports.

    Raises
    ------
    NotImportableError
        If a part of it cannot be imported by name.
    """
    return Annotation(tuple(_merged(_pieces(annotation, sources))))


def _members(annotation: object) -> tuple[object, ...]:
    """Return the alternatives of a union, or the annotation itself as the only one."""
    return get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)


def _behind(annotation: object) -> object:
    """Return the underlying type of a NewType, an alias or a parametrized type, by one step."""
    for name in ("__supertype__", "__value__"):
        if hasattr(annotation, name):
            return getattr(annotation, name)
    return get_origin(annotation) or annotation


def _pieces(annotation: object, sources: Sources) -> Iterator[Piece]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, list):  # the parameters of a Callable
        yield from _bracketed(cast("list[object]", annotation), sources)
    elif origin is Annotated:
        yield from _pieces(arguments[0], sources)
    elif origin in _UNIONS:
        yield from _joined((_pieces(member, sources) for member in arguments), " | ")
    elif origin is Literal:
        yield from (Imported("typing", "Literal"), "[")
        yield from _joined((_literal(value, sources) for value in arguments), ", ")
        yield "]"
    elif parts := _pydantic_parts(annotation):
        yield from _pieces_of_name(parts[0], sources)
        yield from _bracketed(parts[1], sources)
    elif arguments:
        yield from _pieces_of_name(origin, sources)
        yield from _bracketed(arguments, sources)
    elif origin is tuple and hasattr(annotation, "__args__"):  # `typing.Tuple` without brackets has none
        yield "tuple[()]"
    elif isinstance(annotation, TypeVar) and (bound := bound_of(annotation)) is not Any:
        yield from _pieces(bound, sources)
    else:
        yield from _pieces_of_name(origin or annotation, sources)
        yield from _bracket(_bare(origin or annotation))


def _bare(generic: object) -> tuple[Piece, ...]:
    """Return the type arguments of a class or alias that is written without any; empty if it takes none."""
    if generic in _BARE:
        return _BARE[generic]
    parameters: object = getattr(generic, "__parameters__", ())
    if not isinstance(parameters, tuple):
        return ()
    unset = (parameter for parameter in cast("tuple[object, ...]", parameters) if not _has_default(parameter))
    return tuple(_joined(map(_open_argument, unset), ", "))


def _open_argument(parameter: object) -> tuple[Piece, ...]:
    if isinstance(parameter, ParamSpec):
        return ("...",)
    return ("*tuple[", _ANY, ", ...]") if isinstance(parameter, TypeVarTuple) else _ONE


def _pydantic_parts(annotation: object) -> tuple[object, tuple[object, ...]] | None:
    """Return the origin and arguments of a parametrized pydantic model, which is a separate class."""
    metadata: dict[str, object] = getattr(annotation, "__pydantic_generic_metadata__", None) or {}
    origin, arguments = metadata.get("origin"), metadata.get("args")
    return (origin, cast("tuple[object, ...]", arguments)) if origin and arguments else None


def _pieces_of_name(item: object, sources: Sources) -> Iterator[Piece]:
    if item is Any or isinstance(item, TypeVar):
        yield _ANY
    elif isinstance(item, str | ForwardRef):
        raise NotImportableError(getattr(item, "__forward_arg__", item))
    elif item is types.NoneType:
        yield "None"
    elif item is Ellipsis:
        yield "..."
    elif getattr(item, "__module__", None) == "builtins":
        yield str(getattr(item, "__name__", item))
    else:
        yield public_name(item, sources)


def _literal(value: object, sources: Sources) -> Iterator[Piece]:
    if isinstance(value, enum.Enum):
        cls = public_name(type(value), sources)
        yield Imported(
            cls.module, f"{cls.name}.{value.name}"
        )  # in one piece, because a column may have the same name as the member
    else:
        yield repr(value)


def _bracketed(arguments: Iterable[object], sources: Sources) -> Iterator[Piece]:
    yield "["
    yield from _joined((_pieces(argument, sources) for argument in arguments), ", ")
    yield "]"


def _bracket(pieces: tuple[Piece, ...]) -> Iterator[Piece]:
    if pieces:
        yield from ("[", *pieces, "]")


def _joined(parts: Iterable[Iterable[Piece]], separator: str) -> Iterator[Piece]:
    for number, part in enumerate(parts):
        if number:
            yield separator
        yield from part


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join adjacent strings."""
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield text
        text = ""
        yield piece
    if text:
        yield text


def resolved(annotation: object, model: type, sources: Sources) -> object:
    """Return an annotation with its strings evaluated, or the annotation itself if that fails.

    If the type of a field is imported only for type checkers, pydantic leaves it a string, and the field is mapped by
    its explicit column. Each string is evaluated separately, so that a failure does not affect the others.
    """
    for base in model.__mro__:
        namespace = vars(sys.modules[base.__module__]) | dict(_type_checking_names(base, sources))
        field = SimpleNamespace(__annotations__={"field": annotation})
        try:
            return get_type_hints(field, namespace, include_extras=True)["field"]
        except (NameError, TypeError, SyntaxError, AttributeError):
            continue
    return annotation


def _type_checking_names(cls: type, sources: Sources) -> Iterator[tuple[str, object]]:
    """Yield the names that the ``if TYPE_CHECKING:`` imports in the module of a class would bind."""
    for statement in sources.type_checking_imports(cls):
        bound: dict[str, object] = {"__package__": sys.modules[cls.__module__].__package__}
        try:
            exec(statement, bound)  # noqa: S102 - an import of the models, in the process that runs the models
        except Exception:  # noqa: BLE001, S112 - types that cannot be imported are emitted as Any, with a warning
            continue
        yield from ((name, value) for name, value in bound.items() if not name.startswith("__"))


def reference(cls: type) -> Imported:
    """Return the import location of a mapped class: its declaration."""
    return Imported(str(cls.__module__), str(cls.__qualname__))


def public_name(item: object, sources: Sources) -> Imported:
    """Return the public import location of a named type.

    Types of the project are imported from their declaration, types of libraries from the shortest path that exports
    them (``pydantic.EmailStr``, not ``pydantic.networks.EmailStr``; ``pathlib.Path`` on every Python). For type
    checkers, a package does not export a name that it imports without listing it in ``__all__``.

    Raises
    ------
    NotImportableError
        If the type is defined in a function, or its module does not have it.
    """
    module = str(getattr(item, "__module__", ""))
    name = str(getattr(item, "__qualname__", getattr(item, "__name__", "")))
    homes = [home for home in _homes(module, sources) if _lookup(home, name) is item]
    homes.sort(key=lambda home: _reluctance(home, module, name))
    if not homes or any(keyword.iskeyword(part) for part in f"{homes[0]}.{name}".split(".")):
        raise NotImportableError(f"{module}.{name}")
    return Imported(homes[0], name)


def _homes(module: str, sources: Sources) -> list[str]:
    file: object = getattr(sys.modules.get(module), "__file__", None)
    if isinstance(file, str) and sources.is_in_project(file):
        return [module]
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _reluctance(home: str, module: str, name: str) -> int:
    """Return a sort key of import locations: listed in ``__all__``, declared in a public module, any other."""
    listed: object = getattr(sys.modules[home], "__all__", ())
    if isinstance(listed, list | tuple) and name.partition(".")[0] in listed:
        return 0
    return 1 if home == module and "._" not in f".{home}" else 2


def _lookup(module: str, name: str) -> object:
    item: object = sys.modules.get(module)
    for part in name.split("."):
        item = getattr(item, part, None)
    return item
