"""A handful of models and the controllers that would be emitted for them, written by hand."""

import enum
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, NotRequired, Optional, TypeAlias, cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from pydantic import BaseModel, field_validator
from runtime import (
    BaseController,
    DatabaseService,
    Equal,
    Filters,
    Ordered,
    Refinements,
    Selection,
    Settable,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel
from typing_extensions import TypedDict, Unpack


class Base(SQLModel, registry=registry()):
    metadata = sa.MetaData()


class Kind(enum.Enum):
    BAN = "ban"
    KICK = "kick"


class Preferences(BaseModel):
    colour: str = "red"
    since: datetime = datetime(2020, 1, 1, tzinfo=UTC)


def aware() -> Any:
    return sa.DateTime(timezone=True)


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
    """Predicate as expressions, and every write by the ORM."""

    __table_args__ = ()

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

Row: TypeAlias = dict[str, object]
GuildLoad: TypeAlias = Literal["users", "tags"]
UserLoad: TypeAlias = Literal["guild", "cases"]
CaseLoad: TypeAlias = Literal["user", "moderator", "parent", "children"]


class UserCreate(TypedDict, closed=True):
    id: NotRequired[int]
    discord_id: int
    guild_id: int
    name: str
    points: NotRequired[int]
    rank: NotRequired[int | None]
    token: NotRequired[UUID]
    preferences: NotRequired[Preferences]
    banned_at: NotRequired[datetime | None]
    created_at: NotRequired[datetime]
    updated_at: NotRequired[datetime | None]


class UserUpdate(TypedDict, total=False, closed=True):
    discord_id: Settable[int]
    guild_id: Settable[int]
    name: Settable[str]
    points: Settable[int]
    rank: Settable[int | None]
    preferences: Settable[Preferences]
    banned_at: Settable[datetime | None]


class UserWhere(Refinements, total=False, closed=True):
    id: Ordered[int]
    discord_id: Ordered[int]
    guild_id: Ordered[int]
    name: Ordered[str]
    points: Ordered[int]
    rank: Ordered[int] | None
    token: Equal[UUID]
    banned_at: Ordered[datetime] | None
    lower_name: Ordered[str]


class UserController(BaseController[User, UserLoad, UserCreate, UserUpdate]):
    model = User
    c: Any = User
    expressions: ClassVar = {"lower_name": ("ix_users_lower_name", 0)}

    async def create(self, **values: Unpack[UserCreate]) -> User:
        return await self._create(values)

    def find_all(self, filters: Filters = None, **where: Unpack[UserWhere]) -> Selection[User, UserLoad]:
        return self._find({}, where, filters)

    async def find_one(self, filters: Filters = None, **where: Unpack[UserWhere]) -> User | None:
        return await self._find({}, where, filters).first()

    async def count(self, filters: Filters = None, **where: Unpack[UserWhere]) -> int:
        return await self._find({}, where, filters).count()

    async def exists(self, filters: Filters = None, **where: Unpack[UserWhere]) -> bool:
        return await self._find({}, where, filters).exists()

    async def update_where(
        self, filters: Filters = None, /, *, all_rows: bool = False, **values: Unpack[UserUpdate]
    ) -> int:
        return await self._update_where(filters, values, all_rows=all_rows)

    async def get_by_id(self, id: int, /, *, load: Iterable[UserLoad] = ()) -> User | None:  # noqa: A002
        return await self._get({"id": id}, load)

    async def get_one_by_id(self, id: int, /, *, load: Iterable[UserLoad] = ()) -> User:  # noqa: A002
        return await self._get_one({"id": id}, load)

    async def update_by_id(self, id: int, /, **values: Unpack[UserUpdate]) -> User | None:  # noqa: A002
        return await self._update({"id": id}, values)

    async def delete_by_id(self, id: int, /) -> bool:  # noqa: A002
        return await self._delete({"id": id})

    async def get_by_lower_name(self, lower_name: str, /) -> User | None:
        return await self._get({"lower_name": lower_name})

    async def get_or_create_by_discord_id(self, **values: Unpack[UserCreate]) -> tuple[User, bool]:
        return await self._get_or_create(("discord_id",), values)

    async def upsert_by_discord_id(self, **values: Unpack[UserCreate]) -> User:
        return await self._upsert(("discord_id",), values)

    async def get_or_create_by_lower_name(self, **values: Unpack[UserCreate]) -> tuple[User, bool]:
        return await self._get_or_create(("lower_name",), values)

    async def upsert_by_lower_name(self, **values: Unpack[UserCreate]) -> User:
        return await self._upsert(("lower_name",), values)

    def find_by_guild_id(self, guild_id: Ordered[int], /, **where: Unpack[UserWhere]) -> Selection[User, UserLoad]:
        return self._find({"guild_id": guild_id}, where)

    async def load_guild(self, users: Iterable[User], /) -> None:
        await self._load("guild", users)

    async def load_cases(self, users: Iterable[User], /) -> None:
        await self._load("cases", users)


class LooseController(BaseController[Any, Any, Mapping[str, object], Mapping[str, object]]):
    """The emitted methods that tests need of the other models, with loose types."""

    async def create(self, **values: Any) -> Any:
        return await self._create(values)

    def find_all(self, filters: Filters = None, **where: Any) -> Selection[Any, Any]:
        return self._find({}, where, filters)

    async def get(self, within: str | None = None, load: Iterable[str] = (), **key: Any) -> Any:
        return await self._get(key, load, within=within)

    async def load(self, relation: str, objects: Iterable[Any]) -> None:
        await self._load(relation, objects)


class GuildController(LooseController):
    model = Guild


class CaseController(LooseController):
    model = Case

    def find_open(self, **where: Any) -> Selection[Case, CaseLoad]:
        return self._find({}, where, within="ix_cases_open")


class LevelController(LooseController):
    model = Level

    async def upsert(self, **values: Any) -> Level:
        return await self._upsert(("guild_id", "member_id"), values)


class RewardController(LooseController):
    model = Reward


class TagController(LooseController):
    model = Tag


class GuildTagController(LooseController):
    model = GuildTag


class AfkController(LooseController):
    model = Afk

    async def upsert_current(self, **values: Any) -> Afk:
        return await self._upsert(("member_id",), values, within="uq_afk_current")

    async def get_or_create_current(self, **values: Any) -> tuple[Afk, bool]:
        return await self._get_or_create(("member_id",), values, within="uq_afk_current")


class StrictController(LooseController):
    model = Strict

    async def upsert_active(self, **values: Any) -> Strict:
        return await self._upsert(("member_id",), values, within="uq_strict_active")


class Database(DatabaseService):
    @property
    def user(self) -> UserController:
        return self._controller(UserController)

    @property
    def guild(self) -> GuildController:
        return self._controller(GuildController)

    @property
    def case(self) -> CaseController:
        return self._controller(CaseController)

    @property
    def level(self) -> LevelController:
        return self._controller(LevelController)

    @property
    def reward(self) -> RewardController:
        return self._controller(RewardController)

    @property
    def tag(self) -> TagController:
        return self._controller(TagController)

    @property
    def guild_tag(self) -> GuildTagController:
        return self._controller(GuildTagController)

    @property
    def afk(self) -> AfkController:
        return self._controller(AfkController)

    @property
    def strict(self) -> StrictController:
        return self._controller(StrictController)
