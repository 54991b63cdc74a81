"""Models from public bug reports about similar libraries."""

import enum
from datetime import datetime, time, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, SQLModel


class ReportBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Tone(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Spaced(ReportBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    status: Tone = Field(sa_column=sa.Column("current status", sa.Enum(Tone, name="report_tone"), nullable=False))
    extra: dict[str, Any] | None = Field(default=None, sa_column=sa.Column("extra data (raw)", pg.JSONB))
    n: int = Field(default=0, sa_column=sa.Column("no. of items", sa.Integer, nullable=False))


class Percent(ReportBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    rate: int = Field(default=0, sa_column=sa.Column("rate %", sa.Integer, nullable=False))


class Sequenced(ReportBase, table=True):
    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.Integer, sa.Sequence("report_id_seq"), primary_key=True)
    )
    number: int | None = Field(
        default=None, sa_column=sa.Column(sa.Integer, sa.Sequence("report_no_seq"), nullable=False)
    )
    name: str = ""


class Native(ReportBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    ip: IPv4Address | None = Field(default=None)
    path: Path | None = Field(default=None)


class Timed(ReportBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    ats: list[datetime] | None = Field(default=None, sa_column=sa.Column(sa.ARRAY(sa.DateTime(timezone=True))))
    during: Any = Field(default=None, sa_column=sa.Column(pg.TSTZRANGE))
    clock: time | None = Field(default=None, sa_column=sa.Column(sa.Time(timezone=True)))
    at: datetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime(timezone=True)))


class Tenanted(ReportBase, table=True):
    id: int = Field(primary_key=True)
    tone: Tone = Field(sa_column=sa.Column(sa.Enum(Tone, name="tenant_tone"), nullable=False))
    v: int = 0


class Paged(ReportBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    weight: float = 0.0
    at: datetime = Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=False))
    took: timedelta | None = Field(default=None, sa_column=sa.Column(sa.Interval))
    name: str = ""
    tone: Tone = Field(default=Tone.GOOD, sa_column=sa.Column(sa.Enum(Tone, name="report_tone"), nullable=False))


class Unique(ReportBase, table=True):
    __table_args__ = (sa.UniqueConstraint("area", "code", name="uq_unique_area_code"),)

    id: int | None = Field(default=None, primary_key=True)
    area: str
    code: str
