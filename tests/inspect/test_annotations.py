"""The annotation of a field, as source for another module."""

import enum
import re
import sys
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Generic, List, Literal, NewType, Optional, Set, Tuple, TypeVar, Union  # noqa: UP035 - as authors write

import pytest
from annotated_types import Gt
from pydantic import AnyUrl, BaseModel, EmailStr, NaiveDatetime, SecretStr
from typing_extensions import ParamSpec, TypeAliasType, TypeVarTuple
from typing_extensions import TypeVar as TypeVarWithDefault

from ctrlgen.inspect.annotations import (
    NotImportableError,
    allows_none,
    item_annotation,
    rendered,
    runtime_class,
    specialized,
    unwrapped,
)
from ctrlgen.schema import Imported
from ctrlgen.source_locations import Sources

from .conftest import text

HERE = "tests.inspect.test_annotations"
T = TypeVar("T")
Amount = TypeVar("Amount", bound=Decimal)
Key = TypeVar("Key", int, str)
Moment = TypeVarWithDefault("Moment", bound=date, default=datetime)
Ts = TypeVarTuple("Ts")
P = ParamSpec("P")
UserId = NewType("UserId", int)
Payload = TypeAliasType("Payload", dict[str, int])


class Color(enum.Enum):
    RED = "r"


class Box(Generic[T]):
    class Lid:
        pass


class Money(BaseModel, Generic[Amount]):
    amount: Amount


class Timed(Generic[T, Moment]):
    pass


class Row(Generic[*Ts]):
    pass


class Handler(Generic[P, T]):
    pass


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, "int"),
        (Optional[int], "int"),  # noqa: UP045
        (None | str, "str"),
        (Union[int, str, None], "int | str"),  # noqa: UP007
        (Annotated[int, Gt(0)], "int"),
        (Annotated[int, Gt(0)] | None, "int"),
        (Annotated[int | None, Gt(0)], "int"),
        (dict[str, list[Annotated[int, Gt(0)] | None]], "dict[str, list[int | None]]"),
        (datetime, "datetime.datetime"),
        (date, "datetime.date"),
        (Decimal, "decimal.Decimal"),
        (uuid.UUID, "uuid.UUID"),
        (Path, "pathlib.Path"),
        (IPv4Address, "ipaddress.IPv4Address"),
        (EmailStr, "pydantic.EmailStr"),
        (SecretStr, "pydantic.SecretStr"),
        (AnyUrl, "pydantic.AnyUrl"),
        (NaiveDatetime, "pydantic.NaiveDatetime"),
        (Any, "typing.Any"),
        (dict, "dict[typing.Any, typing.Any]"),
        (list, "list[typing.Any]"),
        (tuple, "tuple[typing.Any, ...]"),
        (list[dict], "list[dict[typing.Any, typing.Any]]"),
        (dict[str, Any], "dict[str, typing.Any]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Sequence[int], "collections.abc.Sequence[int]"),
        (Callable[[int], str], "collections.abc.Callable[[int], str]"),
        (Literal["a", 'say "b"', 1, None], "typing.Literal['a', 'say \"b\"', 1, None]"),
        (Literal[Color.RED], f"typing.Literal[{HERE}.Color.RED]"),
        (Color, f"{HERE}.Color"),
        (Box[int], f"{HERE}.Box[int]"),
        (Box[T], f"{HERE}.Box[typing.Any]"),
        (Box, f"{HERE}.Box[typing.Any]"),
        (list[Box], f"list[{HERE}.Box[typing.Any]]"),
        (Money, f"{HERE}.Money[typing.Any]"),
        (Timed, f"{HERE}.Timed[typing.Any]"),
        (Row, f"{HERE}.Row[*tuple[typing.Any, ...]]"),
        (Handler, f"{HERE}.Handler[..., typing.Any]"),
        (Mapping, "collections.abc.Mapping[typing.Any, typing.Any]"),
        (Iterable, "collections.abc.Iterable[typing.Any]"),
        (deque, "collections.deque[typing.Any]"),
        (Counter, "collections.Counter[typing.Any]"),
        (OrderedDict, "collections.OrderedDict[typing.Any, typing.Any]"),
        (Callable, "collections.abc.Callable[..., typing.Any]"),
        (re.Pattern, "re.Pattern[typing.Any]"),
        (tuple[()], "tuple[()]"),
        (Tuple[()], "tuple[()]"),  # noqa: UP006 - as authors write
        (Tuple, "tuple[typing.Any, ...]"),  # noqa: UP006 - as authors write
        (T, "typing.Any"),
        (list[Amount], "list[decimal.Decimal]"),
        (list[Key], "list[int | str]"),
        (list[Moment], "list[datetime.datetime]"),
        (Box.Lid, f"{HERE}.Box.Lid"),
        (UserId, f"{HERE}.UserId"),
        (Payload, f"{HERE}.Payload"),
    ],
)
def test_annotation_is_emitted_as_declared(annotation: object, expected: str, project: Path) -> None:
    assert text(rendered(unwrapped(annotation)[0], Sources(project))) == expected


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("shop.kinds", "Listed", "shop"),
        ("shop.kinds", "Registered", "shop.kinds"),  # `shop` imports it without exporting it
        ("shop._inner", "Hidden", "shop"),
        ("shop._inner", "Own", "shop._inner"),
    ],
)
def test_type_of_a_library_is_imported_from_where_it_is_exported(
    module: str, name: str, home: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(name, (), {"__module__": module})
    shop, inner = ModuleType("shop"), ModuleType(module)
    vars(shop)["__all__"] = ["Listed"]
    vars(inner)[name] = kind
    if name != "Own":
        vars(shop)[name] = kind
    monkeypatch.setitem(sys.modules, "shop", shop)
    monkeypatch.setitem(sys.modules, module, inner)
    assert text(rendered(kind, Sources(project))) == f"{home}.{name}"


def test_strings_are_joined_between_imports(project: Path) -> None:
    pieces = rendered(dict[str, list[Decimal]], Sources(project)).pieces
    assert [type(piece) for piece in pieces].count(str) == 2


def test_enum_member_is_one_piece_despite_a_column_of_its_name(project: Path) -> None:
    color = rendered(Literal[Color.RED], Sources(project))
    assert color.pieces == (Imported("typing", "Literal"), "[", Imported(HERE, "Color.RED"), "]")


def test_metadata_within_an_optional_is_found() -> None:
    assert unwrapped(Annotated[Annotated[int, "inner"] | None, "outer"]) == (int, ["outer", "inner"])


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (T, int),
        (T | None, int | None),
        (Optional[T], Optional[int]),  # noqa: UP045
        (Amount, Decimal),
        (Moment | None, datetime | None),
        (list[T], list[T]),
        (str, str),
    ],
)
def test_type_variable_of_a_field_is_replaced_by_the_type_of_its_column(annotation: object, expected: object) -> None:
    assert specialized(annotation, int) == expected


def test_type_defined_in_a_function_cannot_be_imported(project: Path) -> None:
    class Local:
        pass

    with pytest.raises(NotImportableError):
        rendered(list[Local], Sources(project))


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int | None, True),
        (Annotated[int | None, 1], True),
        (int, False),
        (Any, False),
        (Optional["Ghost"], True),  # noqa: F821
    ],
)
def test_allows_none(annotation: object, expected: bool) -> None:
    assert allows_none(annotation) is expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, int),
        (UserId, int),
        (Payload, dict),
        (list[int], list),
        (int | str, None),
        (Literal["a"], None),
        (Any, None if isinstance(Any, type) is False else Any),
    ],
)
def test_runtime_class_of_an_annotation(annotation: object, expected: object) -> None:
    assert runtime_class(annotation) is expected


@pytest.mark.parametrize("bare", [List, Set, Tuple, list])  # noqa: UP006 - as authors write
def test_list_without_an_item_type_is_its_own_item(bare: object) -> None:
    assert item_annotation(bare) is bare
