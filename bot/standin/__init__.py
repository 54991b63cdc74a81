"""A small stand-in for Discord's HTTP and gateway, in the bot's own process.

Everything between is discord.py's own: it parses the events, keeps the members, runs the commands and builds the
requests. Demo, soak and tests speak to the bot through this.
"""

from bot.standin.exchange import Exchange
from bot.standin.gateway import Discord
from bot.standin.world import Account, Server, World

__all__ = ["Account", "Discord", "Exchange", "Server", "World"]
