"""Models whose declaration says one thing and their database another, and those that databases have besides."""

import enum
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, Relationship, SQLModel


class DeclaredBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Event(DeclaredBase, table=True):
    """Partitioned by a column whose attribute has another name."""

    __table_args__ = {"postgresql_partition_by": "RANGE (happened_at)"}

    id: int = Field(primary_key=True)
    at: datetime = Field(sa_column=sa.Column("happened_at", sa.DateTime(timezone=True), primary_key=True))
    name: str = ""


class Event2020(DeclaredBase, table=True):
    """One partition of it, mapped by itself."""

    __tablename__ = "event_2020"
    __table_args__ = {"info": {"is_partition": True}}

    id: int = Field(primary_key=True)
    at: datetime = Field(sa_column=sa.Column("happened_at", sa.DateTime(timezone=True), primary_key=True))
    name: str = ""


class Ticket(DeclaredBase, table=True):
    """Has partial indexes that lead with a column, and with one that their predicate implies."""

    __table_args__ = (
        sa.Index("idx_ticket_active_guild", "guild_id", "at", postgresql_where=sa.text("status = 'open'")),
        sa.Index("idx_ticket_urgent", "status", "guild_id", postgresql_where=sa.text("status = 'open' AND urgent")),
        sa.Index("idx_ticket_unowned", "urgent", postgresql_where=sa.text("owner_id IS NULL AND urgent")),
        sa.Index("idx_ticket_owned", "owner_id", postgresql_where=sa.text("status = 'open'")),
    )

    id: int | None = Field(default=None, primary_key=True)
    guild_id: int
    owner_id: int | None = None
    status: str = "open"
    urgent: bool = False
    at: int = 0


class Note(DeclaredBase, table=True):
    """Most of it may be NULL, in all the ways to say so."""

    id: int | None = Field(default=None, primary_key=True)
    title: str
    body: str | None
    at: datetime | None
    ticket_id: int | None = Field(foreign_key="ticket.id")
    tags: list[str] | None = Field(sa_column=sa.Column(sa.ARRAY(sa.String)))
    author: str = Field(sa_column=sa.Column(sa.String))  # which may be NULL, but not for the author
    kept: str | None = Field(sa_column=sa.Column(sa.String, server_default="so"))


class State(enum.StrEnum):
    OPEN = "open"
    DONE = "done"


class Job(DeclaredBase, table=True):
    """Its key says that it may be NULL, its enum is text in a renamed column, its relationship has no foreign key."""

    __table_args__ = (sa.Index("uq_job_open", "name", unique=True, postgresql_where=sa.text("job_state = 'open'")),)

    id: int | None = Field(default=None, primary_key=True, nullable=True)
    name: str
    state: State = Field(default=State.DONE, sa_column=sa.Column("job_state", sa.String, nullable=False))
    note_id: int = 0
    note: "Note" = Relationship(
        sa_relationship_kwargs={"primaryjoin": "foreign(Job.note_id) == Note.id", "viewonly": True}
    )
