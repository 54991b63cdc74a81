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

_UNKNOWN = re.compile(r"failed to locate a name \((?P<quote>['\"])(?P<name>.+?)(?P=quote)\)")


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
    hint = _hint(error, mapper, texts=sources.has_text_annotations(model))
    return ModelError(message, location, hint, sources.text(location))


def _relationships(error: Exception) -> Iterator[RelationshipProperty[Any]]:
    """Yield the relationships SQLAlchemy was busy with, the last first; not every message names them."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        busy: object = frame.f_locals.get("self")
        if isinstance(busy, RelationshipProperty):
            yield busy


def _hint(error: Exception, mapper: Mapper[Any], *, texts: bool) -> str | None:
    found = _UNKNOWN.search(said(error))
    unknown = found["name"] if found else ""
    if texts and not unknown.isidentifier():
        return (
            "SQLModel does not read relationships in a module with `from __future__ import annotations`: take that "
            'line out, and quote what is declared further down, as list["Player"]'
        )
    if not unknown:
        return None
    names = sorted({other.class_.__name__ for other in mapper.registry.mappers})
    close = difflib.get_close_matches(unknown, names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"no imported module declares `{unknown}`: is its module under a configured path?"
