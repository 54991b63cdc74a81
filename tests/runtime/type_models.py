"""Models with custom types, and models that only the ORM can read; they are part of ``guild_db``."""

import uuid
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, Relationship, SQLModel


class TypesBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Json(sa.TypeDecorator[Any]):
    impl = pg.JSONB
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return {"was": "none"} if value is None else value


class Tags(sa.TypeDecorator[Any]):
    impl = sa.ARRAY(sa.Text)
    cache_ok = True


class Code(TypesBase, table=True):
    code: str = Field(sa_column=sa.Column(sa.String(5), primary_key=True))
    note: str | None = Field(default=None, sa_type=sa.String(3))  # type: ignore[call-overload]  # an instance will do
    price: Decimal | None = Field(default=None, sa_column=sa.Column(sa.Numeric(8, 2)))
    own: dict[str, str] | None = Field(default=None, sa_column=sa.Column(Json))
    tags: list[str] | None = Field(default=None, sa_column=sa.Column(Tags))
    words: list[str] | None = Field(default=None, sa_column=sa.Column(sa.ARRAY(sa.Text)))
    data: list[int] | None = Field(default=None, sa_column=sa.Column(pg.JSONB))
    stamp: str | None = Field(default=None, sa_column=sa.Column(sa.Text, onupdate=lambda: uuid.uuid4().hex))


class Group(TypesBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    members: list["Member"] = Relationship()
    chosen: list["Member"] = Relationship(
        sa_relationship_kwargs={
            "primaryjoin": "and_(Group.id == Member.group_id, Member.a == Member.b)",
            "viewonly": True,
        }
    )


class Member(TypesBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    group_id: int | None = Field(default=None, foreign_key="group.id")
    a: int = 0
    b: int = 0


Member.group_name = orm.column_property(  # type: ignore[attr-defined]  # mapped afterwards
    sa.select(Group.name)  # type: ignore[call-overload]  # a column
    .where(Group.__table__.c.id == Member.__table__.c.group_id)  # type: ignore[attr-defined]  # SQLModel hides it
    .correlate_except(Group.__table__)  # type: ignore[attr-defined]  # SQLModel hides it
    .scalar_subquery()
)
