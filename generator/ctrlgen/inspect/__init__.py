"""Reads mapped classes into the ``Schema``; the only step that knows SQLAlchemy.

``child`` calls :func:`inspect`, in the child process. ``models`` reads a class through ``columns``, which asks
``annotations`` and ``column_types``, through ``indexes``, which asks ``predicates``, and through ``relationships``.
``mapping`` resolves what models say of each other, ``index_sql`` reads the SQL of indexes, ``context`` collects
findings.
"""

from ctrlgen.inspect.models import inspect

__all__ = ["inspect"]
