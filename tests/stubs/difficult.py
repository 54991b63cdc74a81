"""Models for which it is hard to emit correct stubs: `test_emitted.py` generates, runs and type-checks them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal as Amount
from enum import Enum
from typing import Annotated, ClassVar, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, StringConstraints, field_validator
from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM, JSONB
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, Relationship, SQLModel
from typing_extensions import override


class Person(SQLModel, table=True):
    """A row to refer to."""

    id: int | None = Field(default=None, primary_key=True)
    name: str


class Device(SQLModel, table=True):
    """A row to refer to by a UUID."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)


class Seat(SQLModel, table=True):
    """Nullable foreign keys whose getters and finders need a value."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", unique=True)
    device_id: UUID | None = Field(default=None, foreign_key="device.id", index=True)


class Node(SQLModel, table=True):
    """Nullable foreign keys to itself, also in partial indexes."""

    __table_args__ = (
        Index("ix_node_child", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("uq_node_main", "owner_id", unique=True, postgresql_where=text("owner_id IS NOT NULL AND main")),
        Index("uq_node_root", "main", unique=True, postgresql_where=text("main")),  # a key of no columns
        Index("ix_node_first", "main", postgresql_where=text("owner_id = 1")),  # of a person who does not exist
    )

    id: int | None = Field(default=None, primary_key=True)
    previous_id: int | None = Field(default=None, foreign_key="node.id", unique=True)
    parent_id: int | None = Field(default=None, foreign_key="node.id")
    owner_id: int | None = Field(default=None, foreign_key="person.id")
    main: bool = False


class Place(SQLModel, table=True):
    """A key of two columns with the names of builtins."""

    hall: int = Field(primary_key=True)
    row: int = Field(primary_key=True)
    name: str


class Ticket(SQLModel, table=True):
    """A nullable foreign key of two columns."""

    __table_args__ = (
        ForeignKeyConstraint(["hall", "row"], ["place.hall", "place.row"]),
        UniqueConstraint("hall", "row"),
    )

    id: int = Field(default=None, primary_key=True)
    hall: int | None = None
    row: int | None = None


class Job(SQLModel, table=True):
    """A column that is fixed by one key and free in another."""

    __table_args__ = (
        Index("uq_job_first", "queue", unique=True, postgresql_where=text("attempt = 5")),
        UniqueConstraint("queue", "attempt"),
    )

    id: int | None = Field(default=None, primary_key=True)
    queue: int
    attempt: int = 0


class Status(Enum):
    """Of an order."""

    OPEN = "open"
    SHUT = "shut"


class Order(SQLModel, table=True):
    """A predicate that new rows satisfy by default."""

    __table_args__ = (Index("uq_order_open", "number", unique=True, postgresql_where=text("status = 'OPEN'")),)

    id: int = Field(default=None, primary_key=True)
    number: int
    status: Status = Status.OPEN


class Account(SQLModel, table=True):
    """A validator that rejects the values suggested by the type."""

    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(unique=True)
    second: str | None = Field(default=None, unique=True)
    nick: str = ""
    level: int = 0

    @field_validator("address", "second", "nick")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value and "@" not in value:
            raise ValueError("an address has an @")
        return value


class Present(SQLModel, table=True):
    """Has the name of a helper, as do the next models."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class Explained(SQLModel, table=True):
    """Has the name of the helper for plans."""

    id: int | None = Field(default=None, primary_key=True)


class Plans(SQLModel, table=True):
    """Has the name of a variable of the tests."""

    id: int | None = Field(default=None, primary_key=True)


class Pytest(SQLModel, table=True):
    """Has the name of a module that the tests import."""

    id: int | None = Field(default=None, primary_key=True)


class Decimal(SQLModel, table=True):
    """Has the name of the type of its own column."""

    id: int | None = Field(default=None, primary_key=True)
    amount: Amount


class Date(SQLModel, table=True):
    """Has, in lower case, the name of the function that creates its value."""

    id: int | None = Field(default=None, primary_key=True)
    day: date = Field(unique=True)


class numbers(SQLModel, table=True):
    """Has the name of the counter of the factories."""

    id: int | None = Field(default=None, primary_key=True)


class Diary(SQLModel, table=True):
    """Foreign keys whose rows would have the names of functions of the factories."""

    id: int | None = Field(default=None, primary_key=True)
    date_id: int = Field(foreign_key="date.id")
    new_date_id: int = Field(foreign_key="date.id")
    count_id: int = Field(foreign_key="numbers.id")
    begun: date


class Rule(SQLModel, table=True):
    """A key of so few values that a test can create only one row."""

    status: Status = Field(primary_key=True)
    text: str = ""


class Remark(SQLModel, table=True):
    """Refers twice to a row that exists only once."""

    id: int | None = Field(default=None, primary_key=True)
    rule_status: Status = Field(foreign_key="rule.status")
    other_status: Status = Field(foreign_key="rule.status")
    words: str = Field(unique=True)


class Tenant(SQLModel, table=True):
    """The owner of all other rows."""

    id: int = Field(primary_key=True)


class Project(SQLModel, table=True):
    """Belongs to a tenant, and is numbered within it."""

    tenant_id: int = Field(primary_key=True, foreign_key="tenant.id")
    number: int = Field(primary_key=True)
    lead_id: int | None = Field(default=None, foreign_key="task.id", unique=True)


class Task(SQLModel, table=True):
    """Belongs to a project and its tenant: a foreign key that begins like another one, and a cycle."""

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "project_number"], ["project.tenant_id", "project.number"]),
        Index("uq_task_rank", "tenant_id", "rank", unique=True, postgresql_where=text("rank IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    tenant_id: int = Field(foreign_key="tenant.id")
    project_number: int
    rank: int | None = None


class Visit(SQLModel, table=True):
    """A foreign key that may be NULL, but is required."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int | None = Field(foreign_key="person.id", index=True)
    kind: Literal["long", "short"] = Field(sa_type=String)
    depth: int = Field(ge=-9, le=-1)
    person: Person | None = Relationship()


class Total(SQLModel, table=True):
    """Like a view: only the mapper knows its key, and no index has its name."""

    __mapper_args__: ClassVar[dict[str, object]] = {"primary_key": ["day", "person_id"]}

    day: date
    person_id: int = Field(foreign_key="person.id")
    visits: int


class Code(SQLModel, table=True):
    """Strings with patterns."""

    id: int | None = Field(default=None, primary_key=True)
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")] = Field(unique=True)
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")] = Field(max_length=12, unique=True)
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(index=True)
    phone: Annotated[str, StringConstraints(pattern=r"^\+\d{7,15}$")] | None = Field(default=None, unique=True)


class Issue(SQLModel, table=True):
    """Two foreign keys to one table, one of which may be NULL, and the relationships that follow them."""

    id: int | None = Field(default=None, primary_key=True)
    reporter_id: int = Field(foreign_key="person.id", index=True)
    assignee_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    reviewer_id: int = Field(default=1, foreign_key="person.id", index=True)
    reporter: Person = Relationship(sa_relationship_kwargs={"foreign_keys": "Issue.reporter_id"})
    assignee: Person | None = Relationship(sa_relationship_kwargs={"foreign_keys": "Issue.assignee_id"})


class Article(SQLModel, table=True):
    """Several indexes that serve one query: soft deletion, a flag, a partial index beside a full one."""

    __table_args__ = (
        Index("ix_article_kept", "author_id", postgresql_where=text("deleted_at IS NULL")),
        Index("ix_article_author", "author_id"),
        Index("ix_article_flag", "pinned"),
        Index("ix_article_both", "pinned", "author_id"),
        Index("ix_article_pinned", "author_id", postgresql_where=text("pinned")),
    )

    id: int | None = Field(default=None, primary_key=True)
    author_id: int
    pinned: bool = False
    deleted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Score(SQLModel, table=True):
    """CHECK constraints, of one column and of several."""

    __table_args__ = (
        CheckConstraint("rank >= 0 AND rank <= 10"),
        CheckConstraint("low < high"),
        CheckConstraint("(state = 'open') = (closed_by IS NULL)"),
        CheckConstraint("state IN ('open', 'shut')"),
        Index("uq_score_shut", "rank", unique=True, postgresql_where=text("state = 'shut'")),
    )

    id: int | None = Field(default=None, primary_key=True)
    rank: int = Field(index=True)
    low: int
    high: int
    state: str = "open"
    closed_by: int | None = Field(default=None, foreign_key="person.id")


class Size(BaseModel):
    """Kept as JSON."""

    width: int
    unit: Literal["px", "em"]


class Shifted(TypeDecorator[datetime]):
    """Accepts only aware values, stores them without a time zone, and returns them in another one."""

    impl = DateTime(timezone=False)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("needs a time zone")
        return value and value.astimezone(UTC).replace(tzinfo=None)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=5)))


class Vector(UserDefinedType[str]):
    """Of an extension."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "vector(3)"


class Odd(SQLModel, table=True):
    """Values that the type does not suggest, an extension, an enum created elsewhere, and a rejected default."""

    id: int | None = Field(default=None, primary_key=True)
    currency: str = Field(sa_column=Column(CHAR(3), nullable=False, unique=True))
    title: str
    size: Size = Field(sa_type=JSONB)
    seen_at: datetime = Field(sa_type=Shifted)
    place: str | None = Field(default=None, sa_column=Column(Vector(), nullable=True))
    level: Status = Field(sa_column=Column(ENUM(Status, name="odd_level", create_type=False), nullable=False))
    made_at: datetime = Field(default_factory=datetime.now, sa_type=DateTime(timezone=True))


class Branch(SQLModel, table=True):
    """A reference to a parent branch that is required, even if it is None."""

    id: int | None = Field(default=None, primary_key=True)
    parent_id: int | None = Field(foreign_key="branch.id", index=True)


class Secret(SQLModel, table=True):
    """A value that nobody can guess."""

    id: int | None = Field(default=None, primary_key=True)
    token: str = Field(unique=True)

    @field_validator("token")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value != "open sesame":
            raise ValueError("unknown")
        return value


class Visitor(SQLModel, table=True):
    """Needs a row of the previous model."""

    id: int | None = Field(default=None, primary_key=True)
    secret_id: int = Field(foreign_key="secret.id", index=True)


class Zone(SQLModel, table=True):
    """Partitioned by a list, with the partitions in migrations only."""

    __table_args__ = (
        UniqueConstraint("guild", "name", name="uq_zone_name"),
        Index("uq_zone_main", "guild", "level", unique=True, postgresql_where=text("main")),
        {"postgresql_partition_by": "LIST (guild)"},
    )

    guild: int = Field(primary_key=True)
    id: int = Field(primary_key=True)
    name: str
    level: int
    main: bool = False
    stays: list["Stay"] = Relationship(back_populates="zone")


class Stay(SQLModel, table=True):
    """Partitioned by hash, and refers to a partitioned table."""

    __table_args__ = (
        ForeignKeyConstraint(["guild", "zone_id"], ["zone.guild", "zone.id"]),
        Index("ix_stay_zone", "guild", "zone_id"),
        {"postgresql_partition_by": "HASH (guild)"},
    )

    guild: int = Field(primary_key=True)
    id: int = Field(primary_key=True)
    zone_id: int
    zone: Zone = Relationship(back_populates="stays")


class Pulse(SQLModel, table=True):
    """Partitioned by time."""

    __table_args__ = {"postgresql_partition_by": "RANGE (at)"}

    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    sensor: int = Field(primary_key=True, index=True)
    value: float = 0
