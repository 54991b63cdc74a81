"""What every part of inspecting shares: the sources, and where to leave findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ctrlgen.errors import CtrlgenError
from ctrlgen.load.failures import described
from ctrlgen.load.source import Sources
from ctrlgen.schema import Finding, Location

T = TypeVar("T")


@dataclass
class Context:
    """The sources of the models, and what their author should know."""

    sources: Sources
    findings: list[Finding] = field(default_factory=list[Finding])

    def warn(self, location: Location, code: str, message: str) -> None:
        """Leave a finding."""
        self.findings.append(Finding(location, code, message))

    def attempt(self, what: str, location: Location, read: Callable[[], T]) -> T | None:
        """Return what ``read`` does; None, and a finding, where it fails in a way that nobody foresaw.

        So one member that can not be read costs itself, and not the run.
        """
        try:
            return read()
        except CtrlgenError:
            raise
        except Exception as error:  # noqa: BLE001 - types, defaults and descriptors of the author's may raise anything
            reason = " ".join(described(error).split())
            self.warn(location, "CG208", f"{what} is left out: it can not be read ({reason})")
            return None
