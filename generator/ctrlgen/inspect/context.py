"""What every part of inspecting shares: the sources, and where to leave findings."""

from __future__ import annotations

from dataclasses import dataclass, field

from ctrlgen.load.source import Sources
from ctrlgen.schema import Finding, Location


@dataclass
class Context:
    """The sources of the models, and what their author should know."""

    sources: Sources
    findings: list[Finding] = field(default_factory=list[Finding])

    def warn(self, location: Location, code: str, message: str) -> None:
        """Leave a finding."""
        self.findings.append(Finding(location, code, message))
