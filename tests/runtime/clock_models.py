"""Columns without time zone, whose package is emitted with ``naive_datetimes = "utc"``."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import NaiveDatetime
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, SQLModel


class ClockBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


def now() -> datetime:
    return datetime.now(UTC)


class Clock(ClockBase, table=True):
    """Columns for dates and times of all kinds without a time zone, and one with a time zone."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime, index=True))
    strict: NaiveDatetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime))
    zoned: datetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime(timezone=True)))
    several: list[datetime] | None = Field(default=None, sa_column=sa.Column(sa.ARRAY(sa.DateTime)))
    period: Any = Field(default=None, sa_column=sa.Column(pg.TSRANGE))
    made: datetime = Field(default_factory=now, sa_column=sa.Column(sa.DateTime, nullable=False))
    changed: datetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime, onupdate=now))


class Appointment(ClockBase, table=True):
    """Looked up by its time."""

    begins: datetime = Field(sa_column=sa.Column(sa.DateTime, primary_key=True))
    title: str
