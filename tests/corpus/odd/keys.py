"""Keys and indexes of every kind."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, SQLModel


class Keyed(SQLModel, table=True):
    """Constraints and indexes of each kind."""

    __table_args__ = (
        sa.UniqueConstraint("a", "b", name="uq_keyed_a_b"),
        sa.UniqueConstraint("b", "a", name="uq_keyed_b_a"),
        sa.UniqueConstraint("d", postgresql_nulls_not_distinct=True, name="uq_keyed_d"),
        sa.Index("ix_keyed_desc", sa.desc("score"), "made"),
        sa.Index("ix_keyed_include", "made", postgresql_include=["a"]),
        sa.Index("ix_keyed_tags", "tags", postgresql_using="gin"),
        sa.Index("ix_keyed_hash", "token", postgresql_using="hash"),
        sa.Index("uq_keyed_lower_email", sa.func.lower(sa.text("email")), unique=True),
        sa.Index("ix_keyed_day", sa.text("(score % 10)")),
        sa.Index("ix_keyed_open", "made", postgresql_where=sa.text("closed IS NULL")),
        sa.Index("ix_keyed_rich", "made", postgresql_where=sa.text("score > 100 AND NOT hidden")),
        sa.Index("uq_keyed_active", "token", unique=True, postgresql_where=sa.text("hidden = false")),
        sa.Index("ix_keyed_renamed", "other name"),
        {"comment": "odd"},
    )

    id: int | None = Field(default=None, primary_key=True)
    a: int
    b: int
    c: str | None = Field(default=None, unique=True)
    d: str | None = None
    e: int = Field(default=0, unique=True, index=True)
    score: int = 0
    made: datetime
    closed: datetime | None = None
    hidden: bool = False
    tags: list[str] = Field(default_factory=list, sa_type=pg.ARRAY(sa.String))
    token: str
    email: str
    renamed: str = Field(sa_column=sa.Column("other name", sa.String, nullable=False))


Keyed.__table__.append_constraint(  # type: ignore[attr-defined]
    sa.CheckConstraint("score >= 0", name="ck_keyed_score")
)


class Wide(SQLModel, table=True):
    """A key of five columns."""

    __tablename__ = "wide_key"
    __table_args__ = (sa.UniqueConstraint("p", "q", "r", "s", "t", name="uq_wide_key_slot"),)

    one: int = Field(primary_key=True)
    two: int = Field(primary_key=True)
    three: str = Field(primary_key=True)
    four: int = Field(primary_key=True)
    five: int = Field(primary_key=True)
    p: int
    q: int
    r: int
    s: int
    t: int


class Booking(SQLModel, table=True):
    """An exclusion constraint, which is not a key."""

    __table_args__ = (pg.ExcludeConstraint((sa.text("room"), "="), using="btree", name="ex_booking_room"),)

    id: int | None = Field(default=None, primary_key=True)
    room: int


class Counted(SQLModel, table=True):
    """Values that the database computes."""

    __table_args__ = {"schema": None}

    id: int = Field(sa_column=sa.Column(sa.Integer, sa.Identity(always=True), primary_key=True))
    width: int
    height: int
    area: int | None = Field(default=None, sa_column=sa.Column(sa.Integer, sa.Computed("width * height")))
    label: str | None = Field(default=None, sa_column=sa.Column(sa.String, server_default="none", nullable=False))
    changed: int = Field(default=0, sa_column=sa.Column(sa.Integer, onupdate=lambda: 7, nullable=False))


class Elsewhere(SQLModel, table=True):
    """A table in another schema."""

    __table_args__ = {"schema": "odd_schema"}

    id: int | None = Field(default=None, primary_key=True)
    keyed_id: int = Field(foreign_key="keyed.id", index=True)
