"""Partitioned tables: by guild with LIST and HASH, and by time with RANGE."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class PartitionedBase(SQLModel, registry=registry()):
    """Has its own registry, because other tests have models of these names."""


class Server(PartitionedBase, table=True):
    """Not partitioned."""

    id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    players: list["Player"] = Relationship(back_populates="server")


class Player(PartitionedBase, table=True):
    """A partition for each server, with keys of all kinds, some of them without a name."""

    __table_args__ = (
        sa.UniqueConstraint("server_id", "name", name="uq_player_name"),
        sa.UniqueConstraint("server_id", "serial"),
        sa.Index("uq_player_email", "server_id", sa.text("lower(e_mail)"), unique=True),
        sa.Index("uq_player_leader", "server_id", "rank", unique=True, postgresql_where=sa.text("leads")),
        sa.ForeignKeyConstraint(["server_id", "chief_id"], ["player.server_id", "player.id"]),
        sa.CheckConstraint("points >= 0", name="ck_player_points"),
        ExcludeConstraint(("server_id", "="), ("seat", "="), using="btree", name="ex_player_seat"),
        {"postgresql_partition_by": "LIST (server_id)"},
    )

    server_id: int = Field(primary_key=True, foreign_key="server.id", sa_type=sa.BigInteger)
    id: int = Field(primary_key=True)
    name: str
    serial: int | None = None
    email: str | None = Field(default=None, sa_column=sa.Column("e_mail", sa.String))
    chief_id: int | None = None
    seat: int | None = None
    rank: int = 0
    leads: bool = False
    points: int = Field(default=0, index=True)
    server: Server = Relationship(back_populates="players")
    games: list["Game"] = Relationship(back_populates="player")


class Game(PartitionedBase, table=True):
    """Spread over partitions by the hash of the server, and refers to a partitioned table."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["server_id", "player_id"], ["player.server_id", "player.id"], name="fk_game_player"),
        sa.Index("ix_game_player", "server_id", "player_id"),
        sa.Index("uq_game_final", "server_id", "player_id", unique=True, postgresql_where=sa.text("final")),
        {"postgresql_partition_by": "HASH (server_id)"},
    )

    server_id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    id: int = Field(primary_key=True)
    player_id: int
    score: int = 0
    final: bool = False
    player: Player = Relationship(back_populates="games")


class Reading(PartitionedBase, table=True):
    """A partition for each month."""

    __table_args__ = {"postgresql_partition_by": "RANGE (at)"}

    sensor: int = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=sa.DateTime(timezone=True))  # type: ignore[call-overload]
    value: int = 0


class Ballot(PartitionedBase, table=True):
    """Moves to another partition when it is closed. Only the mapper knows its primary key."""

    __mapper_args__ = {"primary_key": ["id"]}
    __table_args__ = (
        sa.UniqueConstraint("state", "code", name="uq_ballot_code"),
        sa.Index("ix_ballot_id", "id"),
        {"postgresql_partition_by": "LIST (state)"},
    )

    id: int = Field(sa_column=sa.Column(sa.Integer, nullable=False))
    state: str
    code: str


JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))

PARTITIONS = (
    *(f"CREATE TABLE player_{n} PARTITION OF player FOR VALUES IN ({n})" for n in (1, 2, 3)),
    *(f"CREATE TABLE game_{n} PARTITION OF game FOR VALUES WITH (MODULUS 4, REMAINDER {n})" for n in range(4)),
    *(f"CREATE TABLE ballot_{state} PARTITION OF ballot FOR VALUES IN ('{state}')" for state in ("open", "closed")),
    f"CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM ('{JANUARY}') TO ('{FEBRUARY}')",
    f"CREATE TABLE reading_2 PARTITION OF reading FOR VALUES FROM ('{FEBRUARY}') TO ('{MARCH}')",
)
"""The partitions, which an application creates in migrations."""
