"""How rows of the reference models behave in a real PostgreSQL: defaults, checks, keys, cascades."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import Table, func, insert, inspect, literal_column, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from models import (
    Afk,
    Base,
    Case,
    CaseType,
    Guild,
    GuildConfig,
    Levels,
    PermissionRank,
    PointsTransaction,
    Reminder,
    Snippet,
    Starboard,
    StarboardMessage,
    Tag,
    User,
)
from tests.models.conftest import member

LATER = datetime(2030, 1, 1, 12, tzinfo=UTC)


def table(name: str) -> Table:
    return Base.metadata.tables[name]


def case(ada: User, grace: User, **values: Any) -> Case:
    chosen = {"guild_id": ada.guild_id, "number": 1, "type": CaseType.WARN, **values}
    return Case(moderator_id=ada.id, target_id=grace.id, **chosen)


def reminder(user: User, key: str = "tea", **values: Any) -> Reminder:
    return Reminder(user_id=user.id, key=key, channel_id=5, content="tea", expires_at=LATER, **values)


async def violates(session: AsyncSession, constraint: str, row: Base) -> None:
    """Check that adding the row violates this constraint, and that the transaction continues."""
    savepoint = await session.begin_nested()
    session.add(row)
    with pytest.raises(IntegrityError, match=constraint):
        await session.flush()
    await savepoint.rollback()


async def test_row_inserted_by_sql_has_the_server_defaults(session: AsyncSession, guild: Guild) -> None:
    written = text("INSERT INTO users (discord_id, guild_id, username) VALUES (9, :guild, 'bob') RETURNING *")
    row = (await session.execute(written, {"guild": guild.id})).one()
    assert (row.points, row.is_active, row.updated_at) == (0, True, None)
    assert abs(datetime.now(UTC) - row.created_at) < timedelta(minutes=5)


async def test_python_and_server_agree_on_defaults(session: AsyncSession) -> None:
    defaults = text("SELECT column_default FROM information_schema.columns WHERE (table_name, column_name) = (:t, :c)")
    checked: set[str] = set()
    for model in (Guild, GuildConfig, User, Case, Reminder, Levels, Snippet):
        mapper = inspect(model)
        for column in mapper.local_table.columns:
            if column.server_default is None or column.name in {"created_at", "last_message_at"}:  # the present moment
                continue
            stored = await session.scalar(defaults, {"t": mapper.local_table.name, "c": column.name})
            field = model.model_fields[mapper.get_property_by_column(column).key]
            server = await session.scalar(select(literal_column(stored, column.type)))
            assert server == field.get_default(call_default_factory=True), column
            checked.add(str(column))
    assert {"users.points", "cases.metadata", "guild_configs.prefix", "levels.xp", "reminders.sent"} < checked


async def test_updated_at_is_set_by_an_update_and_not_before(session: AsyncSession, ada: User) -> None:
    assert ada.updated_at is None
    ada.points = 5
    await session.flush()
    await session.refresh(ada)
    assert ada.updated_at is not None
    assert ada.updated_at.utcoffset() == timedelta(0)


async def test_naive_datetime_is_refused(session: AsyncSession, ada: User) -> None:
    naive = reminder(ada)
    naive.expires_at = LATER.replace(tzinfo=None)
    session.add(naive)
    with pytest.raises(Exception, match="timezone"):
        await session.flush()


async def test_datetimes_intervals_arrays_and_json_round_trip(session: AsyncSession, ada: User, grace: User) -> None:
    daily = reminder(ada, repeats_every=timedelta(days=1, microseconds=7))
    settings = GuildConfig(guild_id=ada.guild_id, ignored_channel_ids=[1 << 62, 2], banned_words=["é", ""])
    opened = case(ada, grace, details={"messages": [1 << 60], "note": None}, expires_at=LATER)
    session.add_all([daily, settings, opened])
    await session.flush()
    for row in (daily, settings, opened):
        await session.refresh(row)
    assert (daily.expires_at, daily.repeats_every) == (LATER, timedelta(days=1, microseconds=7))
    assert (settings.ignored_channel_ids, settings.banned_words) == ([1 << 62, 2], ["é", ""])
    assert (opened.details, opened.type) == ({"messages": [1 << 60], "note": None}, CaseType.WARN)


async def test_details_are_the_column_metadata(session: AsyncSession, ada: User, grace: User) -> None:
    session.add(case(ada, grace, details={"why": "spam"}))
    await session.flush()
    assert await session.scalar(text("SELECT metadata ->> 'why' FROM cases")) == "spam"


async def test_username_must_not_be_blank() -> None:
    required = {"discord_id": 1, "guild_id": 1}
    assert User.model_validate({**required, "username": "  ada "}).username == "ada"
    for wrong in ("", "   ", "a" * 101):
        with pytest.raises(ValidationError):
            User.model_validate({**required, "username": wrong})


async def test_points_never_fall_below_zero(session: AsyncSession, guild: Guild) -> None:
    poor = User(guild_id=guild.id, discord_id=7, username="bob", points=-1)
    await violates(session, "ck_users_points_not_negative", poor)


async def test_discord_id_of_a_user_is_unique(session: AsyncSession, ada: User) -> None:
    again = User(guild_id=ada.guild_id, discord_id=ada.discord_id, username="ada again")
    await violates(session, "uq_users_discord_id", again)


async def test_case_numbers_are_positive_and_unique_in_their_guild(
    session: AsyncSession, ada: User, grace: User
) -> None:
    other = Guild(id=2, name="Differences")
    session.add_all([other, case(ada, grace)])
    await session.flush()
    await violates(session, "uq_cases_guild_id_number", case(ada, grace))
    await violates(session, "ck_cases_number_positive", case(ada, grace, number=0))
    session.add(case(ada, grace, guild_id=other.id))
    await session.flush()


async def test_case_has_relationships_to_moderator_and_target(session: AsyncSession, ada: User, grace: User) -> None:
    opened = case(ada, grace)
    session.add(opened)
    await session.flush()
    for user in (ada, grace):
        await session.refresh(user, ["cases", "moderated_cases"])
    assert (ada.moderated_cases, ada.cases) == ([opened], [])
    assert (grace.moderated_cases, grace.cases) == ([], [opened])


async def test_user_with_cases_can_only_be_deleted_with_the_guild(
    session: AsyncSession, guild: Guild, ada: User, grace: User
) -> None:
    session.add(case(ada, grace))
    await session.flush()
    savepoint = await session.begin_nested()
    with pytest.raises(IntegrityError, match="fk_cases_target_id"):
        await session.execute(text("DELETE FROM users WHERE username = 'grace'"))
    await savepoint.rollback()
    await session.execute(text("DELETE FROM guilds WHERE id = :id"), {"id": guild.id})
    assert await session.scalar(text("SELECT count(*) FROM users")) == 0
    assert await session.scalar(text("SELECT count(*) FROM cases")) == 0


async def test_fee_is_computed_by_the_database(session: AsyncSession, ada: User, grace: User) -> None:
    paid = PointsTransaction(sender_id=ada.id, receiver_id=grace.id, amount=2**31 - 1, fee_rate=Decimal("0.9999"))
    session.add(paid)
    await session.flush()
    await session.refresh(paid)
    assert paid.fee == (2**31 - 1) * Decimal("0.9999")


async def test_points_transaction_needs_two_members_and_an_amount(
    session: AsyncSession, ada: User, grace: User
) -> None:
    def paid(**values: Any) -> PointsTransaction:
        return PointsTransaction(**{"sender_id": ada.id, "receiver_id": grace.id, "amount": 1, **values})

    await violates(session, "ck_points_transactions_two_members", paid(receiver_id=ada.id))
    await violates(session, "ck_points_transactions_amount_positive", paid(amount=0))
    key = uuid4()
    session.add(paid(id=key))
    await session.flush()
    session.expunge_all()
    await violates(session, "pk_points_transactions", paid(id=key))


async def test_keys_of_pending_reminders_are_unique(session: AsyncSession, ada: User, grace: User) -> None:
    session.add_all([reminder(ada), reminder(ada, sent=True), reminder(ada, sent=True), reminder(grace)])
    await session.flush()
    await violates(session, "uq_reminder_pending", reminder(ada))


async def test_snippet_names_are_unique_without_regard_to_case(session: AsyncSession, guild: Guild) -> None:
    session.add(Snippet(guild_id=guild.id, name="FAQ"))
    await session.flush()
    await violates(session, "uq_snippets_guild_id_lower_name", Snippet(guild_id=guild.id, name="faq"))


async def test_snippet_outlives_its_author_but_an_alias_does_not_outlive_its_target(
    session: AsyncSession, guild: Guild, ada: User
) -> None:
    faq = Snippet(guild_id=guild.id, author_id=ada.id, name="faq", content="Read it.", tags=[Tag(name="help")])
    faq.aliases = [Snippet(guild_id=guild.id, name="help")]
    session.add(faq)
    await session.flush()
    await session.execute(text("DELETE FROM users"))
    await session.refresh(faq, ["author_id", "aliases", "tags"])
    assert faq.author_id is None
    assert [alias.name for alias in faq.aliases] == ["help"]
    assert [tag.name for tag in faq.tags] == ["help"]
    await violates(session, "ck_snippets_no_alias_of_itself", Snippet(id=99, target_id=99, guild_id=guild.id, name="x"))
    await session.delete(faq)
    await session.flush()
    for emptied in ("snippets", "snippet_tags"):
        assert await session.scalar(select(func.count()).select_from(table(emptied))) == 0
    assert await session.scalar(select(func.count()).select_from(table("tags"))) == 1


async def test_rank_is_between_0_and_100(session: AsyncSession, guild: Guild) -> None:
    await violates(session, "ck_permission_ranks_rank_range", PermissionRank(guild_id=guild.id, rank=101, name="owner"))


async def test_deleting_a_guild_deletes_all_its_rows(session: AsyncSession, guild: Guild, ada: User) -> None:
    session.add_all(
        [
            Afk(guild_id=guild.id, member_id=1, reason="tea"),
            Levels(guild_id=guild.id, member_id=1),
            PermissionRank(guild_id=guild.id, rank=1, name="member"),
            Starboard(guild_id=guild.id, channel_id=1),
        ]
    )
    await session.flush()
    session.add(StarboardMessage(message_id=1, guild_id=guild.id, author_id=ada.discord_id, posted_id=2))
    await session.flush()
    await session.delete(guild)
    await session.flush()
    for name in ("afks", "levels", "permission_ranks", "starboards", "starboard_messages", "users"):
        assert await session.scalar(select(func.count()).select_from(table(name))) == 0, name


async def test_link_needs_both_ends(session: AsyncSession, guild: Guild) -> None:
    with pytest.raises(IntegrityError, match="fk_snippet_tags"):
        await session.execute(insert(table("snippet_tags")).values(snippet_id=1, tag_id=1))


async def test_ids_of_users_are_generated_by_the_database(session: AsyncSession, guild: Guild) -> None:
    first = await member(session, guild, discord_id=11, username="a")
    second = await member(session, guild, discord_id=12, username="b")
    assert first.id is not None
    assert second.id == first.id + 1
