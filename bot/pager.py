"""Pages with buttons; a page is fetched when a member turns to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import discord
from typing_extensions import override

from bot.context import Context
from bot.error_embeds import error_embed

Press = discord.Interaction[Any]


@dataclass(frozen=True)
class Sheet:
    """One page as a member sees it, and the cursor of the next page."""

    lines: list[str]
    next: str | None


Fetch = Callable[[str | None], Awaitable[Sheet]]


class Pager(discord.ui.View):
    """Buttons that turn pages, for the member who asked. Keyset pages only lead forward, so cursors are kept."""

    patience: ClassVar[float] = 120.0  # seconds after the last press until the buttons are disabled

    def __init__(self, title: str, fetch: Fetch, reader: int) -> None:
        super().__init__(timeout=self.patience)
        self._title, self._fetch, self._reader = title, fetch, reader
        self._cursors: list[str | None] = [None]
        self._sheet = Sheet([], None)

    @classmethod
    async def show(cls, context: Context, title: str, fetch: Fetch) -> None:
        """Answer a command with the first page, without buttons if it is the only page."""
        pager = cls(title, fetch, context.author.id)
        embed = await pager.turn_to([None])
        if pager.has_more:
            await context.send(embed=embed, view=pager)
        else:
            await context.send(embed=embed)

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return self._sheet.next is not None

    async def turn_to(self, cursors: list[str | None]) -> discord.Embed:
        """Fetch and return the page of the last cursor; the other cursors lead back."""
        self._sheet, self._cursors = await self._fetch(cursors[-1]), cursors
        self.newer.disabled = len(cursors) == 1
        self.older.disabled = not self.has_more
        embed = discord.Embed(title=self._title, description="\n".join(self._sheet.lines) or "Nothing yet.")
        return embed.set_footer(text=f"Page {len(cursors)}")

    @override
    async def interaction_check(self, interaction: Press, /) -> bool:
        """Let only the member who asked turn the pages."""
        if interaction.user.id == self._reader:
            return True
        await interaction.response.send_message("These pages are somebody else's.", ephemeral=True)
        return False

    @override
    async def on_error(self, interaction: Press, error: Exception, item: discord.ui.Item[Any], /) -> None:
        """Reply with an explanation of the error, as commands do."""
        await interaction.response.send_message(embed=error_embed(error), ephemeral=True)

    @discord.ui.button(label="Newer")
    async def newer(self, interaction: Press, button: discord.ui.Button[Pager]) -> None:
        """Turn to the previous page."""
        _ = button
        embed = await self.turn_to(self._cursors[:-1] or [None])
        await interaction.response.edit_message(embed=embed, view=self)

    @discord.ui.button(label="Older")
    async def older(self, interaction: Press, button: discord.ui.Button[Pager]) -> None:
        """Turn to the next page. If the button is pressed twice at once, the last page may have none."""
        _ = button
        cursors = [*self._cursors, self._sheet.next] if self.has_more else self._cursors
        await interaction.response.edit_message(embed=await self.turn_to(cursors), view=self)
