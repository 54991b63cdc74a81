"""Reads mapped classes into the ``Schema``; the only step that knows SQLAlchemy."""
