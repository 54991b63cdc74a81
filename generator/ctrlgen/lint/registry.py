"""The base class of rules. Each rule has its own module in ``rules``, with everything about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import libcst as cst

from ctrlgen.findings import DOCS
from ctrlgen.lint.diagnostics import Diagnostic, Edit
from ctrlgen.lint.queries import Queries


def docs_of(code: str) -> str:
    """Return the address of the documentation of a code."""
    return f"{DOCS}/lint.md#{code.lower()}"


class Rule(ABC):
    """One kind of finding.

    The class attributes are printed by the command, and rendered in ``docs/lint.md``. A rule checks one file at a time,
    through :class:`~ctrlgen.lint.queries.Queries`.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    """The name of the rule, a few hyphenated words."""
    message: ClassVar[str]
    """The message to print, a template for ``str.format``."""
    why: ClassVar[str]
    """The reason, for the documentation."""
    bad: ClassVar[str]
    good: ClassVar[str]
    limits: ClassVar[str] = ""
    """The scope of the rule, for the documentation."""
    fixable: ClassVar[bool] = False
    in_tests: ClassVar[bool] = True
    """Whether the rule also checks test files."""

    @abstractmethod
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        """Yield the findings in a file."""

    def report(
        self,
        queries: Queries,
        node: cst.CSTNode,
        replacement: str,
        edits: tuple[Edit, ...] = (),
        **names: object,
    ) -> Diagnostic:
        """Return a finding of this kind about a node."""
        source = queries.source
        if edits and _has_layout(source.module.code_for_node(node)):
            edits = ()  # code with comments or multi-line strings is not fixed automatically
        message = self.message.format(**names)
        return Diagnostic(source.path, source.start(node), source.end(node), self.code, message, replacement, edits)

    @classmethod
    def anchor(cls) -> str:
        """Return the anchor of the rule in ``docs/lint.md``."""
        return cls.code.lower()

    @classmethod
    def docs(cls) -> str:
        """Return the address of the documentation of the rule."""
        return docs_of(cls.code)

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring, which says in one sentence what the rule finds."""
        return (cls.__doc__ or cls.name).strip().splitlines()[0]


def _has_layout(code: str) -> bool:
    """Return whether writing a node on one line would lose a part of it."""
    return "\n" in code and ("#" in code or '"""' in code or "'''" in code)
