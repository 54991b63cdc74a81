"""Some models of a bot; ``conftest`` emits their controllers as the package ``guild_db``."""

import enum
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Optional, cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from pydantic import BaseModel, field_validator
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class Base(SQLModel, registry=registry()):
    metadata = sa.MetaData()


class Kind(enum.Enum):
    BAN = "ban"
    KICK = "kick"


class Preferences(BaseModel):
    colour: str = "red"
    since: datetime = datetime(2020, 1, 1, tzinfo=UTC)


class Guild(Base, table=True):
    id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    name: str = Field(max_length=20)
    settings: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)
    users: list["User"] = Relationship(back_populates="guild", sa_relationship_kwargs={"order_by": "User.id"})
    tags: list["Tag"] = Relationship(sa_relationship_kwargs={"secondary": "guildtag", "order_by": "Tag.name"})


class User(Base, table=True):
    __tablename__ = "users"
    __table_args__ = (
        sa.Index("ix_users_lower_name", sa.text("lower(user_name)"), unique=True),
        sa.CheckConstraint("points < 1000000", name="ck_users_points"),
    )

    id: int | None = Field(default=None, primary_key=True)
    discord_id: int = Field(unique=True, sa_type=sa.BigInteger)
    guild_id: int = Field(foreign_key="guild.id", index=True, sa_type=sa.BigInteger)
    name: str = Field(max_length=20, sa_column_kwargs={"name": "user_name"})
    points: int = Field(default=0, ge=0)
    rank: int | None = Field(default=None, sa_column=sa.Column(sa.Integer, server_default="7"))
    token: UUID = Field(default_factory=uuid4)
    preferences: Preferences = Field(default_factory=Preferences, sa_type=sa.JSON)
    banned_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    created_at: datetime | None = Field(
        default=None,
        sa_column=sa.Column(sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    updated_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), onupdate=lambda: datetime.now(UTC))
    )
    shout: str | None = Field(
        default=None, sa_column=sa.Column(sa.Text, sa.Computed("upper(user_name)", persisted=True))
    )
    guild: Guild = Relationship(back_populates="users")
    cases: list["Case"] = Relationship(
        back_populates="user", sa_relationship_kwargs={"foreign_keys": "Case.user_id", "order_by": "Case.number.desc()"}
    )

    @field_validator("name")
    @classmethod
    def _strip(cls, value: str) -> str:
        if not value.strip():
            raise ValueError(f"{value!r} is empty")
        return value.strip()


class Case(Base, table=True):
    __tablename__ = "cases"
    __table_args__ = (
        sa.UniqueConstraint("guild_id", "number", name="uq_cases_guild_id_number"),
        sa.Index("ix_cases_open", "expires_at", postgresql_where=sa.text("NOT closed")),
    )

    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guild.id", sa_type=sa.BigInteger)
    number: int
    kind: Kind = Kind.BAN
    user_id: int = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    moderator_id: int | None = Field(default=None, foreign_key="users.id")
    parent_id: int | None = Field(default=None, foreign_key="cases.id")
    closed: bool = False
    fine: Decimal = Field(default=Decimal(0), max_digits=8, decimal_places=2)
    expires_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    labels: list[str] = Field(default_factory=list, sa_type=sa.ARRAY(sa.Text))
    user: User = Relationship(
        back_populates="cases", sa_relationship_kwargs={"foreign_keys": "Case.user_id", "lazy": "joined"}
    )
    moderator: User | None = Relationship(
        sa_relationship_kwargs={"foreign_keys": "Case.moderator_id", "lazy": "selectin"}
    )
    parent: Optional["Case"] = Relationship(
        back_populates="children", sa_relationship_kwargs={"remote_side": "Case.id"}
    )
    children: list["Case"] = Relationship(back_populates="parent", sa_relationship_kwargs={"order_by": "Case.number"})


class Level(Base, table=True):
    __tablename__ = "levels"

    guild_id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    member_id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    xp: int = 0
    rewards: list["Reward"] = Relationship(back_populates="level")


class Reward(Base, table=True):
    __table_args__ = (sa.ForeignKeyConstraint(["guild_id", "member_id"], ["levels.guild_id", "levels.member_id"]),)

    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = Field(sa_type=sa.BigInteger)
    member_id: int = Field(sa_type=sa.BigInteger)
    level: Level = Relationship(back_populates="rewards")


class GuildTag(Base, table=True):
    guild_id: int = Field(foreign_key="guild.id", primary_key=True, sa_type=sa.BigInteger)
    tag_id: int = Field(foreign_key="tag.id", primary_key=True)


class Tag(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


class Afk(Base, table=True):
    __table_args__ = (
        sa.Index(
            "uq_afk_current", "member_id", unique=True, postgresql_where=sa.text("ended_at IS NULL AND kind = 'x'")
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    member_id: int
    kind: str = "y"
    reason: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))


class Strict(Base, table=True):
    """A model whose partial index has its predicate as an SQLAlchemy expression."""

    id: int | None = Field(default=None, primary_key=True)
    member_id: int
    kind: Kind = Kind.BAN
    active: bool = True
    note: str | None = None


sa.Index(
    "uq_strict_active",
    cast("Any", Strict.member_id),
    unique=True,
    postgresql_where=sa.and_(cast("Any", Strict.active).is_(True), cast("Any", Strict.kind) == Kind.KICK),
)
