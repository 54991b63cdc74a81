"""Models that the explorer must show: hostile names, every kind of connection, and two hundred tables."""

from __future__ import annotations

import random

HOSTILE = "</script><script>document.title='owned'</script>"

ODD = f'''"""Models."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table
from sqlmodel import Field, Relationship, SQLModel, String

labels = Table(
    "note_labels",
    SQLModel.metadata,
    Column("note_id", ForeignKey("notes.id"), primary_key=True),
    Column("label_id", ForeignKey("labels.id"), primary_key=True),
)
outside = Table("outside", SQLModel.metadata, Column("id", Integer, primary_key=True))


class Note(SQLModel, table=True):
    """A note with `code`, <b>markup</b> & {HOSTILE}."""

    __tablename__ = "notes"
    __table_args__ = (
        Index("ix <img src=x onerror=alert(1)>", "title", postgresql_where="title <> '</script>'"),
        {{"comment": {HOSTILE!r}}},
    )

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(sa_column=Column(String(80), comment={HOSTILE!r}, server_default="<!-- & '\\u2028"))
    parent_id: int | None = Field(default=None, foreign_key="notes.id", index=True)
    outside_id: int = Field(foreign_key="outside.id")
    labels: list["Label"] = Relationship(back_populates="notes", sa_relationship_kwargs={{"secondary": labels}})
    cover: "Cover" = Relationship(back_populates="note", sa_relationship_kwargs={{"uselist": False}})


class Label(SQLModel, table=True):
    """A label."""

    __tablename__ = "labels"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    notes: list[Note] = Relationship(back_populates="labels", sa_relationship_kwargs={{"secondary": labels}})


class Cover(SQLModel, table=True):
    """One a note."""

    __tablename__ = {HOSTILE!r}

    note_id: int = Field(primary_key=True, foreign_key="notes.id", ondelete="CASCADE")
    colour: str | None = None
    note: Note = Relationship(back_populates="cover")
'''


def many_tables(count: int) -> str:
    """Return models that refer to each other as in an application, where most references lead to a few tables."""
    chance = random.Random(12)
    lines = ['"""Models."""', "", "from sqlmodel import Field, SQLModel", ""]
    for number in range(count):
        lines += ["", f"class Thing{number:03}(SQLModel, table=True):", f'    """Thing {number}."""', ""]
        lines.append("    id: int | None = Field(default=None, primary_key=True)")
        is_alone = chance.random() < 0.06
        targets = {int(chance.random() ** 2 * number) for _ in range(chance.randint(1, 3))} if number else set[int]()
        for target in () if is_alone else sorted(targets):
            lines.append(f'    thing_{target:03}_id: int = Field(foreign_key="thing{target:03}.id", index=True)')
        lines += [f"    value_{each}: str | None = None" for each in range(chance.randint(2, 9))]
        lines.append("")
    return "\n".join(lines)
