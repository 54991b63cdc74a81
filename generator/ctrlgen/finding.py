"""Findings, and the locations of findings and errors.

They are not part of ``schema``, because a run that is answered from its record needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where something was declared; ``file`` is relative to the project, with forward slashes."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A warning about the models: a stable code, a location and a message. ``findings`` has a rule for each code.

    ``import_chain`` and ``traceback`` describe an import that failed.
    """

    location: Location
    code: str
    message: str
    import_chain: tuple[str, ...] = field(default=(), compare=False)
    traceback: str = field(default="", compare=False)
