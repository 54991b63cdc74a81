"""The work that ``explain_command`` sends to the child process. The command itself does not import SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass

from ctrlgen.explain.explanation import Explanation
from ctrlgen.schema import Schema
from ctrlgen.settings import Options


@dataclass(frozen=True, slots=True)
class ExplanationWork:
    """The explanation to return, with or without statements."""

    package: str
    options: Options
    choice: str | None
    with_statements: bool = True

    def __call__(self, schema: Schema) -> Explanation:
        """Return the explanation of the chosen models."""
        from ctrlgen.explain.explained_models import explanation_of  # imports SQLAlchemy

        return explanation_of(schema, self.package, self.options, self.choice, with_statements=self.with_statements)
