"""``make soak``: the bot under load, in several processes that share a database.

``__main__`` prepares the database, starts a ``worker`` in each process, and judges what they report: ``load`` is what
members do, ``costs`` what each of it may cost, ``sums`` what must add up in the end, ``report`` the table.
"""
