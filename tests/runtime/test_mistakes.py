"""Mistakes of callers: each raises an error that says what to do, and breaks nothing else."""

from __future__ import annotations

import asyncio
import copy
import re
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    AnyOf,
    Database,
    InvalidValueError,
    NotNullViolation,
    RefusedError,
    Selection,
    Span,
    TransactionError,
    UniqueViolation,
    ValidationError,
)

from tests.runtime.models import Case, Guild, User


def values(n: int = 1, **more: Any) -> Any:
    return {"discord_id": n, "guild_id": 1, "name": f"u{n}", **more}


@pytest.mark.parametrize("bad", [2**80, "x", object()])
async def test_value_refused_by_the_driver_leaves_the_connection_usable(url: str, db: Database, bad: Any) -> None:
    async with Database(url, pool_size=1, max_overflow=0) as single:
        with pytest.raises(InvalidValueError):
            await single.guild.get_by_id(bad)
        async with single.transaction(isolation="SERIALIZABLE"):
            assert await single.guild.find_all().count() == 1
        async with single.transaction():
            assert await single.guild.find_all().count() == 1


async def test_condition_on_another_model_is_refused(db: Database) -> None:
    await db.user.create(**values())
    others: Any = User.name == "u1"
    for call in (
        lambda: db.guild.delete_where(others),
        lambda: db.guild.find_all(others),
        lambda: db.guild.find_all(order_by=User.name),  # type: ignore[arg-type]  # untyped callers do this
        lambda: db.user.update_by_id(1, guild_id=Guild.id + 1),  # type: ignore[arg-type]  # untyped callers do this
    ):
        with pytest.raises(TypeError, match="can only use its own columns"):
            result = call()
            await result  # type: ignore[misc]  # a selection or a call
    assert await db.guild.find_all().count() == 1


async def test_condition_through_a_relationship_is_accepted(db: Database) -> None:
    await db.user.create(**values())
    condition: Any = sa.inspect(Guild).relationships["users"].class_attribute.any(name="u1")
    assert len(await db.guild.find_all(condition)) == 1
    assert await db.guild.delete_where(~condition) == 0


async def test_call_after_an_error_in_a_transaction_says_what_to_do(db: Database) -> None:
    with pytest.raises(TransactionError, match="ended the transaction"):
        async with db.transaction():
            with pytest.raises(UniqueViolation):
                await db.guild.create(id=1, name="again")
            with pytest.raises(TransactionError, match="their own block"):
                await db.guild.find_all().count()


async def test_misspelt_value_gets_a_suggestion(db: Database) -> None:
    with pytest.raises(ValidationError, match="nam is unknown; did you mean name"):
        await db.guild.create(id=2, nam="x")  # type: ignore[call-arg]  # misspelt


async def test_new_row_cannot_use_expressions_of_its_columns(db: Database) -> None:
    with pytest.raises(ValidationError, match="points cannot refer to columns"):
        await db.user.create(**values(points=User.points + 1))
    assert (await db.user.create(**values(points=sa.func.abs(-5)))).points == 5


async def test_loader_requires_a_list_of_its_model(db: Database) -> None:
    user = await db.user.create(**values())
    with pytest.raises(TypeError, match=r"for a single object, load_cases\(\[object\]\)"):
        await db.user.load_cases(user)  # type: ignore[arg-type]  # a single object
    with pytest.raises(TypeError, match="takes objects of User, not Case"):
        await db.user.load_cases([Case(number=1)])  # type: ignore[list-item]  # an object of another model


@pytest.mark.parametrize("wrong", ["points", 5, None])
async def test_order_must_be_an_expression(db: Database, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"order_by takes columns or expressions such as c\.points\.desc\(\), not"):
        await db.user.find_all().order_by(wrong)


async def test_limit_applies_to_every_ending_of_a_selection(db: Database) -> None:
    await db.user.create_many([values(n) for n in range(1, 4)])
    selection: Selection[User, Any] = db.user.find_all()
    assert await selection.limit(0).first() is None
    last = await selection.order_by(db.user.c.id.desc()).limit(1).one()
    assert last.discord_id == 3
    assert await selection.limit(2).update({}) == 2
    with pytest.raises(TypeError, match="every row"):
        await selection.update({})


async def test_span_accepts_expressions(db: Database) -> None:
    await db.user.create_many([values(n, points=n) for n in range(1, 4)])
    assert await db.user.find_all(points=Span(ge=db.user.c.discord_id - 1, lt=sa.literal(3))).count() == 2
    assert await db.user.find_all(points=db.user.c.discord_id).count() == 3


async def test_skip_locked_applies_to_update_and_delete(url: str, db: Database) -> None:
    await db.user.create_many([values(n) for n in range(1, 3)])
    async with Database(url) as other, db.transaction(), other.transaction():
        assert len(await db.user.find_all(id=1).for_update()) == 1
        assert await other.user.find_all().for_update(skip_locked=True).update({"points": 1}, all_rows=True) == 1


async def test_errors_of_the_callers_own_session_are_translated(db: Database) -> None:
    with pytest.raises(UniqueViolation) as caught:
        async with db.transaction() as session:
            session.add(Guild(id=1, name="secret"))
            await db.user.find_all().count()
    assert "secret" not in str(caught.value)


async def test_none_key_finds_no_row(db: Database) -> None:
    await db.user.create_many([values(1), values(2)])
    nothing: Any = None
    assert await db.user.get_by_id(nothing) is None
    assert await db.user.update_by_id(nothing, points=5) is None
    assert await db.user.delete_by_id(nothing) is False
    assert await db.user.count(points=0) == 2


@pytest.mark.parametrize("several", [AnyOf([1, 2]), Span(ge=0)])
async def test_key_must_be_one_value(db: Database, several: Any) -> None:
    await db.user.create_many([values(1), values(2)])
    for method in (db.user.get_by_id, db.user.delete_by_id):
        with pytest.raises(TypeError, match="id is a key: it takes one value"):
            await method(several)
    assert await db.user.count() == 2


async def test_bulk_calls_require_dicts_and_complete_keys(db: Database) -> None:
    wrong: Any = [User(discord_id=1)]
    for call in (db.user.create_many, db.user.upsert_many, db.user.bulk_update):
        with pytest.raises(TypeError, match="a row is a dict of its values, not User"):
            await call(wrong)
    with pytest.raises(
        TypeError, match=r"^delete_many: the primary keys of Level are tuples \(guild_id, member_id\), not \(int\)$"
    ):
        await db.level.delete_many([1])


@pytest.mark.parametrize(("key", "types"), [([1], "list"), ((1, 2), "int, int"), (([1],), "list"), ({1}, "set")])
async def test_key_of_a_bulk_call_must_be_one_value(db: Database, key: Any, types: str) -> None:
    wrong = rf"the primary keys of User are values of id, not \({types}\)$"
    with pytest.raises(TypeError, match=f"^delete_many: {wrong}"):
        await db.user.delete_many([key])
    with pytest.raises(TypeError, match=f"^update_many: {wrong}"):
        await db.user.update_many([(key, {"points": 1})])


async def test_list_inside_a_composite_key_is_refused(db: Database) -> None:
    wrong: Any = (1, [2])
    with pytest.raises(TypeError, match=r"^delete_many: .* tuples \(guild_id, member_id\), not \(int, list\)$"):
        await db.level.delete_many([wrong])


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"id": 1, "points": 3}, "dict"),
        (1, "int"),
        ((1, 2), "(int, int)"),
        ((1,), "(int)"),
        ("ab", "str"),
        ((1, {}, {}), "(int, dict, dict)"),
    ],
)
async def test_update_many_requires_pairs(db: Database, row: Any, shape: str) -> None:
    wrong = rf"update_many takes pairs \[\(key, {{\.\.\.}}\)\], not {re.escape(shape)}; bulk_update takes dicts"
    with pytest.raises(TypeError, match=wrong):
        await db.user.update_many([row])


async def test_upsert_many_requires_a_unique_key(db: Database) -> None:
    with pytest.raises(ValueError, match="key must be a unique key of User: discord_id; id; lower_name"):
        await db.user.upsert_many([values()], key=["points"])


async def test_upsert_many_returns_the_final_state_of_a_repeated_row(db: Database) -> None:
    first, second = await db.user.upsert_many([values(1, points=1), values(1, points=2)], key=["discord_id"])
    assert first is second
    assert first.points == 2


async def test_span_without_bounds_is_refused(db: Database) -> None:
    """Otherwise a bound that happens to be None would select every row."""
    await db.user.create(**values())
    assert await db.user.find_all(points=Span(lt=None)).count() == 1
    with pytest.raises(TypeError, match="every row"):
        await db.user.find_all(points=Span(lt=None)).delete()


async def test_limit_must_be_an_integer(db: Database) -> None:
    with pytest.raises(ValueError, match="limit must not be negative"):
        db.user.find_all().limit(-1)
    with pytest.raises(TypeError, match="offset takes a whole number, not '3'"):
        db.user.find_all().offset("3")  # type: ignore[arg-type]


async def test_selection_has_no_truth_value(db: Database) -> None:
    with pytest.raises(TypeError, match="await it, or call its exists"):
        assert db.user.find_all()


async def test_misspelt_name_gets_a_suggestion(db: Database) -> None:
    with pytest.raises(TypeError, match="no column 'pionts' to filter by; did you mean points"):
        db.user.find_all(pionts=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r'key takes a list of attributes: \["discord_id"\]'):
        await db.user.upsert_many([values()], key="discord_id")
    with pytest.raises(TypeError, match=r"sum takes columns such as c\.points, not 'points'"):
        await db.user.find_all().sum("points")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="id is the primary key, which cannot be changed"):
        await db.user.update_by_id(1, id=2)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="retries must not be negative"):
        await db.run(lambda _: asyncio.sleep(0), retries=-1)


async def test_json_column_cannot_be_compared(db: Database) -> None:
    with pytest.raises(TypeError, match="settings is json, which PostgreSQL cannot compare"):
        db.guild.find_all(settings={"a": 1})
    assert await db.guild.find_all(settings=None).count() == 1


async def test_partial_index_cannot_be_the_key_of_upsert_many(db: Database) -> None:
    assert await db.afk.upsert_many([{"member_id": 1}]) != []
    with pytest.raises(ValueError, match="key must be a unique key of Afk: id"):
        await db.afk.upsert_many([{"member_id": 1}], key=["member_id"])


@pytest.mark.parametrize(
    "use", [iter, len, list, lambda users: users[0], lambda users: 1 in users], ids=["iter", "len", "list", "[0]", "in"]
)
async def test_selection_that_is_not_awaited_has_no_rows(db: Database, use: Any) -> None:
    with pytest.raises(TypeError, match="await the selection, or use `async for`"):
        use(db.user.find_all())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("all", "`await` already returns a list"),
        ("scalars", "`await` already returns a list"),
        ("frist", "did you mean first"),
        ("discord_id", "await the selection, and read it from the rows"),
    ],
)
async def test_selection_says_how_to_get_its_rows(db: Database, name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=hint):
        getattr(db.user.find_all(), name)
    assert not hasattr(db.user.find_all(), "__length_hint__")


async def test_column_that_the_database_lacks_needs_a_migration(db: Database) -> None:
    async with db.session() as session:
        await session.execute(sa.text("ALTER TABLE users RENAME COLUMN points TO score"))
    try:
        with pytest.raises(RefusedError, match=r"column .*points does not exist; run the migrations"):
            await db.user.find_all()
    finally:
        async with db.session() as session:
            await session.execute(sa.text("ALTER TABLE users RENAME COLUMN score TO points"))


async def test_required_column_that_the_model_lacks_is_named(db: Database) -> None:
    async with db.session() as session:
        await session.execute(sa.text("ALTER TABLE users ADD COLUMN pages INTEGER NOT NULL"))
    try:
        with pytest.raises(NotNullViolation, match="column pages is NOT NULL, and User does not declare it"):
            await db.user.create(**values())
    finally:
        async with db.session() as session:
            await session.execute(sa.text("ALTER TABLE users DROP COLUMN pages"))


async def test_misspelt_columns_and_methods_get_a_suggestion(db: Database) -> None:
    names: Any = db.user
    for name, hint in (
        ("get_by_discrod_id", "did you mean get_by_discord_id?"),
        ("update_by_discrod_id", "did you mean update_by_discord_id?"),
        ("get_by_nmae", "'nmae' is not a column; did you mean name?"),
        ("get_by_points", "points was no unique key when this package was generated; if it is one now, run"),
        ("find_by_points_and_name", "points_and_name was no index when this package was generated"),
        ("filter", "to query rows, use find_all"),
    ):
        with pytest.raises(AttributeError, match=re.escape(hint)):
            getattr(names, name)
    with pytest.raises(AttributeError, match=re.escape("User has no column 'naem'; did you mean name?")):
        _ = names.c.naem
    assert copy.deepcopy(db.user.c).name is User.name


async def test_keywords_that_finders_do_not_take_are_explained(db: Database) -> None:
    user: Any = db.user
    for call, hint in (
        (lambda: user.find_all({"name": "x"}), "as keywords (name=...)"),
        (lambda: user.find_all(filters={"name": "x"}), "as keywords (name=...)"),
        (lambda: user.find_all(load=["guild"]), "finders load with .load(...)"),
    ):
        with pytest.raises(TypeError, match=re.escape(hint)):
            call()


@pytest.mark.parametrize(
    ("key", "types"), [("1", "expected int, got str"), (b"1", "expected int, got bytes"), (2**80, "its column$")]
)
async def test_key_of_another_type_is_reported_with_both_types(db: Database, key: Any, types: str) -> None:
    with pytest.raises(InvalidValueError, match=types):
        await db.guild.get_by_id(key)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql://bot:p@ss@localhost/bot", "percent-encode"),
        ("localhost/bot", "does not begin with postgresql://"),
        ("localhost:5432/bot", "does not begin with postgresql://"),
        ("bot@localhost/bot", "does not begin with postgresql://"),
        ("mysql://localhost/bot", "does not begin with postgresql://"),
    ],
)
def test_invalid_address_is_explained(url: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        Database(url)
    assert Database("postgresql+psycopg://bot@localhost/bot").url == "postgresql://bot@localhost/bot"
