"""Each rule: its examples, other code that it reports, and similar code that it accepts."""

from __future__ import annotations

import textwrap
from inspect import iscoroutinefunction

import pytest

import generated
from ctrlgen.lint.emitted_methods import FINDER, LINKER, READ, WRITE, EmittedMethods
from ctrlgen.lint.queries import SELECTION
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.rules import RULES
from generated import Selection

from .conftest import codes, lint

IMPORTS = """
import asyncio
from datetime import UTC, datetime
from functools import lru_cache

from discord.ext import commands
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Session, and_, col, delete, func, or_, select

from models import Case, GuildConfig, User
"""


def in_function(code: str, signature: str = "self, db, session: AsyncSession, user_id: int, **rest") -> str:
    """Return code as the body of a coroutine, under the imports it needs."""
    return f"{IMPORTS}\n\nasync def work({signature}):\n{textwrap.indent(textwrap.dedent(code).strip(), '    ')}\n"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_documented_examples_are_correct(rule: Rule, emitted: EmittedMethods) -> None:
    assert codes(in_function(rule.bad), emitted) == [rule.code]
    assert codes(in_function(rule.good), emitted) == []


def test_rules_have_distinct_codes_in_order() -> None:
    numbers = [rule.code for rule in RULES]
    assert numbers == sorted(set(numbers))
    assert len({rule.name for rule in RULES}) == len(RULES)


USERS = "users = await db.user.find_by_guild_id(1)\n"
ROUTE = """
@router.get("/users/{user_id}")
async def read_user(user_id: int, session: SessionDep):
    return await session.get(User, user_id)
"""


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (ROUTE, "`read_user` is a route"),
        (ROUTE.replace("session: SessionDep", "session: Annotated[AsyncSession, Depends(get_session)]"), "is a route"),
        (ROUTE.replace("SessionDep", "'AsyncSession'"), "is a route"),
        (ROUTE.replace("async def", "def").replace("await ", "").replace("SessionDep", "Session"), "is a route"),
        (ROUTE.replace("router.get", "app.delete"), "is a route"),
        (ROUTE.replace('router.get("/users/{user_id}")', "bot.tree.command()"), "is a command"),
        (ROUTE.replace('router.get("/users/{user_id}")', "commands.Cog.listener()"), "is a listener"),
        (ROUTE.replace('router.get("/users/{user_id}")', "bot.event"), "is a listener"),
    ],
)
def test_session_in_a_command_or_route_is_found(code: str, message: str) -> None:
    (finding,) = lint(IMPORTS + code)
    assert finding.code == "CGL101"
    assert message in finding.message


@pytest.mark.parametrize(
    "code",
    [
        ROUTE.replace("await session.get(User, user_id)", "await read(session, user_id)"),
        ROUTE.replace("return await session.get(User, user_id)", "await session.commit()"),
        ROUTE.replace("session.get(User, user_id)", 'session.execute(text("SELECT 1"))'),
        ROUTE.replace("session.get(User, user_id)", "session.execute('select 1')"),
        ROUTE.replace("session.get(User, user_id)", "session.execute(select(1))"),
        ROUTE.replace("SessionDep", "aiohttp.ClientSession"),
        ROUTE.replace('@router.get("/users/{user_id}")\n', ""),
        ROUTE.replace('@router.get("/users/{user_id}")', "@cache.get"),
        "import typer\napp = typer.Typer()\n" + ROUTE.replace('@router.get("/users/{user_id}")', "@app.command()"),
    ],
)
def test_session_that_is_passed_on_or_elsewhere_is_fine(code: str) -> None:
    assert codes(IMPORTS + code) == []


def test_direct_session_names_the_emitted_method(emitted: EmittedMethods) -> None:
    (finding,) = lint(IMPORTS + ROUTE, emitted)
    assert finding.replacement == "await db.user.get_by_id(user_id)"


def test_controller_without_database_is_found_where_it_is_imported() -> None:
    code = "from app.db import UserController\n\ncontroller = UserController()\n"
    (finding,) = lint(code)
    assert (finding.code, finding.line, finding.column) == ("CGL102", 3, 14)
    assert codes("from simple_pid import PidController\n\npid = PidController()\n") == []
    assert codes("class PidController: ...\n\n\npid = PidController()\n") == []
    assert codes("from app.db import UserController\n\ncontroller = UserController(db)\n") == []


@pytest.mark.parametrize(
    ("code", "replacement"),
    [
        ("user = await session.get(User, 1)", "await db.user.get_by_id(1)"),
        ("(await session.exec(select(User).where(User.id == 1))).first()", "await db.user.get_by_id(1)"),
        ("await session.scalar(select(User).where(User.discord_id == x))", "await db.user.get_by_discord_id(x)"),
        (
            "q = select(User).where(User.discord_id == x)\nawait session.execute(q)",
            "await db.user.get_by_discord_id(x)",
        ),
        (
            "await session.execute(select(User).where(col(User.guild_id) == g, User.points == 5).limit(3))",
            "await db.user.find_by_guild_id(g, points=5).limit(3)",
        ),
        ("await session.execute(delete(User).where(User.id == 1))", "await db.user.delete_by_id(1)"),
    ],
)
def test_query_that_an_emitted_method_replaces_is_found(code: str, replacement: str, emitted: EmittedMethods) -> None:
    (finding,) = lint(in_function(code), emitted)
    assert (finding.code, finding.replacement) == ("CGL103", replacement)
    assert codes(in_function(code)) == [], "without a project, its methods are unknown"


@pytest.mark.parametrize(
    "code",
    [
        "await session.get(User, 1, with_for_update=True)",
        "await session.execute(select(User).where(User.points > 5))",
        "await session.execute(select(User).where(User.points == 5))",
        "await session.execute(select(User.id).where(User.id == 5))",
        "await session.execute(select(User, Case).where(User.id == 5))",
        "await session.execute(select(User).join(Case).where(User.id == 5))",
        "await session.execute(select(User).where(User.id == 5).with_for_update())",
        "await session.execute(select(User).where(or_(User.id == 5, User.id == 6)))",
        "await session.execute(select(User))",
        "await session.get(Other, 1)",
        "async with db.transaction() as session:\n    await session.get(User, 1)",
        "await http.get(User, 1)",
    ],
)
def test_query_that_no_emitted_method_replaces_is_fine(code: str, emitted: EmittedMethods) -> None:
    assert codes(in_function(code), emitted) == []


def test_model_of_another_package_with_the_same_name_is_ignored(emitted: EmittedMethods) -> None:
    code = in_function("await session.get(User, 1)").replace("from models import", "from other.models_of_theirs import")
    assert codes(code, emitted) == []


@pytest.mark.parametrize(
    "code",
    [
        "for user in await db.user.find_by_guild_id(1):\n    await db.case.count(user_id=user.id)",
        f"{USERS}for user in users:\n    key = user.id\n    await db.case.find_by_user_id(key)",
        f"{USERS}x = [await db.case.find_by_user_id(user.id) for user in users]",
        "users = (await session.exec(select(User))).all()\nfor it in users:\n    await session.get(Case, it.case_id)",
        (
            "rows = await session.scalars(select(User))\nfor user in rows:\n"
            "    q = select(Case).where(Case.user_id == user.id)\n    await session.execute(q)"
        ),
    ],
)
def test_query_for_each_row_is_found(code: str) -> None:
    assert codes(in_function(code)) == ["CGL201"]


@pytest.mark.parametrize(
    "code",
    [
        "for user_id in user_ids:\n    await db.case.find_by_user_id(user_id)",
        "for user in await db.user.find_by_guild_id(1):\n    await db.case.count()",
        f"{USERS}for user in users:\n    if user.x:\n        return await db.case.get_by_id(user.id)",
        "for user in await db.user.find_by_guild_id(1):\n    case = await db.case.get_by_id(user.id)\n    break",
        "for link in soup.find_all('a'):\n    await session.get(link.href)",
        f"{USERS}await db.user.load_cases(users)\nfor user in users:\n    print(user.cases)",
    ],
)
def test_loop_without_a_query_for_each_row_is_fine(code: str) -> None:
    assert codes(in_function(code, "db, session: aiohttp.ClientSession, soup, user_ids")) == []


def test_writes_one_by_one_are_found() -> None:
    code = f"{USERS}for user in users:\n    await db.user.delete_by_id(user.id)"
    (finding,) = lint(in_function(code))
    assert (finding.code, finding.replacement) == ("CGL202", "await db.user.delete_many([... for ... in users])")


@pytest.mark.parametrize(
    ("write", "replacement"),
    [
        ("create(name=user.name)", "await db.case.create_many([{...} for ... in users])"),
        ("update_by_id(user.id, x=1)", "await db.case.update_many([(..., {...}) for ... in users])"),
        ("update_one_by_id(user.id, x=1)", "await db.case.update_many([(..., {...}) for ... in users])"),
        ("upsert_by_id(id=user.id)", "await db.case.upsert_many([{...} for ... in users], key=[...])"),
        ("add_tags([user], tags)", "await db.case.add_tags(..., ...)"),
    ],
)
def test_bulk_call_that_replaces_writes_one_by_one_is_named(write: str, replacement: str) -> None:
    (finding,) = lint(in_function(f"{USERS}for user in users:\n    await db.case.{write}"))
    assert (finding.code, finding.replacement) == ("CGL202", replacement)


@pytest.mark.parametrize(
    "write",
    [
        "create_or_update_by_id(create={'id': user.id}, update={})",
        "get_or_create_by_id(id=user.id)",
        "set_tags([user], user.wanted)",
        "add_points(user.id, 5)",
    ],
)
def test_write_that_no_bulk_call_replaces_is_fine(write: str) -> None:
    assert codes(in_function(f"{USERS}for user in users:\n    await db.case.{write}")) == []


def test_numbers_of_a_selection_are_not_rows() -> None:
    for end in ("count_by(c.kind)", "sum(c.points)", "update({})", "delete()"):
        code = f"numbers = await db.user.find_by_guild_id(1).{end}\nfor n in numbers:\n    await db.case.count(id=n)"
        assert codes(in_function(code, "db, c")) == [], end
    assert codes(in_function(code + "\n    await message.send(user.name)")) == []


@pytest.mark.parametrize(
    "code",
    [
        "await db.user.find_all(limit=5)",
        "await db.user.find_all().limit(5)",
        "await db.user.find_all().order_by(x).page(size=5)",
        "await db.user.find_all().count()",
        "await db.user.find_all(guild_id=1)",
        "async for user in db.user.find_all():\n    print(user)",
        "selection = db.user.find_all()\nreturn selection",
        "soup.find_all()",
        "await soup.find_all()",
    ],
)
def test_bounded_find_all_is_fine(code: str) -> None:
    assert codes(in_function(code)) == []


def test_unbounded_find_all_is_found_with_its_refinements() -> None:
    assert codes(in_function("return await db.user.find_all().order_by(x)")) == ["CGL203"]
    assert codes(in_function("return await db.user.find_all(order_by=x)")) == ["CGL203"]


@pytest.mark.parametrize(
    ("condition", "code", "replacement"),
    [
        ("not User.is_active", "CGL301", "~col(User.is_active)"),
        ("not (User.points > 5)", "CGL301", "not_(User.points > 5)"),
        ("not db.user.c.is_active", "CGL301", "~db.user.c.is_active"),
        ("(User.points > 5) & (not User.is_active)", "CGL301", "~col(User.is_active)"),
        ("User.a == 1 and User.b == 2 and x", "CGL302", "and_(User.a == 1, User.b == 2, x)"),
        ("User.a == 1 or User.is_active", "CGL302", "or_(User.a == 1, User.is_active)"),
        ("User.deleted_at is None", "CGL303", "col(User.deleted_at).is_(None)"),
        ("User.deleted_at is not None", "CGL303", "col(User.deleted_at).is_not(None)"),
        ("User.is_active is True", "CGL303", "col(User.is_active).is_(True)"),
        ("User.id in ids", "CGL304", "col(User.id).in_(ids)"),
        ("col(User.id) not in [1, 2]", "CGL304", "col(User.id).not_in([1, 2])"),
        ("word in User.words", "CGL304", "col(User.words).contains(word)"),
        ("User.deleted_at == None", "CGL305", "col(User.deleted_at).is_(None)"),
        ("User.deleted_at != None", "CGL305", "col(User.deleted_at).is_not(None)"),
        ("func.lower(User.name) is None", "CGL303", "func.lower(User.name).is_(None)"),
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "select(User).where({})",
        "select(User).where(User.x == 1, {})",
        "select(User).where(or_({}, User.x == 1))",
        "select(User).where(User.cases.any({}))",
        "select(User).join(Case, {})",
        "await db.user.find_all({})",
        "await db.user.count(filters={})",
        "await db.user.find_all([User.x == 1, {}])",
        "filters = [{}]\nawait db.user.find_all(filters)",
        "condition = {}\nselect(User).where(condition)",
    ],
)
def test_operator_of_python_in_a_condition_is_found(query: str, condition: str, code: str, replacement: str) -> None:
    (finding,) = lint(in_function(query.format(condition)))
    assert (finding.code, finding.replacement) == (code, replacement)


@pytest.mark.parametrize(
    "code",
    [
        "select(User).where(~User.is_active, User.id.in_(ids), User.x.is_(None))",
        "select(User).where(user_id is None or User.id == user_id)",
        "select(User).where(flag and User.id == 1)",
        "select(User).where(not flag)",
        "select(User).where(User.id == 1 if user_id is not None else User.id == 2)",
        "select(User).where(User.cases.any(Case.is_active == True))",
        "select(User).where(User.kind == Kind.A, x in Kind.ALL)",
        "if User.id in ids and not User.is_active:\n    pass",
        "df.where(df.a is None)",
        "select(User).where(User.x == (1 if y in Settings.names else 2))",
    ],
)
def test_operator_of_python_elsewhere_is_fine(code: str) -> None:
    assert codes(in_function(code)) == []


@pytest.mark.parametrize(
    "cache", ["@lru_cache", "@lru_cache(maxsize=None)", "@functools.cache", "@fts.cached_property"]
)
def test_cache_on_a_coroutine_is_found(cache: str) -> None:
    code = (
        f"import functools\nimport functools as fts\nfrom functools import lru_cache\n\n{cache}\nasync def f(x): ...\n"
    )
    assert codes(code) == ["CGL401"]
    assert codes(code.replace("async def", "def")) == []
    assert codes(code.replace(cache, "@alru_cache")) == []
    assert codes(code.replace(cache, "@other.cache")) == []


@pytest.mark.parametrize(
    "code",
    [
        "await asyncio.gather(session.execute(a), session.execute(b))",
        "await asyncio.gather(first(session), second(session))",
        "tasks = [work(session, x) for x in xs]\nawait asyncio.gather(*tasks)",
        "await asyncio.gather(self.session.execute(a), self.session.execute(b))",
        "await asyncio.gather(*[work(session, x) for x in xs])",
        "async with db.session() as s:\n    await asyncio.gather(*(s.get(User, x) for x in xs))",
        "async with sessionmaker() as s:\n    await asyncio.gather(*(s.get(User, x) for x in xs))",
        "s = create_session()\nawait asyncio.gather(s.execute(a), s.execute(b))",
        "async with asyncio.TaskGroup() as tg:\n    tg.create_task(f(session))\n    tg.create_task(g(session))",
        "async with db.transaction():\n    await asyncio.gather(db.user.get_by_id(1), db.case.get_by_id(1))",
    ],
)
def test_tasks_that_share_a_session_are_found(code: str) -> None:
    assert codes(in_function(code)) == ["CGL402"]


@pytest.mark.parametrize(
    "code",
    [
        "await asyncio.gather(db.user.get_by_id(1), db.case.get_by_id(1))",
        "await asyncio.gather(work(session), other())",
        "await asyncio.gather(*[work(x) for x in xs])",
        "async with aiohttp.ClientSession() as http:\n    await asyncio.gather(http.get(a), http.get(b))",
        "maker = create_async_sessionmaker(engine)\nawait asyncio.gather(*(work(maker, x) for x in xs))",
        "from sqlalchemy.orm import sessionmaker as maker\nx = maker(engine)\nawait asyncio.gather(f(x), g(x))",
        "make = get_session_factory()\nawait asyncio.gather(first(make), second(make))",
    ],
)
def test_tasks_with_separate_connections_are_fine(code: str) -> None:
    assert codes(in_function(code)) == []


@pytest.mark.parametrize(
    ("code", "use"),
    [
        ("db.user.create(name='x')", "it has no effect"),
        ("for user in db.user.find_by_guild_id(1):\n    pass", "nothing to iterate over"),
        ("names = [user.name for user in db.user.find_by_guild_id(1).limit(5)]", "nothing to iterate over"),
        ("if db.user.exists(id=1):\n    pass", "always true"),
        ("if not db.user.find_by_guild_id(1):\n    pass", "raises a TypeError"),
        ("x = db.user.get_by_id(1).name", "no such attribute"),
        ("x = db.user.find_by_guild_id(1)[0]", "no items"),
        ("x = len(db.user.find_by_guild_id(1))", "no rows"),
        ("x = db.user.count() > 5", "never equal"),
        ("return db.user.get_by_id(1)", "the caller gets a coroutine"),
        ("user = db.user.get_by_id(1)\nprint(user.name)", "no such attribute"),
        ("users = db.user.find_by_guild_id(1)\nfor user in users:\n    pass", "nothing to iterate over"),
        ("for user in db.user.find_active_by_guild_id(1):\n    pass", "nothing to iterate over"),
        ("x = db.user.find_active_by_guild_id(1).values(c.id)[0]", "no items"),
        ("db.user.create_or_update_by_id(create={'id': 1}, update={})", "it has no effect"),
        ("db.user.upsert_active_by_id(id=1)", "it has no effect"),
        ("x = db.user.update_one_by_id(1, x=2).x", "no such attribute"),
        ("x = db.user.get_active_by_guild_id_and_name(1, 'x').x", "no such attribute"),
        ("db.user.add_tags([user], tags)", "it has no effect"),
        ("db.user.remove_tags(users, [tag])", "it has no effect"),
        ("db.user.set_tags([user], [])", "it has no effect"),
    ],
)
def test_query_without_await_is_found(code: str, use: str) -> None:
    (finding,) = lint(in_function(code))
    assert finding.code == "CGL403"
    assert use in finding.message
    assert finding.edits


@pytest.mark.parametrize(
    "code",
    [
        "users = db.user.find_by_guild_id(1)\nusers = users.limit(5)\nreturn await users",
        "return db.user.find_active_by_guild_id(1)",
        "db.cache.set_value('key', 5)",
        "db.cache.add_listener([1], key=print)",
        "db.cache.remove_all([1])",
        "async for user in db.user.find_by_guild_id(1):\n    pass",
        "user = await db.user.get_by_id(1)\nprint(user.name)",
        "task = asyncio.create_task(db.user.get_by_id(1))",
        "work = db.user.get_by_id(1)\nawait work",
        "selection = db.user.find_by_guild_id(1)\nif await selection.exists():\n    return await selection.first()",
        "return db.user.find_by_guild_id(1)",
        "soup.find_all('a')",
        "for a in soup.find_all('a'):\n    pass",
        "if cache.exists(1):\n    pass",
    ],
)
def test_selection_that_is_kept_or_awaited_is_fine(code: str) -> None:
    assert codes(in_function(code)) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("try:\n    return await db.user.get_by_id(1)\nexcept Exception:\n    return None", True),
        ("try:\n    await session.commit()\nexcept:\n    return False", True),
        (
            "try:\n    return await db.user.count()\nexcept (ValueError, Exception) as e:\n    log(e)\n    return None",
            True,
        ),
        ("try:\n    return await db.user.get_by_id(1)\nexcept LookupError:\n    return None", False),
        ("try:\n    return await db.user.get_by_id(1)\nexcept Exception:\n    log()\n    raise", False),
        ("try:\n    return await db.user.get_by_id(1)\nexcept Exception:\n    return await fallback()", False),
        ("try:\n    return int(x)\nexcept Exception:\n    return None", False),
        ("try:\n    await db.user.create()\nexcept Exception:\n    await ctx.send('failed')\n    return", False),
        (
            "try:\n    await session.execute(text('SELECT 1'))\n    return True\nexcept Exception:\n    return False",
            False,
        ),
    ],
)
def test_swallowed_error_is_found(code: str, found: bool) -> None:
    assert codes(in_function(code)) == (["CGL501"] if found else [])


CREATE = "db.user.create(discord_id=user_id, name='x')"


@pytest.mark.parametrize(
    ("code", "replacement"),
    [
        (
            f"user = await db.user.get_by_discord_id(user_id)\nif user is None:\n    user = await {CREATE}",
            "row, is_new = await db.user.get_or_create_by_discord_id(discord_id=user_id, name='x')",
        ),
        (
            (
                f"user = await db.user.find_one(discord_id=user_id)\nif not user:\n    user = await {CREATE}\n"
                "else:\n    await db.user.update_by_id(user.id, name='x')"
            ),
            "await db.user.upsert_by_discord_id(discord_id=user_id, name='x')",
        ),
        (
            (
                "user = await db.user.get_by_discord_id(user_id)\nif user:\n"
                f"    return await db.user.update_by_discord_id(user_id, name='x')\nreturn await {CREATE}"
            ),
            "await db.user.upsert_by_discord_id(discord_id=user_id, name='x')",
        ),
        (
            f"if (user := await db.user.get_by_discord_id(user_id)) is None:\n    user = await {CREATE}",
            "row, is_new = await db.user.get_or_create_by_discord_id(discord_id=user_id, name='x')",
        ),
        (
            f"if not await db.user.exists(discord_id=user_id):\n    await {CREATE}",
            "row, is_new = await db.user.get_or_create_by_discord_id(discord_id=user_id, name='x')",
        ),
        (
            f"if await db.user.get_by_discord_id(user_id) is None:\n    await {CREATE}",
            "row, is_new = await db.user.get_or_create_by_discord_id(discord_id=user_id, name='x')",
        ),
        (
            (
                "config = await session.get(GuildConfig, user_id)\nif config is None:\n"
                "    session.add(GuildConfig(id=user_id))\nelse:\n    config.prefix = '!'"
            ),
            "await db.guild_config.upsert_by_id(id=user_id)",
        ),
        (
            (
                "q = select(User).where(User.discord_id == user_id)\nuser = (await session.exec(q)).first()\n"
                "if user is None:\n    user = User(discord_id=user_id)\n    session.add(user)"
            ),
            "row, is_new = await db.user.get_or_create_by_discord_id(discord_id=user_id)",
        ),
    ],
)
def test_read_before_a_create_is_found(code: str, replacement: str) -> None:
    (finding,) = lint(in_function(code))
    assert (finding.code, finding.replacement) == ("CGL502", replacement)


@pytest.mark.parametrize(
    "code",
    [
        "user = await db.user.get_by_discord_id(user_id)\nif user is None:\n    raise LookupError",
        "user = await db.user.get_by_id(user_id)\nif user is None:\n    await db.user.create(discord_id=7)",
        f"guild = await db.guild.get_by_id(user_id)\nif guild is None:\n    await {CREATE}",
        (
            "user = await db.user.get_by_discord_id(user_id)\nif user is None:\n    try:\n"
            f"        user = await {CREATE}\n    except UniqueViolation:\n        pass"
        ),
        "user = await session.get(User, user_id)\nif user is None:\n    session.add(Case(id=user_id))",
        (
            "user = await session.get(User, user_id)\nif user is None:\n    session.add(User(id=user_id))\n"
            "with contextlib.suppress(UniqueViolationError):\n    await session.commit()"
        ),
    ],
)
def test_read_before_another_creation_is_fine(code: str) -> None:
    assert codes(in_function(code)) == []


@pytest.mark.parametrize(
    "code",
    [
        "user = await db.user.get_by_id(1)\nawait db.user.update_by_id(1, points=user.points + 5)",
        "user = await db.user.get_by_id(1)\ntotal = user.points - 5\nawait db.user.update_by_id(1, points=total)",
        "user = await session.get(User, 1)\nuser.points += 5\nawait session.commit()",
        "user = (await session.exec(select(User).where(User.x == 1))).one()\nuser.points = user.points + 5",
        "async with db.session() as s:\n    user = await s.get(User, 1)\n    user.points -= amount",
    ],
)
def test_increment_of_a_read_value_is_found(code: str) -> None:
    (finding,) = lint(in_function(code))
    assert finding.code == "CGL503"
    assert "points=db.user.c.points " in finding.replacement


@pytest.mark.parametrize(
    "code",
    [
        "await db.user.update_by_id(1, points=db.user.c.points + 5)",
        "user = await db.user.find_by_id(1).for_update().one()\nawait db.user.update_by_id(1, points=user.points + 5)",
        "user = await session.get(User, 1, with_for_update=True)\nuser.points += 5",
        "q = select(User).where(User.x == 1).with_for_update()\nuser = (await session.exec(q)).one()\nuser.points += 5",
        "user = await db.user.get_by_id(1)\nawait db.user.update_by_id(1, points=user.level + 5)",
        "user = await session.get(User, 1)\nuser.name += 'x'",
        "counter.value += 1",
        "user = await fetch(1)\nuser.points += 5",
    ],
)
def test_atomic_or_locked_increment_is_fine(code: str) -> None:
    assert codes(in_function(code)) == []


def test_typed_or_handled_create_is_fine() -> None:
    code = "async def create_user(db, **data):\n    return await db.user.create(**data)\n"
    assert codes(code) == ["CGL504"]
    assert codes(code.replace("**data)", "**data: Unpack[UserCreate])", 1)) == []
    assert codes(code.replace("**data)\n", "**values)\n").replace("db, **data", "db, values")) == []


@pytest.mark.parametrize(
    "code",
    [
        """q = f"SELECT * FROM users WHERE name = '{name}'" """,
        """q = f"SELECT * FROM users WHERE id = {user.id}" """,
        """q = "SELECT * FROM users WHERE name = '%s'" % name""",
        """q = "SELECT * FROM users WHERE name = '{}'".format(name)""",
        """q = "SELECT * FROM users WHERE name = '" + name + "'" """,
        """q = f"INSERT INTO users (name) VALUES ('{name}')" """,
        """q = f"UPDATE users SET name = '{name}' WHERE id = 1" """,
        """q = f"SELECT * FROM {table} WHERE name LIKE '%{name}%'" """,
        """await session.execute(text(f"select * from users where id = {user_id}"))""",
        """sql = f"select * from users where id = {user_id}" """,
        """user_query = "select * from users where name = '%s'" % name""",
        '''q = f"""
            SELECT *
            FROM users
            WHERE id = {user_id}
        """''',
    ],
)
def test_value_formatted_into_sql_is_found(code: str) -> None:
    assert codes(in_function(code)) == ["CGL601"]


@pytest.mark.parametrize(
    "code",
    [
        'q = f"SELECT count(*) FROM {table}"',
        'q = f"SELECT {columns} FROM users WHERE id = :id"',
        'q = f"DELETE FROM {table} WHERE id = $1"',
        'q = f"SELECT * FROM users WHERE id IN ({placeholders})"',
        'q = f"SELECT * FROM users WHERE id = {SYSTEM_USER}"',
        'q = f"SELECT * FROM users WHERE {condition}"',
        """q = f"SELECT id FROM {{{{ ref('layer_{layer}') }}}}" """,
        """q = f"SELECT date_trunc('{unit}', created_at) FROM users" """,
        'label = f"Select a role from = {name}"',
        'log(f"UPDATE = {name}")',
        'await session.execute(text("SELECT * FROM users WHERE id = :id"), {"id": 1})',
        'q = "SELECT * FROM users WHERE id = %s"',
    ],
)
def test_parameters_and_names_in_sql_are_fine(code: str) -> None:
    assert codes(in_function(code)) == []


def test_value_in_a_migration_is_found_only_in_quotes() -> None:
    """Nobody but its author controls the values of a migration, but a quote in one of them breaks the statement."""
    code = "from alembic import op\n\ndef upgrade():\n    for size in (1, 2):\n        op.execute(f{sql!r})\n"
    numbers, names = "DELETE FROM users WHERE id < {size}", "DELETE FROM users WHERE name = '{size}'"
    assert codes(code.format(sql=numbers)) == []
    assert codes(code.format(sql=names)) == ["CGL601"]
    assert codes(code.format(sql=numbers).replace("alembic", "elsewhere")) == ["CGL601"]


@pytest.mark.parametrize(
    ("code", "replacement"),
    [
        ("from datetime import datetime\nx = datetime.utcnow()", "datetime.now(UTC)"),
        ("from datetime import datetime as dt\nx = dt.utcnow()", "dt.now(UTC)"),
        ("import datetime\nx = datetime.datetime.utcnow()", "datetime.datetime.now(datetime.UTC)"),
        ("import datetime as d\nx = f(default=d.datetime.utcnow)", "lambda: d.datetime.now(d.UTC)"),
        ("from datetime import datetime\nx = datetime.utcfromtimestamp(5)", "datetime.fromtimestamp(5, UTC)"),
    ],
)
def test_naive_time_is_found(code: str, replacement: str) -> None:
    (finding,) = lint(code)
    assert (finding.code, finding.replacement) == ("CGL602", replacement)


AWARE, NAIVE = "lambda: datetime.now(UTC)", "lambda: datetime.now(UTC).replace(tzinfo=None)"


@pytest.mark.parametrize(
    ("declaration", "replacement", "is_fixable"),
    [
        ("x = Column(DateTime, default=datetime.utcnow)", NAIVE, True),
        ("x = sa.Column(sa.DateTime(), onupdate=datetime.utcnow)", NAIVE, True),
        ("x: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=False), default=datetime.utcnow)", NAIVE, True),
        ("x: NaiveDatetime = Field(default_factory=datetime.utcnow)", NAIVE, True),
        ("x: datetime = Field(default_factory=datetime.utcnow, sa_type=DateTime)", NAIVE, True),
        ("x = Column(DateTime(timezone=True), default=datetime.utcnow)", AWARE, True),
        ("x: datetime = Field(sa_column=Column(DateTime(timezone=True), default=datetime.utcnow))", AWARE, True),
        ("x: datetime = Field(default_factory=datetime.utcnow)", AWARE, True),
        ("x: Mapped[datetime] = mapped_column(default=datetime.utcnow)", AWARE, False),
    ],
)
def test_default_of_a_column_keeps_the_zone_of_its_column(declaration: str, replacement: str, is_fixable: bool) -> None:
    """A column without time zone takes no aware value: asyncpg refuses it."""
    (found,) = lint(f"from datetime import UTC, datetime\nclass Model(Base):\n    {declaration}\n")
    assert found.replacement == replacement
    assert bool(found.edits) is is_fixable
    assert ("interpreted as local time" in found.message) is (replacement == AWARE)


def test_other_utcnow_is_fine() -> None:
    assert codes("from discord.utils import datetime\nx = datetime.utcnow()\nself.utcnow()\n") == []


def test_unbounded_find_all_is_fine_in_tests() -> None:
    code = in_function("return await db.user.find_all()")
    assert codes(code) == ["CGL203"]
    assert codes(code, path="tests/test_users.py") == []
    assert codes(code, path="app/conftest.py") == []


def test_row_that_is_changed_in_memory_and_written_back_is_found() -> None:
    code = "user = await db.user.get_by_id(1)\nuser.points += 5\nawait db.user.update_by_id(1, points=user.points)"
    (finding,) = lint(in_function(code))
    assert finding.replacement == "await db.user.update_by_id(1, points=db.user.c.points + 5)"
    assert codes(in_function(code.replace("user.points += 5\n", ""))) == []


def test_parameters_annotated_as_rows_are_rows() -> None:
    code = in_function("for user in users:\n    await db.case.find_by_user_id(user.id)", "db, users: list[User]")
    assert codes(code) == ["CGL201"]
    assert codes(code.replace("list[User]", "list[discord.Member]")) == []


def test_function_of_a_read_value_is_replaced_by_a_sql_function() -> None:
    code = "user = await db.user.get_by_id(1)\nawait db.user.update_by_id(1, points=max(0, user.points - 5), x=1)"
    (finding,) = lint(in_function(code))
    assert finding.replacement == "await db.user.update_by_id(1, points=func.greatest(0, db.user.c.points - 5), x=1)"


def test_calls_that_are_expected_to_raise_are_fine() -> None:
    code = "with pytest.raises(TypeError):\n    db.user.find_all(colour='red')"
    assert codes(in_function(code)) == []
    assert codes(in_function(code.replace("pytest.raises(TypeError)", "suppress(TypeError)"))) == ["CGL403"]


def test_all_methods_of_selections_are_known() -> None:
    assert {name for name in dir(Selection) if not name.startswith("_")} == SELECTION


OF_NO_ROWS = {"c", "db", "model", "using", "uncached", "invalidate"}
"""Members of controllers that neither read nor write rows."""


@pytest.mark.parametrize("name", [name for name in generated.__all__ if name.endswith("Controller")])
def test_every_emitted_method_is_known(name: str) -> None:
    controller = getattr(generated, name)
    methods = {method for method in dir(controller) if not method.startswith("_")} - OF_NO_ROWS
    assert methods
    for method in methods:
        assert READ.match(method) or WRITE.match(method) or LINKER.match(method), method
        assert iscoroutinefunction(getattr(controller, method)) is not bool(FINDER.match(method)), method


@pytest.mark.parametrize("name", ["get_by_", "find", "find_active", "created", "settings", "reupsert_by_id"])
def test_other_names_are_not_known(name: str) -> None:
    assert not any(pattern.match(name) for pattern in (READ, WRITE, LINKER))
