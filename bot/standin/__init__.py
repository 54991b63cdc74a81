"""A small stand-in for Discord's HTTP API and gateway, in the bot's own process.

discord.py itself is not replaced: it parses the events, keeps the members, runs the commands and builds the requests.
Demo, soak and tests talk to the bot through the stand-in.
"""

from bot.standin.exchange import Exchange
from bot.standin.gateway import Discord
from bot.standin.world import Account, Server, World

__all__ = ["Account", "Discord", "Exchange", "Server", "World"]
