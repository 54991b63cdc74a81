"""Lets SQLAlchemy resolve the relationships, and says which one it is that can not be."""

from __future__ import annotations

import difflib
import re
import traceback
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy.orm import Mapper, RelationshipProperty

from ctrlgen.errors import ModelError
from ctrlgen.load.failures import described, said
from ctrlgen.load.source import Sources

_UNKNOWN = re.compile(r"failed to locate a name \(['\"](.+?)['\"]\)")


def configure(mappers: Iterable[Mapper[Any]], sources: Sources) -> None:
    """Resolve the relationships of the mappers and of all they lead to.

    Raises
    ------
    ModelError
        If one has an unknown target, no foreign key to follow, or no counterpart of the name it gives.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # lazy="noload" is deprecated, not forbidden
        for mapper in mappers:
            try:
                mapper.registry.configure(cascade=True)
            except Exception as error:
                raise _error(error, mapper, sources) from error


def _error(error: Exception, mapper: Mapper[Any], sources: Sources) -> ModelError:
    culprit = next(_relationships(error), None)
    if culprit is None:
        return ModelError(f"the models can not be mapped: {described(error)}")
    model: type = culprit.parent.class_
    location = sources.of_attribute(model, culprit.key)
    message = f"relationship `{model.__name__}.{culprit.key}` can not be resolved: {described(error)}"
    return ModelError(message, location, _hint(error, mapper), sources.text(location))


def _relationships(error: Exception) -> Iterator[RelationshipProperty[Any]]:
    """Yield the relationships SQLAlchemy was busy with, the last first; not every message names them."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        busy: object = frame.f_locals.get("self")
        if isinstance(busy, RelationshipProperty):
            yield busy


def _hint(error: Exception, mapper: Mapper[Any]) -> str | None:
    unknown = _UNKNOWN.search(said(error))
    if unknown is None:
        return None
    names = sorted({other.class_.__name__ for other in mapper.registry.mappers})
    close = difflib.get_close_matches(unknown[1], names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"no imported module declares `{unknown[1]}`: is its module under a configured path?"
