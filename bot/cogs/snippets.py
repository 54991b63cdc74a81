"""Snippets: stored texts that the bot posts."""

from __future__ import annotations

from discord.ext import commands

from bot.cogs.base import MODERATOR, BaseCog, ranked
from bot.context import Context
from bot.controllers.errors import LockedSnippetError
from models import Snippet


class SnippetsCog(BaseCog, name="Snippets"):
    """Manages a guild's snippets."""

    @commands.command(aliases=["s"])
    async def snippet(self, ctx: Context, name: str) -> None:
        """Post a snippet."""
        snippet = await self.db.snippet.use(ctx.server.id, name)
        await ctx.send(snippet.content)

    @commands.command()
    async def addsnippet(self, ctx: Context, name: str, *, content: str) -> None:
        """Add a snippet."""
        snippet = await self.db.snippet.add(ctx.server.id, name, content, author=await self.meet(ctx.member))
        await ctx.answer(f"{snippet.name} is stored.")

    @commands.command()
    async def aliassnippet(self, ctx: Context, name: str, original: str) -> None:
        """Add an alias of a snippet."""
        alias = await self.db.snippet.alias(ctx.server.id, name, original, author=await self.meet(ctx.member))
        await ctx.answer(f"{alias.name} stands for {original}.")

    @commands.command()
    async def editsnippet(self, ctx: Context, name: str, *, content: str) -> None:
        """Change a snippet."""
        snippet = await self.db.snippet.edit(ctx.server.id, name, content)
        await ctx.answer(f"{snippet.name} is changed.")

    @commands.command()
    async def dropsnippet(self, ctx: Context, name: str) -> None:
        """Remove a snippet with its aliases, or a single alias."""
        snippet = await self.db.snippet.get_one_by_guild_id_and_lower_name(ctx.server.id, name.lower())
        if snippet.locked:
            raise LockedSnippetError(f"{snippet.name} is locked.")
        await self.db.snippet.delete_by_id(snippet.id)
        await ctx.answer(f"{snippet.name} is gone.")

    @commands.command(extras=ranked(MODERATOR))
    async def locksnippet(self, ctx: Context, name: str) -> None:
        """Lock a snippet against changes."""
        snippet = await self.db.snippet.update_one_by_guild_id_and_lower_name(ctx.server.id, name.lower(), locked=True)
        await ctx.answer(f"{snippet.name} is locked.")

    @commands.command()
    async def tagsnippet(self, ctx: Context, name: str, tag: str) -> None:
        """Add a tag to a snippet."""
        snippet = await self.db.snippet.tag(ctx.server.id, name, tag)
        await ctx.answer(f"{snippet.name} bears {tag.lower()}.")

    @commands.command()
    async def tagged(self, ctx: Context, tag: str) -> None:
        """Show the snippets with a tag."""
        await ctx.answer(listed(await self.db.snippet.tagged(ctx.server.id, tag)))

    @commands.command()
    async def findsnippet(self, ctx: Context, *, text: str) -> None:
        """Search snippets."""
        await ctx.answer(listed(await self.db.snippet.search(ctx.server.id, text)))


def listed(snippets: list[Snippet]) -> str:
    """Return the names of snippets, one per line."""
    return "\n".join(f"{snippet.name} ({snippet.uses})" for snippet in snippets) or "Nothing found."
