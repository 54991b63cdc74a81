"""A package of odd models, in several modules."""

from . import keys, names, related, shapes, typed

__all__ = ["keys", "names", "related", "shapes", "typed"]
