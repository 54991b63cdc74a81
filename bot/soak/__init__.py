"""``make soak``: a load test of the bot, in several processes that share a database.

``__main__`` prepares the database, starts a ``worker`` in each process, and checks their reports. ``load`` has the
actions of members, ``costs`` the statements that each may send, ``sums`` the totals that must add up at the end, and
``report`` the table.
"""
