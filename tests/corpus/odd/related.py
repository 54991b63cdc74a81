"""Relationships of every kind."""

from typing import Optional

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Relationship, SQLModel


class Membership(SQLModel, table=True):
    """A link model with a column of its own."""

    team_id: int = Field(foreign_key="team.id", primary_key=True)
    hero_id: int = Field(foreign_key="hero.id", primary_key=True)
    since: int = 0


class Friendship(SQLModel, table=True):
    """A link of a table to itself, without columns of its own."""

    hero_id: int = Field(primary_key=True, foreign_key="hero.id")
    friend_id: int = Field(primary_key=True, foreign_key="hero.id", index=True)


class Placement(SQLModel, table=True):
    """A link to a composite key."""

    __table_args__ = (sa.ForeignKeyConstraint(["x", "y"], ["grid.x", "grid.y"]),)

    hero_id: int = Field(primary_key=True, foreign_key="hero.id")
    x: int = Field(primary_key=True)
    y: int = Field(primary_key=True)


class Team(SQLModel, table=True):
    """One-to-many, many-to-many, one-to-one."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    captain_id: int | None = Field(default=None, foreign_key="hero.id", index=True)
    heroes: list["Hero"] = Relationship(
        back_populates="team", sa_relationship_kwargs={"foreign_keys": "Hero.team_id", "order_by": "Hero.name"}
    )
    captain: Optional["Hero"] = Relationship(
        sa_relationship_kwargs={"foreign_keys": "Team.captain_id", "post_update": True}
    )
    members: list["Hero"] = Relationship(back_populates="teams", link_model=Membership)
    badge: Optional["Badge"] = Relationship(
        back_populates="team", sa_relationship_kwargs={"uselist": False, "cascade": "all, delete-orphan"}
    )
    strong: list["Hero"] = Relationship(
        sa_relationship_kwargs={
            "primaryjoin": "and_(Team.id == Hero.team_id, Hero.power > 9)",
            "viewonly": True,
            "foreign_keys": "Hero.team_id",
        }
    )


class Hero(SQLModel, table=True):
    """Self-referential in both directions, with eager loading."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    power: int = 0
    team_id: int | None = Field(default=None, foreign_key="team.id", index=True)
    boss_id: int | None = Field(default=None, foreign_key="hero.id", index=True)
    team: Optional["Team"] = Relationship(
        back_populates="heroes", sa_relationship_kwargs={"foreign_keys": "Hero.team_id", "lazy": "joined"}
    )
    boss: Optional["Hero"] = Relationship(
        back_populates="minions", sa_relationship_kwargs={"remote_side": "Hero.id", "lazy": "selectin"}
    )
    minions: list["Hero"] = Relationship(back_populates="boss", sa_relationship_kwargs={"lazy": "raise"})
    teams: list["Team"] = Relationship(back_populates="members", link_model=Membership)
    notes: Mapped[list["Note"]] = Relationship(back_populates="hero")
    friends: list["Hero"] = Relationship(
        sa_relationship_kwargs={
            "secondary": "friendship",
            "primaryjoin": "Hero.id == Friendship.hero_id",
            "secondaryjoin": "Hero.id == Friendship.friend_id",
        }
    )
    grids: list["Grid"] = Relationship(sa_relationship_kwargs={"secondary": "placement", "back_populates": "heroes"})


class Badge(SQLModel, table=True):
    """The other half of one-to-one: its key is a foreign key."""

    team_id: int = Field(foreign_key="team.id", primary_key=True, ondelete="CASCADE")
    text: str = ""
    team: Team = Relationship(back_populates="badge")


class Grid(SQLModel, table=True):
    """A composite key that another table references."""

    x: int = Field(primary_key=True)
    y: int = Field(primary_key=True)
    cells: list["Cell"] = Relationship(back_populates="grid")
    heroes: list["Hero"] = Relationship(sa_relationship_kwargs={"secondary": "placement", "back_populates": "grids"})


class Cell(SQLModel, table=True):
    """A composite foreign key."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["grid_x", "grid_y"], ["grid.x", "grid.y"]),
        sa.Index("ix_cell_grid", "grid_x", "grid_y"),
    )

    id: int | None = Field(default=None, primary_key=True)
    grid_x: int
    grid_y: int
    grid: Grid = Relationship(back_populates="cells")


class Note(SQLModel, table=True):
    """No index on its foreign key."""

    id: int | None = Field(default=None, primary_key=True)
    hero_id: int = Field(foreign_key="hero.id")
    hero: Hero = Relationship(back_populates="notes")
