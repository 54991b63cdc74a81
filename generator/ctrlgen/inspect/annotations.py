"""The author's annotation of a field: what it allows, and its source text for another module."""

from __future__ import annotations

import enum
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, cast, get_args, get_origin

from ctrlgen.inspect.names import NotImportableError, public_name
from ctrlgen.load.source import Sources
from ctrlgen.schema import Annotation, Imported

Piece = str | Imported

ANY = Annotation((Imported("typing", "Any"),))
UNKNOWN = Annotation(("object",))

_ANY = Imported("typing", "Any")
_BARE: dict[object, tuple[Piece, ...]] = {
    dict: (_ANY, ", ", _ANY),
    list: (_ANY,),
    set: (_ANY,),
    frozenset: (_ANY,),
    tuple: (_ANY, ", ..."),
}
_UNIONS = (Union, types.UnionType)


def unwrapped(annotation: object) -> tuple[object, list[object]]:
    """Return an annotation without ``None`` and ``Annotated``, and the metadata found on the way."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        plain, more = unwrapped(inner)
        return plain, [*metadata, *more]
    members = _members(annotation)
    some = tuple(member for member in members if member is not types.NoneType)
    if len(some) == len(members) or not some:
        return annotation, []
    return unwrapped(Union[some])  # noqa: UP007 - made at run time; a union of one is that one


def allows_none(annotation: object) -> bool:
    """Whether ``None`` is a value of the type."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return types.NoneType in _members(annotation)


def runtime_class(annotation: object) -> type | None:
    """Return the class that values of an unwrapped annotation have; None for unions and literals."""
    if get_origin(annotation) in {Literal, *_UNIONS}:
        return None
    inner = _behind(annotation)
    if inner is not annotation:
        return runtime_class(unwrapped(inner)[0])
    return annotation if isinstance(annotation, type) else None


def item_annotation(annotation: object) -> object:
    """Return what a list of that annotation holds, at whatever depth; itself if it does not say."""
    while get_origin(annotation) in {list, tuple, set, frozenset} and (arguments := get_args(annotation)):
        annotation = unwrapped(arguments[0])[0]
    return annotation


def rendered(annotation: object, sources: Sources) -> Annotation:
    """Return an unwrapped annotation as text and imports.

    Raises
    ------
    NotImportableError
        If a part of it has no name to import.
    """
    return Annotation(tuple(_merged(_pieces(annotation, sources))))


def _members(annotation: object) -> tuple[object, ...]:
    """Return the alternatives of a union; anything else is its own only one."""
    return get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)


def _behind(annotation: object) -> object:
    """Return what a NewType, an alias, or a type with parameters stands for, one step."""
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
    elif made := _pydantic_parts(annotation):
        yield from _pieces_of_name(made[0], sources)
        yield from _bracketed(made[1], sources)
    elif arguments:
        yield from _pieces_of_name(origin, sources)
        yield from _bracketed(arguments, sources)
    else:
        yield from _pieces_of_name(origin or annotation, sources)
        yield from _bracket(_BARE.get(origin or annotation, ()))


def _pydantic_parts(annotation: object) -> tuple[object, tuple[object, ...]] | None:
    """Return what a generic model of pydantic was made of, which is a class of its own once it has parameters."""
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
        yield Imported(cls.module, f"{cls.name}.{value.name}")  # in one piece: a column may be called like the member
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
    """Join neighbouring texts."""
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
