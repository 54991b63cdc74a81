"""What a rule is. Each lives in a module of its own under ``rules``, and everything about it stands there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import libcst as cst

from ctrlgen.errors import DOCS
from ctrlgen.lint.diagnostics import Diagnostic, Edit
from ctrlgen.lint.queries import Queries


def docs_of(code: str) -> str:
    """Return the address where a code is explained."""
    return f"{DOCS}/lint.md#{code.lower()}"


class Rule(ABC):
    """One kind of finding.

    The class attributes are what the command prints and what ``docs/lint.md`` is rendered from. A rule looks at one
    file at a time, through :class:`~ctrlgen.lint.queries.Queries`.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    """A few words, with hyphens: the anchor in the docs begins with the code."""
    message: ClassVar[str]
    """The reason that is printed; ``str.format`` fills in the names."""
    why: ClassVar[str]
    """What goes wrong, for the docs."""
    bad: ClassVar[str]
    good: ClassVar[str]
    limits: ClassVar[str] = ""
    """What the rule leaves alone on purpose, for the docs."""
    fixable: ClassVar[bool] = False
    in_tests: ClassVar[bool] = True
    """Whether the rule reads test files, too."""

    @abstractmethod
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        """Yield what is found in a file."""

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
            edits = ()  # a comment or a long string in it is for a person to move
        message = self.message.format(**names)
        return Diagnostic(source.path, source.start(node), source.end(node), self.code, message, replacement, edits)

    @classmethod
    def anchor(cls) -> str:
        """Return where ``docs/lint.md`` explains the rule, behind the ``#``."""
        return cls.code.lower()

    @classmethod
    def docs(cls) -> str:
        """Return the address where the rule is explained."""
        return docs_of(cls.code)

    @classmethod
    def summary(cls) -> str:
        """Return what the rule finds, in one sentence: the first line of its docstring."""
        return (cls.__doc__ or cls.name).strip().splitlines()[0]


def _has_layout(code: str) -> bool:
    """Whether the source of a node has what is lost when it is written on one line."""
    return "\n" in code and ("#" in code or '"""' in code or "'''" in code)
