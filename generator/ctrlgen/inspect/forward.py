"""Annotations that name what is imported for type checkers only; ``columns`` asks for each field's.

Such a field stays a text for pydantic, and maps because its column is given. Each is evaluated alone, so that one
that can not be leaves the others as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import get_type_hints

from ctrlgen.load.source import Sources


def resolved(annotation: object, model: type, sources: Sources) -> object:
    """Return an annotation with the names in its texts looked up; itself where that fails."""
    for base in model.__mro__:
        namespace = vars(sys.modules[base.__module__]) | dict(_type_checking_names(base, sources))
        try:
            return get_type_hints(SimpleNamespace(__annotations__={"it": annotation}), namespace, include_extras=True)[
                "it"
            ]
        except (NameError, TypeError, SyntaxError, AttributeError):
            continue
    return annotation


def _type_checking_names(cls: type, sources: Sources) -> Iterator[tuple[str, object]]:
    """Yield what the ``if TYPE_CHECKING:`` imports of a class's module would bind."""
    for statement in sources.type_checking_imports(cls):
        bound: dict[str, object] = {"__package__": sys.modules[cls.__module__].__package__}
        try:
            exec(statement, bound)  # noqa: S102 - the models' own import, in the process that runs the models
        except Exception:  # noqa: BLE001, S112 - what can not be imported is emitted as Any, with a warning
            continue
        yield from ((name, value) for name, value in bound.items() if not name.startswith("__"))
