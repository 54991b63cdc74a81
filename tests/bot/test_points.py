"""Points: transfers, awards, and totals that add up."""

from __future__ import annotations

import asyncio

import pytest

from bot.controllers.errors import NotEnoughPointsError
from bot.standin import Account, Discord
from generated import Database


@pytest.fixture
async def rich(discord: Discord, db: Database, chen: Account, dora: Account) -> None:
    for account in (chen, dora):
        await db.user.create(discord_id=account.id, guild_id=account.server.id, username=account.name, points=100)


@pytest.mark.usefixtures("rich")
async def test_points_are_transferred(discord: Discord, db: Database, chen: Account, dora: Account) -> None:
    exchange = await discord.say(chen, f"!give {dora.mention} 30")
    assert exchange.said == ["chen gave dora 30 points."]
    assert (await discord.say(dora, "!points")).said == ["dora has 130 points."]
    assert await db.points_transaction.count() == 1


@pytest.mark.usefixtures("rich")
async def test_overdraft_transfers_nothing(discord: Discord, db: Database, chen: Account, dora: Account) -> None:
    exchange = await discord.say(chen, f"!give {dora.mention} 101")
    assert exchange.said == ["That did not work\nchen has fewer than 101 points."]
    assert await db.points_transaction.count() == 0
    with pytest.raises(NotEnoughPointsError):
        await db.points_transaction.transfer(
            await db.user.get_one_by_discord_id(chen.id), await db.user.get_one_by_discord_id(dora.id), 101
        )


@pytest.mark.usefixtures("rich")
async def test_opposite_concurrent_transfers_lose_nothing(
    discord: Discord, db: Database, chen: Account, dora: Account
) -> None:
    ways = [(chen, dora), (dora, chen)] * 15
    exchanges = await asyncio.gather(*(discord.say(a, f"!give {b.mention} 7") for a, b in ways))
    assert all("gave" in exchange.said[0] for exchange in exchanges)
    assert [user.points for user in await db.user.find_all()] == [100, 100]
    assert await db.points_transaction.count() == 30


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("!give {chen} 5", "You have them already."),
        ("!give {dora} 0", "value must be between 1 and 1000000 but received 0"),
        ("!give {dora} -5", "between 1 and"),
        ("!give {dora}", "amount is a required argument"),
        ("!give nobody 5", 'Member "nobody" not found.'),
    ],
)
async def test_mistakes_are_explained(
    text: str, answer: str, discord: Discord, db: Database, chen: Account, dora: Account
) -> None:
    exchange = await discord.say(chen, text.format(chen=chen.mention, dora=dora.mention))
    assert answer in exchange.said[0]
    assert await db.points_transaction.count() == 0


@pytest.mark.usefixtures("rich")
async def test_award_is_one_statement_for_all_members(
    discord: Discord, db: Database, brian: Account, chen: Account
) -> None:
    exchange = await discord.say(brian, f"!award <@&{chen.server.roles['member']}> 5")
    assert exchange.said == ["5 points each for members the bot knows: 2."]
    assert sum("UPDATE" in statement for statement in exchange.statements) == 1
    assert {user.points for user in await db.user.find_all()} == {105}


@pytest.mark.usefixtures("rich")
async def test_richest_members_are_paged(discord: Discord, db: Database, chen: Account) -> None:
    await db.user.create_many(
        [{"discord_id": n, "guild_id": chen.server.id, "username": f"u{n}", "points": n} for n in range(1, 12)]
    )
    shown = await discord.say(chen, "!richest")
    assert len(shown.said[0].splitlines()) == 12
    older = await discord.press(chen, shown.posted[-1], "Older")
    assert older.said[0].splitlines()[1:-1] == ["u3: 3", "u2: 2", "u1: 1"]
