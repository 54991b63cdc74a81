"""Models whose declaration says one thing and their database another, and those that databases have besides."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


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
