"""Which models are plain, and which relationships are found by their columns."""

from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    Column,
    ForeignKey,
    Integer,
    String,
    TypeDecorator,
    and_,
    bindparam,
    cast,
    event,
    func,
)
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import column_property, composite, declared_attr, deferred, reconstructor, relationship
from sqlmodel import Field, Relationship, SQLModel, col

from .conftest import Inspected


def hero(base: type[SQLModel]) -> Any:
    """A plain model with a key and a name."""

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        name: str

    return Hero


def test_most_models_are_plain(base: type[SQLModel], inspected: Inspected) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)
        heroes: list["Member"] = Relationship(back_populates="team", sa_relationship_kwargs={"lazy": "joined"})

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, object]:
            return {"eager_defaults": True}

    class Member(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")
        team: Team = Relationship(back_populates="heroes")

    assert (inspected(Team).plain, inspected(Member).plain) == (True, True)


def test_model_with_a_column_property_is_not_plain(base: type[SQLModel], inspected: Inspected) -> None:
    shouting = hero(base)
    shouting.__mapper__.add_property("shout", column_property(func.upper(shouting.__table__.c.name)))
    assert not inspected(shouting).plain


def test_model_with_a_deferred_column_is_not_plain(base: type[SQLModel], inspected: Inspected) -> None:
    late = hero(base)
    late.__table__.append_column(Column("long", String))
    late.__mapper__.add_property("long", deferred(late.__table__.c.long))
    assert not inspected(late).plain


@pytest.mark.parametrize("name", ["load", "refresh"])
def test_model_with_load_listeners_is_not_plain(base: type[SQLModel], inspected: Inspected, name: str) -> None:
    watched = hero(base)
    event.listen(watched, name, lambda *_: None)
    assert not inspected(watched).plain


def test_model_with_a_reconstructor_is_not_plain(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)

        @reconstructor
        def wake(self) -> None: ...

    assert not inspected(Hero).plain


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


def test_models_with_composites_versions_or_inheritance_are_not_plain(
    base: type[SQLModel], inspected: Inspected
) -> None:
    class Place(base, table=True):
        id: int = Field(primary_key=True)
        x: int
        y: int

    class Version(base, table=True):
        id: int = Field(primary_key=True)
        version: int

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, object]:
            return {"version_id_col": cls.__table__.c.version}

    class Animal(base, table=True):
        id: int = Field(primary_key=True)
        kind: str

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, object]:
            return {"polymorphic_on": cls.__table__.c.kind}

    Place.__mapper__.add_property("point", composite(Point, Place.__table__.c.x, Place.__table__.c.y))
    assert [inspected(model).plain for model in (Place, Version, Animal)] == [False, False, False]


def by_columns(model: type[SQLModel], inspected: Inspected) -> dict[str, bool]:
    return {relation.attribute: relation.by_columns for relation in inspected(model).relations}


def test_foreign_keys_and_links_are_loaded_by_columns(base: type[SQLModel], inspected: Inspected) -> None:
    class Link(base, table=True):
        left_id: int = Field(primary_key=True, foreign_key="node.id")
        right_id: int = Field(primary_key=True, foreign_key="tag.id")

    class Tag(base, table=True):
        id: int = Field(primary_key=True)
        nodes: list["Node"] = Relationship(back_populates="tags", link_model=Link)

    class Node(base, table=True):
        id: int = Field(primary_key=True)
        parent_id: int | None = Field(default=None, foreign_key="node.id")
        tags: list[Tag] = Relationship(back_populates="nodes", link_model=Link)
        children: list["Node"] = Relationship(back_populates="parent", sa_relationship_kwargs={"order_by": "Node.id"})
        parent: "Node" = Relationship(back_populates="children", sa_relationship_kwargs={"remote_side": "Node.id"})

    assert by_columns(Node, inspected) == {"tags": True, "children": True, "parent": True}
    assert by_columns(Tag, inspected) == {"nodes": True}


JOINS: dict[str, tuple[bool, Any]] = {
    "equality": (True, lambda team, member: team.id == member.team_id),
    "more than it": (False, lambda team, member: and_(team.id == member.team_id, member.a == member.b)),
    "a constant": (False, lambda team, member: and_(team.id == member.team_id, member.a == 1)),
    "either of two": (False, lambda team, member: (team.id == member.team_id) | (team.id == member.a)),
    "an order": (False, lambda team, member: team.id <= member.team_id),
    "a function": (False, lambda team, member: team.id == func.abs(member.team_id)),
    "a cast": (False, lambda team, member: cast(team.id, String) == cast(member.team_id, String)),
    "a parameter": (False, lambda team, member: and_(team.id == member.team_id, member.a == bindparam("a", 1))),
}


@pytest.mark.parametrize("join", JOINS)
def test_join_with_more_than_equal_columns_is_loaded_by_the_orm(
    base: type[SQLModel], inspected: Inspected, join: str
) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)

    class Member(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")
        a: int
        b: int

    expected, made = JOINS[join]
    options = {"viewonly": True, "foreign_keys": [col(Member.team_id), col(Member.a)]}
    Team.members = relationship(Member, primaryjoin=made(Team, Member), **options)
    assert by_columns(Team, inspected) == {"members": expected}


class Sealed(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def bind_expression(self, bindvalue: Any) -> Any:
        return func.seal(bindvalue)


class Plain(TypeDecorator[str]):
    impl = String
    cache_ok = True


class Words(TypeDecorator[Any]):
    impl = ARRAY(String)
    cache_ok = True


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Integer, True), (String(5), True), (Plain, True), (BIT(3), True), (Sealed, False), (Words, False)],
)
def test_values_that_python_cannot_match_are_loaded_by_the_orm(
    base: type[SQLModel], inspected: Inspected, kind: Any, expected: bool
) -> None:
    class Team(base, table=True):
        id: Any = Field(sa_column=Column(kind, primary_key=True))
        members: list["Member"] = Relationship(back_populates="team")

    class Member(base, table=True):
        id: int = Field(primary_key=True)
        team_id: Any = Field(sa_column=Column(kind, ForeignKey("team.id")))
        team: Team = Relationship(back_populates="members")

    assert by_columns(Team, inspected) == {"members": expected}
    assert by_columns(Member, inspected) == {"team": expected}


def test_target_that_is_not_plain_is_loaded_by_the_orm(base: type[SQLModel], inspected: Inspected) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)
        members: list["Member"] = Relationship(back_populates="team")

    class Member(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")
        team: Team = Relationship(back_populates="members")

    Member.__mapper__.add_property("twice", column_property(Member.__table__.c.id * 2))
    assert by_columns(Team, inspected) == {"members": False}
    assert by_columns(Member, inspected) == {"team": True}
