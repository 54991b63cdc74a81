"""Explains the methods of controllers: what each is called with, the SQL it sends, what backs it, and what is missing.

``commands.explain`` calls it. In the child process, where the classes of the models are, ``explanation_work`` renders
the controllers, and ``recorded_calls`` calls each method of theirs on a runtime that has no database and notes what it
would send. ``explanation`` is the data that comes back; ``as_text`` and ``as_json`` print it.
"""
