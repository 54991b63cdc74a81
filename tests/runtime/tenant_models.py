"""Tables of tenants, each with a partition for every league, whose package is emitted with ``tenant_strict``."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class TenantBase(SQLModel, registry=registry()):
    """Has its own registry, because other tests have models of these names."""


def joined(condition: str, **options: Any) -> Any:
    """Return a relationship without a foreign key, whose check would read partitions as well."""
    return Relationship(sa_relationship_kwargs={"primaryjoin": condition, "viewonly": True, **options})


class League(TenantBase, table=True):
    """The tenant itself."""

    id: int = Field(primary_key=True)
    teams: list["Team"] = joined("League.id == foreign(Team.league_id)")


class TeamTag(TenantBase, table=True):
    """Links teams and tags of one league."""

    __table_args__ = {"postgresql_partition_by": "LIST (league_id)"}

    league_id: int = Field(primary_key=True)
    team_id: int = Field(primary_key=True)
    tag_id: int = Field(primary_key=True)


class Tag(TenantBase, table=True):
    __table_args__ = {"postgresql_partition_by": "LIST (league_id)"}

    league_id: int = Field(primary_key=True)
    id: int = Field(primary_key=True)
    name: str = ""


class Team(TenantBase, table=True):
    """Has keys and indexes with the tenant and without it."""

    __table_args__ = (
        sa.UniqueConstraint("league_id", "name", name="uq_team_name"),
        sa.Index("uq_team_best", "league_id", "city", unique=True, postgresql_where=sa.text("best")),
        sa.Index("ix_team_old", "league_id", postgresql_where=sa.text("points < 0")),
        {"postgresql_partition_by": "LIST (league_id)"},
    )

    league_id: int = Field(default=1, primary_key=True)
    id: int = Field(primary_key=True)
    name: str
    city: str
    best: bool = False
    points: int = Field(default=0, index=True)
    games: list["Game"] = joined(
        "and_(Team.league_id == foreign(Game.league_id), Team.id == foreign(Game.team_id))", order_by="Game.id"
    )
    tags: list[Tag] = joined(
        "and_(Team.league_id == TeamTag.league_id, Team.id == TeamTag.team_id)",
        secondary="teamtag",
        secondaryjoin="and_(Tag.league_id == TeamTag.league_id, Tag.id == TeamTag.tag_id)",
    )
    namesakes: list["Team"] = joined("Team.name == foreign(remote(Team.name))")


class Game(TenantBase, table=True):
    __table_args__ = ({"postgresql_partition_by": "LIST (league_id)"},)

    league_id: int = Field(primary_key=True)
    id: int = Field(primary_key=True)
    team_id: int
    team: Team = joined("and_(foreign(Game.league_id) == Team.league_id, foreign(Game.team_id) == Team.id)")


TABLES = ("team", "game", "tag", "teamtag")
PARTITIONS = [
    f"CREATE TABLE {table}_{n} PARTITION OF {table} FOR VALUES IN ({n})" for table in TABLES for n in range(1, 9)
]
