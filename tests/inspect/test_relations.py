"""Foreign keys and relationships, as configured by the mapper."""

from collections.abc import Callable

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, Table
from sqlalchemy.orm import Mapped, relationship
from sqlmodel import Field, Relationship, SQLModel

from ctrlgen.errors import ModelError
from ctrlgen.schema import Model, Schema

from .conftest import Inspected

Read = Callable[..., Schema]


def relations(model: Model) -> dict[str, tuple[str, bool, bool]]:
    """Return target, many and optional of each relationship."""
    return {item.attribute: (item.target.name.split(".")[-1], item.many, item.optional) for item in model.relations}


def test_one_to_many_and_back(base: type[SQLModel], inspected: Inspected) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)
        heroes: list["Hero"] = Relationship(
            back_populates="team", sa_relationship_kwargs={"foreign_keys": "Hero.team_id"}
        )

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")
        rival_id: int | None = Field(default=None, foreign_key="team.id")
        team: Team = Relationship(back_populates="heroes", sa_relationship_kwargs={"foreign_keys": "Hero.team_id"})
        rival: Team | None = Relationship(
            sa_relationship_kwargs={"foreign_keys": "Hero.rival_id", "doc": "who they fight"}
        )

    assert relations(inspected(Team)) == {"heroes": ("Hero", True, False)}
    assert relations(inspected(Hero)) == {"team": ("Team", False, False), "rival": ("Team", False, True)}


def test_one_to_one(base: type[SQLModel], inspected: Inspected) -> None:
    class Guild(base, table=True):
        id: int = Field(primary_key=True)
        config: "Config" = Relationship(back_populates="guild", sa_relationship_kwargs={"uselist": False})

    class Config(base, table=True):
        guild_id: int = Field(primary_key=True, foreign_key="guild.id")
        guild: Guild = Relationship(back_populates="config")

    assert relations(inspected(Guild)) == {"config": ("Config", False, True)}
    assert relations(inspected(Config)) == {"guild": ("Guild", False, False)}


def test_many_to_many_and_self_reference(base: type[SQLModel], inspected: Inspected) -> None:
    class Link(base, table=True):
        snippet_id: int = Field(primary_key=True, foreign_key="snippet.id")
        tag_id: int = Field(primary_key=True, foreign_key="tag.id")

    class Tag(base, table=True):
        id: int = Field(primary_key=True)
        snippets: list["Snippet"] = Relationship(back_populates="tags", link_model=Link)

    class Snippet(base, table=True):
        id: int = Field(primary_key=True)
        target_id: int | None = Field(default=None, foreign_key="snippet.id")
        tags: list[Tag] = Relationship(back_populates="snippets", link_model=Link)
        aliases: list["Snippet"] = Relationship(back_populates="target")
        target: "Snippet" = Relationship(back_populates="aliases", sa_relationship_kwargs={"remote_side": "Snippet.id"})

    assert relations(inspected(Snippet)) == {
        "tags": ("Tag", True, False),
        "aliases": ("Snippet", True, False),
        "target": ("Snippet", False, True),
    }
    assert relations(inspected(Tag)) == {"snippets": ("Snippet", True, False)}


def test_relationship_without_annotation(base: type[SQLModel], inspected: Inspected) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")
        team: Mapped[Team] = Relationship()

    Team.heroes = relationship(Hero, doc="in the order they joined", viewonly=True)
    model = inspected(Team)
    assert relations(model) == {"heroes": ("Hero", True, False)}


@pytest.mark.parametrize("lazy", ["raise", "noload", "selectin", "joined"])
def test_lazy_option_does_not_matter(base: type[SQLModel], inspected: Inspected, lazy: str) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)
        heroes: list["Hero"] = Relationship(sa_relationship_kwargs={"lazy": lazy})

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")

    assert relations(inspected(Team)) == {"heroes": ("Hero", True, False)}


def test_relationships_that_are_never_loaded_are_left_out_with_a_warning(base: type[SQLModel], read: Read) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)
        heroes: list["Hero"] = Relationship(sa_relationship_kwargs={"lazy": "dynamic"})

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")

    schema = read(Team)
    assert schema.models[0].relations == ()
    (finding,) = schema.findings
    assert finding.code == "CG205"
    assert finding.location.line == schema.models[0].location.line + 2


def test_foreign_keys(base: type[SQLModel], inspected: Inspected) -> None:
    Table("plain", base.metadata, Column("key", Integer, primary_key=True))

    class Levels(base, table=True):
        guild: int = Field(sa_column=Column("guild_id", Integer, primary_key=True))
        member: int = Field(sa_column=Column("member_id", Integer, primary_key=True))

    class Award(base, table=True):
        __table_args__ = (ForeignKeyConstraint(["guild_id", "member_id"], ["levels.guild_id", "levels.member_id"]),)
        id: int = Field(primary_key=True)
        plain: int = Field(foreign_key="plain.key")
        guild: int = Field(sa_column=Column("guild_id", Integer, nullable=False))
        member: int = Field(sa_column=Column("member_id", Integer, nullable=False))
        parent: int | None = Field(default=None, sa_column=Column(ForeignKey("award.id")))

    foreign_keys = [(key.attributes, key.target, key.target_attributes) for key in inspected(Award).foreign_keys]
    assert [
        (attributes, target and target.name.split(".")[-1], there) for attributes, target, there in foreign_keys
    ] == [
        (("plain",), None, ("key",)),
        (("guild", "member"), "Levels", ("guild", "member")),
        (("parent",), "Award", ("id",)),
    ]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("teem.id", "`Hero` references `teem.id`, but the table `teem` is not declared; did you mean `team.id`?"),
        ("team.idd", "`Hero` references `team.idd`, but the table `team` has no such column; did you mean `team.id`?"),
    ],
)
def test_foreign_key_to_nowhere_is_a_warning(base: type[SQLModel], read: Read, target: str, message: str) -> None:
    Table("team", base.metadata, Column("id", Integer, primary_key=True))

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key=target)

    schema = read(Hero)
    (key,) = schema.models[0].foreign_keys
    assert (key.target, key.target_attributes) == (None, (target.partition(".")[2],))
    (finding,) = schema.findings
    assert (finding.code, finding.location, finding.message) == ("CG206", key.location, message)


def test_unresolvable_relationship_is_an_error_with_its_location(base: type[SQLModel], read: Read) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)
        heroes: list["Villain"] = Relationship()  # noqa: F821

    with pytest.raises(ModelError, match=r"Team\.heroes") as caught:
        read(Team)
    assert caught.value.location
    assert caught.value.location.file == "tests/inspect/test_relations.py"


def test_foreign_key_may_begin_like_another_one(base: type[SQLModel], inspected: Inspected) -> None:
    """Every row belongs to a tenant, and to a project of that tenant."""

    class Tenant(base, table=True):
        id: int = Field(primary_key=True)

    class Project(base, table=True):
        tenant_id: int = Field(primary_key=True, foreign_key="tenant.id")
        id: int = Field(primary_key=True)

    class Task(base, table=True):
        __table_args__ = (ForeignKeyConstraint(["tenant_id", "project_id"], ["project.tenant_id", "project.id"]),)
        id: int = Field(primary_key=True)
        tenant_id: int = Field(foreign_key="tenant.id")
        project_id: int

    assert [key.attributes for key in inspected(Task).foreign_keys] == [("tenant_id",), ("tenant_id", "project_id")]


def test_only_the_unreadable_relationship_is_left_out(
    base: type[SQLModel], read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Team(base, table=True):
        id: int = Field(primary_key=True)
        heroes: list["Hero"] = Relationship(back_populates="team")

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")
        team: Team = Relationship(back_populates="heroes")

    def fail(cls: type) -> object:
        raise RuntimeError("no such place") if cls is Hero else KeyError(cls.__name__)

    monkeypatch.setattr("ctrlgen.inspect.relationships.reference", fail)
    schema = read(Team, Hero)
    assert [(model.columns != (), model.relations) for model in schema.models] == [(True, ()), (True, ())]
    message = [finding.message for finding in schema.findings if finding.code == "CG208"]
    assert "relationship `Team.heroes` is left out: it cannot be read (RuntimeError: no such place)" in message


def single(base: type[SQLModel], **options: object) -> type[SQLModel]:
    """Return a model whose relationship ``team`` to a ``Team`` has these arguments."""

    class Team(base, table=True):
        id: int = Field(primary_key=True)
        league: int = Field(unique=True)
        gone: bool = False

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        team_id: int = Field(foreign_key="team.id")
        league: int
        key: int = Field(primary_key=True, nullable=True, foreign_key="team.id")
        team: Team = Relationship(sa_relationship_kwargs={"viewonly": True, **options})

    return Hero


@pytest.mark.parametrize(
    ("join", "optional"),
    [
        ("Hero.team_id == Team.id", False),
        ("Hero.key == Team.id", False),
        ("foreign(Hero.league) == Team.league", True),
        ("foreign(Hero.league) == remote(Team.id)", True),
        ("and_(Hero.team_id == Team.id, Team.gone == False)", True),
        ("and_(Hero.team_id == Team.id, foreign(Hero.league) == Team.league)", True),
        ("foreign(Hero.team_id) >= Team.id", True),
    ],
)
def test_single_object_is_not_optional_only_if_the_database_guarantees_it(
    base: type[SQLModel], inspected: Inspected, join: str, optional: bool
) -> None:
    foreign = "Hero.key" if "key" in join else "Hero.team_id"
    options = {"primaryjoin": join} | ({} if "foreign(" in join else {"foreign_keys": foreign})
    assert relations(inspected(single(base, **options))) == {"team": ("Team", False, optional)}
