"""Sessions and databases that a method stores in ``self``, and that another method uses."""

from __future__ import annotations

import pytest

from .conftest import codes

USERS = """
from aiohttp import ClientSession
from discord.ext import commands
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from app.db import Database
from models import Case, User


class Users(commands.Cog):
    {fields}

    def __init__(self, db: AsyncSession, http: ClientSession, store: Database, anything) -> None:
        {stored}

    @commands.command()
    async def points(self, ctx):
        {used}
"""
GET = "await self.conn.get(User, ctx.author.id)"
LOOP = """users = await self.conn.scalars(select(User))
        for user in users:
            await self.conn.scalars(select(Case).where(Case.user_id == user.id))"""


def found(stored: str, used: str, fields: str = "pass") -> list[str]:
    return codes(USERS.format(stored=stored, used=used, fields=fields))


@pytest.mark.parametrize(
    "stored",
    [
        "self.conn = db",
        "self.conn: AsyncSession = anything()",
        "self.conn: AsyncSession | None = None",
        "self.conn = None\n        self.conn = db",
        "self.other = db\n        self.conn = self.other",
        "self.conn = AsyncSession(anything)",
    ],
)
def test_session_in_an_attribute_is_a_session_in_every_method(stored: str) -> None:
    assert found(stored, GET) == ["CGL101"]
    assert "CGL201" in found(stored, LOOP)


def test_annotated_attribute_of_the_class_is_a_session() -> None:
    assert found("pass", GET, "conn: AsyncSession") == ["CGL101"]


@pytest.mark.parametrize(
    "stored",
    [
        "self.conn = http",
        "self.conn = anything",
        "self.conn = db\n        self.conn = anything",
        "self.conn = db\n        self.conn, self.other = anything",
        "self.conn = db\n        for self.conn in anything: pass",
        "self.conn: ClientSession = db",
        "self.conn = self.other\n        self.other = self.conn",
        "self.conn = None",
        "other = anything\n        other.conn = db",
    ],
)
def test_attribute_that_also_holds_something_else_is_no_session(stored: str) -> None:
    assert found(stored, GET) == []
    assert found(stored, LOOP) == []


def test_attribute_of_another_class_is_no_session() -> None:
    other = "\n\nclass Other:\n    def __init__(self, db: AsyncSession):\n        self.conn = db\n"
    assert codes(USERS.format(stored="pass", used=GET, fields="pass") + other) == []


def test_attribute_named_session_may_hold_an_http_session() -> None:
    get = "await self.session.get(User.url, headers=ctx.headers)"
    assert found("self.session = db", get) == ["CGL101"]
    assert found("self.session = anything", get) == ["CGL101"]  # by its name, as before
    assert found("self.session = http", get) == []
    assert found("self.session = ClientSession()", get) == []


def test_database_in_an_attribute_is_a_database_in_every_method() -> None:
    used = "users = await self.store.user.find_all()\n        if self.store.user.find_by_guild_id(1): pass"
    assert found("self.store = store", used) == ["CGL203", "CGL403"]
    assert found("self.store = anything", used) == []
    assert found("self.store = store\n        self.store = anything", used) == []
    loop = """for user in await self.store.user.find_by_guild_id(1):
            await self.store.case.find_by_user_id(user.id)"""
    assert found("self.store = store", loop) == ["CGL201"]
