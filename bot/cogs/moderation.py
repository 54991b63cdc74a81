"""Moderation: actions against members, and the cases that record them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

import discord
from discord.ext import commands, tasks
from typing_extensions import override

from bot.cogs.base import MODERATOR, BaseCog, ranked
from bot.context import Context
from bot.controllers.errors import RuleError
from bot.durations import Duration
from bot.pager import Pager, Sheet
from generated import DatabaseError
from models import Case, CaseType, User

_log = logging.getLogger(__name__)

PAGE = 5
Reason = commands.Range[str, 1, 500]
"""The limit of Discord's audit log. A longer reason is refused before the action."""
LONGEST_TIMEOUT = timedelta(days=28)  # the limit of Discord


class UntouchableError(RuleError):
    """The target's top role is at least as high as that of the moderator."""


class ModerationCog(BaseCog, name="Moderation"):
    """Discord acts before the case is opened, so an action that Discord refuses has no case."""

    @override
    async def cog_load(self) -> None:
        self.lift_expired.start()

    @override
    async def cog_unload(self) -> None:
        self.lift_expired.cancel()

    @commands.command(extras=ranked(MODERATOR))
    async def ban(self, ctx: Context, target: discord.Member, time: Duration | None, *, reason: Reason = "") -> None:
        """Ban a member, for some time or permanently."""
        moderator, user = await self.parties(ctx, target)
        await self.db.case.check_not_in_force(ctx.server.id, CaseType.BAN, user)
        await target.ban(reason=reason)
        await self.record(ctx, CaseType.BAN, moderator, user, reason, until=end_of(time))

    @commands.command(extras=ranked(MODERATOR))
    async def kick(self, ctx: Context, target: discord.Member, *, reason: Reason = "") -> None:
        """Remove a member from the guild; they may join again."""
        moderator, user = await self.parties(ctx, target)
        await target.kick(reason=reason)
        await self.record(ctx, CaseType.KICK, moderator, user, reason)

    @commands.command(extras=ranked(MODERATOR))
    async def warn(self, ctx: Context, target: discord.Member, *, reason: Reason) -> None:
        """Warn a member."""
        moderator, user = await self.parties(ctx, target)
        await self.record(ctx, CaseType.WARN, moderator, user, reason)

    @commands.command(extras=ranked(MODERATOR))
    async def timeout(self, ctx: Context, target: discord.Member, time: Duration, *, reason: Reason = "") -> None:
        """Time a member out for some time."""
        if time > LONGEST_TIMEOUT:
            raise commands.BadArgument("Discord allows 28 days.")
        moderator, user = await self.parties(ctx, target)
        until = discord.utils.utcnow() + time
        await target.timeout(until, reason=reason)
        await self.record(ctx, CaseType.TIMEOUT, moderator, user, reason, until=until)

    @commands.command(extras=ranked(MODERATOR))
    async def jail(self, ctx: Context, target: discord.Member, time: Duration | None, *, reason: Reason = "") -> None:
        """Remove all roles of a member except the jail role."""
        config = await self.db.guild_config.get_one_by_guild_id(ctx.server.id)
        if (role := ctx.server.get_role(config.jail_role_id or 0)) is None:
            raise commands.BadArgument("There is no jail: set its role with `jailrole`.")
        moderator, user = await self.parties(ctx, target)
        await self.db.case.check_not_in_force(ctx.server.id, CaseType.JAIL, user)
        until = end_of(time)
        removed = [each.id for each in target.roles if each.is_assignable()]
        kept = [each for each in target.roles if each.id not in removed and not each.is_default()]
        await target.edit(roles=[*kept, role], reason=reason)
        details = {"roles": removed}
        await self.record(ctx, CaseType.JAIL, moderator, user, reason, until=until, details=details)

    @commands.command(extras=ranked(MODERATOR))
    async def lift(self, ctx: Context, number: int) -> None:
        """Lift a ban, a timeout or a jail before it expires."""
        case = await self.db.case.get_one_by_guild_id_and_number(ctx.server.id, number, load=["target"])
        await self.undo(case)
        await ctx.answer(f"Case #{case.number} is closed.")

    @commands.command(extras=ranked(MODERATOR))
    async def reason(self, ctx: Context, number: int, *, reason: Reason) -> None:
        """Change the reason of a case."""
        await self.db.case.update_one_by_guild_id_and_number(ctx.server.id, number, reason=reason)
        await ctx.answer(f"Case #{number}: {reason}")

    @commands.command(extras=ranked(MODERATOR))
    async def history(self, ctx: Context, target: discord.Member) -> None:
        """Show the cases of a member, in pages."""
        user = await self.meet(target)

        async def fetch(cursor: str | None) -> Sheet:
            page = await self.db.case.history(ctx.server.id, user, size=PAGE, after=cursor)
            return Sheet([describe(case) for case in page.items], page.next)

        await Pager.show(ctx, f"Cases of {target.name}", fetch)

    async def parties(self, ctx: Context, target: discord.Member) -> tuple[User, User]:
        """Return the stored moderator and target; raise if the moderator's role is not above the target's."""
        if target == ctx.server.owner or (ctx.member != ctx.server.owner and target.top_role >= ctx.member.top_role):
            raise UntouchableError(f"{target.name} is not below you.")
        return await self.meet(ctx.member), await self.meet(target)

    async def record(
        self,
        ctx: Context,
        type_: CaseType,
        moderator: User,
        target: User,
        reason: str,
        *,
        until: datetime | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Open the case, and announce it here and in the moderation log."""
        case = await self.db.case.open(
            ctx.server.id,
            type_,
            moderator=moderator,
            target=target,
            reason=reason or None,
            expires_at=until,
            details=details,
        )
        text = f"#{case.number} {case.type}: {moderator.username} → {target.username}, {case.reason or 'no reason'}"
        await ctx.answer(text)
        config = await self.db.guild_config.get_by_guild_id(ctx.server.id)
        log = ctx.server.get_channel(config.mod_log_id or 0) if config else None
        if isinstance(log, discord.TextChannel):
            await log.send(text)

    @tasks.loop(seconds=30)
    async def lift_expired(self) -> None:
        """Lift expired cases; if the database cannot be reached, try again in the next round."""
        try:
            await self.lift_all()
        except DatabaseError:
            _log.exception("expired cases have to wait")

    @lift_expired.before_loop
    async def until_ready(self) -> None:
        """Wait until the bot knows its guilds."""
        await self.bot.wait_until_ready()

    async def lift_all(self) -> None:
        """Lift expired cases; a case that Discord refuses to lift stays in force until the next round."""
        for case in await self.db.case.expired(discord.utils.utcnow(), [guild.id for guild in self.bot.guilds]):
            try:
                await self.undo(case)
            except discord.HTTPException:
                _log.exception("case %s of guild %s could not be lifted", case.number, case.guild_id)

    async def undo(self, case: Case) -> None:
        """Undo the case at Discord, which can be repeated safely, and then close it."""
        try:
            if guild := self.bot.get_guild(case.guild_id):
                await undo_at_discord(guild, case)
        except discord.NotFound:  # the member has left, or another process was faster
            _log.info("case %s of guild %s had been undone", case.number, case.guild_id)
        await self.db.case.close(case)


async def undo_at_discord(guild: discord.Guild, case: Case) -> None:
    """Undo the action of a case at Discord; a timeout that has expired needs no action."""
    reason = f"case #{case.number} is over"
    if case.type is CaseType.BAN:
        await guild.unban(discord.Object(case.target.discord_id), reason=reason)
        return
    member = guild.get_member(case.target.discord_id) or await guild.fetch_member(case.target.discord_id)
    if case.type is CaseType.JAIL:
        roles = [role for role in map(guild.get_role, case.details.get("roles", [])) if role and role.is_assignable()]
        await member.edit(roles=roles, reason=reason)
    elif case.type is CaseType.TIMEOUT and member.is_timed_out():
        await member.timeout(None, reason=reason)


def end_of(time: timedelta | None) -> datetime | None:
    """Return the end of a period that begins now, or None if it never ends."""
    return None if time is None else discord.utils.utcnow() + time


def describe(case: Case) -> str:
    """Return the line of a case in the history."""
    return f"#{case.number} {case.type} by {case.moderator.username}: {(case.reason or 'no reason')[:200]}"
