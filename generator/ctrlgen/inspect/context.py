"""What every part of the inspection shares: the sources, and where findings are collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ctrlgen.errors import CtrlgenError, described
from ctrlgen.finding import Finding, Location
from ctrlgen.findings import UNREADABLE, Rule
from ctrlgen.source_locations import Sources

T = TypeVar("T")


@dataclass
class Context:
    """The sources of the models, and what their author should know."""

    sources: Sources
    findings: list[Finding] = field(default_factory=list[Finding])

    def warn(self, rule: Rule, location: Location, **names: object) -> None:
        """Add a finding."""
        self.findings.append(rule.at(location, **names))

    def attempt(self, what: str, location: Location, read: Callable[[], T]) -> T | None:
        """Return what ``read`` does; None, and a finding, where it fails in an unforeseen way.

        So a member that cannot be read is left out, and the run goes on.
        """
        try:
            return read()
        except CtrlgenError:
            raise
        except Exception as error:  # noqa: BLE001 - types, defaults and descriptors of the author's may raise anything
            reason = " ".join(described(error).split())
            self.warn(UNREADABLE, location, what=what, reason=reason)
            return None
