"""Reads mapped classes into the ``Schema``. It is the only step that uses SQLAlchemy.

``child`` calls :func:`inspect`, in the child process. ``models`` reads a class with ``columns`` (which uses
``annotations`` and ``column_types``), ``indexes`` (which uses ``predicates``) and ``relationships``. ``mappers``
configures the mappers (``relationship_mistakes`` explains failures), and ``index_sql`` parses the SQL of indexes.
"""

from ctrlgen.inspect.models import inspect

__all__ = ["inspect"]
