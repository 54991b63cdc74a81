"""Reads mapped classes into the ``Schema``; the only step that knows SQLAlchemy.

``load`` calls :func:`inspect`, in the child process. One module per question: ``columns`` asks
``annotations``, ``kinds``, ``presence`` and ``bounds``; ``indexes`` asks ``expressions`` and ``predicates``,
which read SQL through ``sql``; ``relations`` stands alone.
"""

from ctrlgen.inspect.models import inspect

__all__ = ["inspect"]
