"""The context of the inspection: the sources, and the collected findings."""

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
    """The sources of the models, whether samples of columns are needed, and the findings."""

    sources: Sources
    with_samples: bool = True
    findings: list[Finding] = field(default_factory=list[Finding])

    def warn(self, rule: Rule, location: Location, **names: object) -> None:
        """Add a finding."""
        self.findings.append(rule.at(location, **names))

    def attempt(self, what: str, location: Location, read: Callable[[], T]) -> T | None:
        """Return the result of ``read``. If it raises an unexpected exception, add a finding and return None.

        A member that cannot be read is left out, and the run continues.
        """
        try:
            return read()
        except CtrlgenError:
            raise
        except Exception as error:  # noqa: BLE001 - user-defined types, defaults and descriptors may raise anything
            reason = " ".join(described(error).split())
            self.warn(UNREADABLE, location, what=what, reason=reason)
            return None
