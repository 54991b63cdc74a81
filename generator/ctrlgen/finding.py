"""What is reported to the author, and where: findings, and the locations that errors have as well.

They are apart from ``schema``, because a run that is answered from its record needs nothing else.
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
    """Something the author should know: a stable code, where, and what to do. ``findings`` has a rule for each code.

    Of an import that has failed there are the lines that led to it, and its traceback.
    """

    location: Location
    code: str
    message: str
    import_chain: tuple[str, ...] = field(default=(), compare=False)
    traceback: str = field(default="", compare=False)
