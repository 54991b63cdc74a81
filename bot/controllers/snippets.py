"""Snippets of text, their aliases and tags."""

from __future__ import annotations

from sqlalchemy import or_

from bot.controllers.errors import LockedSnippetError
from generated import SnippetController
from models import Snippet, User


class Snippets(SnippetController):
    """Finds snippets by name without regard to case, and refuses changes of locked ones."""

    async def named(self, guild_id: int, name: str) -> Snippet:
        """Return a snippet by its name or by an alias; raise NotFoundError if there is none."""
        snippet = await self.get_one_by_guild_id_and_lower_name(guild_id, name.lower(), load=["target"])
        return snippet.target or snippet

    async def use(self, guild_id: int, name: str) -> Snippet:
        """Return a snippet, and count the use."""
        snippet = await self.named(guild_id, name)
        return await self.update_one_by_id(snippet.id, uses=self.c.uses + 1)

    async def add(self, guild_id: int, name: str, content: str, *, author: User) -> Snippet:
        """Store a snippet; raise UniqueViolation if the name is taken."""
        return await self.create(guild_id=guild_id, name=name, content=content, author_id=author.id)

    async def alias(self, guild_id: int, name: str, original: str, *, author: User) -> Snippet:
        """Add an alias of a snippet; an alias of an alias refers to the snippet itself."""
        target = await self.named(guild_id, original)
        return await self.create(guild_id=guild_id, name=name, target_id=target.id, author_id=author.id)

    async def edit(self, guild_id: int, name: str, content: str) -> Snippet:
        """Change a snippet's text, unless it is locked."""
        snippet = await self.named(guild_id, name)
        if not await self.find_all(id=snippet.id, locked=False).update({"content": content}):
            raise LockedSnippetError(f"{snippet.name} is locked.")
        return snippet

    async def tag(self, guild_id: int, name: str, tag: str) -> Snippet:
        """Add a tag to a snippet; create the tag if it does not exist."""
        snippet = await self.named(guild_id, name)
        word, _ = await self.db.tag.get_or_create_by_name(name=tag.lower())
        await self.add_tags([snippet], [word])
        return snippet

    async def tagged(self, guild_id: int, tag: str) -> list[Snippet]:
        """Return the snippets of a guild with a tag, with all their tags loaded."""
        tagged = self.find_all([self.c.guild_id == guild_id, self.c.tags.any(self.db.tag.c.name == tag.lower())])
        return await tagged.order_by(self.c.name).load("tags")

    async def search(self, guild_id: int, text: str, *, limit: int = 10) -> list[Snippet]:
        """Return snippets whose name or content contains a text, the most used first; `%` is not a wildcard."""
        matches = or_(self.c.name.icontains(text, autoescape=True), self.c.content.icontains(text, autoescape=True))
        return await self.find_all([self.c.guild_id == guild_id, matches], order_by=self.c.uses.desc(), limit=limit)
