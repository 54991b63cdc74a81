"""Models whose declaration differs from the database, and models of special tables such as partitions."""

import enum
from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, Relationship, SQLModel
from typing_extensions import override


class DeclaredBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Event(DeclaredBase, table=True):
    """Partitioned by a column whose attribute has another name."""

    __table_args__ = {"postgresql_partition_by": "RANGE (happened_at)"}

    id: int = Field(primary_key=True)
    at: datetime = Field(sa_column=sa.Column("happened_at", sa.DateTime(timezone=True), primary_key=True))
    name: str = ""


class Event2020(DeclaredBase, table=True):
    """A partition of ``Event``, mapped as a model."""

    __tablename__ = "event_2020"
    __table_args__ = {"info": {"is_partition": True}}

    id: int = Field(primary_key=True)
    at: datetime = Field(sa_column=sa.Column("happened_at", sa.DateTime(timezone=True), primary_key=True))
    name: str = ""


class Ticket(DeclaredBase, table=True):
    """Has partial indexes whose leading column is free, or is implied by the predicate."""

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
    """Nullable columns, declared in all possible ways."""

    id: int | None = Field(default=None, primary_key=True)
    title: str
    body: str | None
    at: datetime | None
    ticket_id: int | None = Field(foreign_key="ticket.id")
    tags: list[str] | None = Field(sa_column=sa.Column(sa.ARRAY(sa.String)))
    author: str = Field(sa_column=sa.Column(sa.String))  # nullable in the database, but the annotation excludes None
    kept: str | None = Field(sa_column=sa.Column(sa.String, server_default="so"))


class State(enum.StrEnum):
    OPEN = "open"
    DONE = "done"


class Job(DeclaredBase, table=True):
    """The key is annotated as optional, the enum is text in a renamed column, the relationship has no foreign key."""

    __table_args__ = (sa.Index("uq_job_open", "name", unique=True, postgresql_where=sa.text("job_state = 'open'")),)

    id: int | None = Field(default=None, primary_key=True, nullable=True)
    name: str
    state: State = Field(default=State.DONE, sa_column=sa.Column("job_state", sa.String, nullable=False))
    note_id: int = 0
    note: "Note" = Relationship(
        sa_relationship_kwargs={"primaryjoin": "foreign(Job.note_id) == Note.id", "viewonly": True}
    )


class Assumed(sa.TypeDecorator[datetime]):
    """A type that takes naive values as UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Strict(sa.TypeDecorator[datetime]):
    """A type that refuses naive values, like SQLModel's own type since 0.0.45."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is not None and value.utcoffset() is None:
            raise ValueError("no time zone")
        return value


def noon() -> datetime:
    return datetime(2024, 1, 1, 12)  # noqa: DTZ001  # many models have such a default


def zoned_noon() -> datetime:
    return datetime(2024, 1, 1, 12, tzinfo=UTC)


def with_zone(**options: Any) -> Any:
    return sa.Column(sa.DateTime(timezone=True), nullable=False, **options)


class Local(DeclaredBase, table=True):
    """Columns with naive defaults, which each type accepts in its own way."""

    id: int | None = Field(default=None, primary_key=True)
    made: datetime = Field(default_factory=noon, sa_column=with_zone())
    fixed: datetime = Field(default=datetime(2024, 1, 1, 12), sa_column=with_zone())  # noqa: DTZ001
    never: datetime = Field(default=datetime.max, sa_column=with_zone())  # noqa: DTZ901
    assumed: datetime = Field(default_factory=noon, sa_column=sa.Column(Assumed, nullable=False))
    by_column: datetime | None = Field(default=None, sa_column=with_zone(default=noon))
    changed: datetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime(timezone=True), onupdate=noon))


class Refusing(DeclaredBase, table=True):
    """Columns that refuse the model's own defaults."""

    id: int | None = Field(default=None, primary_key=True)
    naive: datetime = Field(default_factory=noon, sa_column=sa.Column(Strict, nullable=False))
    aware: datetime = Field(default_factory=zoned_noon, sa_column=sa.Column(sa.DateTime, nullable=False))
    changed: datetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime, onupdate=zoned_noon))


class Shelf(DeclaredBase, table=True):
    """Referred to by a list, and by a type for which asyncpg accepts no list."""

    id: int | None = Field(default=None, primary_key=True)
    words: list[str] = Field(sa_column=sa.Column(sa.ARRAY(sa.Text), unique=True, nullable=False))
    bits: Any = Field(sa_column=sa.Column(pg.BIT(8), unique=True, nullable=False))
    books: list["Book"] = Relationship(sa_relationship_kwargs={"foreign_keys": "Book.words"})
    pages: list["Book"] = Relationship(sa_relationship_kwargs={"foreign_keys": "Book.bits"})


class Book(DeclaredBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    words: list[str] = Field(sa_column=sa.Column(sa.ARRAY(sa.Text), sa.ForeignKey("shelf.words"), nullable=False))
    bits: Any = Field(sa_column=sa.Column(pg.BIT(8), sa.ForeignKey("shelf.bits"), nullable=False))
    shelf: Shelf = Relationship(sa_relationship_kwargs={"foreign_keys": "Book.words", "viewonly": True})


class Account(DeclaredBase, table=True):
    """The key is an expression over a renamed column with a collation and a length, in a named schema."""

    __table_args__ = (sa.Index("uq_account", sa.func.lower(sa.column("e_mail")), unique=True), {"schema": "crm"})

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(sa_column=sa.Column("e_mail", sa.String(40, collation="C"), nullable=False))
    logins: int = 0


class Person(DeclaredBase, table=True):
    """The key is an expression over several columns."""

    __table_args__ = (sa.Index("uq_person_full_name", sa.text("(given || ' 100%:x ' || family)"), unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    given: str
    family: str = Field(sa_type=sa.CHAR(8))
    age: int | None = None


class Booking(DeclaredBase, table=True):
    """A room has at most one booking per day that is not cancelled."""

    __table_args__ = (
        sa.Index(
            "uq_booking_active",
            "room",
            sa.text("date(begins)"),
            unique=True,
            postgresql_where=sa.text("NOT cancelled AND kind = 'short'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    room: int
    begins: datetime = Field(sa_column=sa.Column(sa.DateTime, nullable=False))
    kind: str = "short"
    cancelled: bool = False
    guests: int = 0
