"""The output formats for tools: GitHub annotations, JSON and SARIF.

``generate``, ``check``, ``lint`` and ``drift`` convert their findings and errors to :class:`Problem`, and print them
through :data:`FORMATS`. Each has its own text format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ctrlgen.errors import UnknownFormatError, did_you_mean, listed

if TYPE_CHECKING:
    from ctrlgen.errors import CtrlgenError
    from ctrlgen.findings import Finding, Rule

Level = Literal["error", "warning"]

_SETTINGS = "pyproject.toml"  # the place of what is nowhere else: GitHub refuses a log with a result without a place
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding or an error.

    Parameters
    ----------
    path
        The file, as it is printed, relative to the folder of the reporter; empty if the problem is not about a file.
    line, column, end_line, end_column
        The range in the file, counted from 1; None if unknown.
    code
        The stable code.
    message
        What is wrong, without a full stop.
    advice
        How to fix the problem, if the message does not say so.
    docs
        The address of the documentation of the code.
    details
        Further keys of the JSON object.
    """

    path: str
    code: str
    message: str
    advice: str = ""
    level: Level = "error"
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    docs: str = ""
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def text(self) -> str:
        """The message with the advice."""
        return f"{self.message}. {self.advice}" if self.advice else self.message


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """The description of a code in SARIF."""

    code: str
    name: str
    summary: str
    docs: str


@dataclass(frozen=True, slots=True)
class Reporter:
    """The command, the folder that paths are relative to, and the codes that it may report."""

    name: str
    folder: Path
    rules: tuple[RuleEntry, ...] = ()


def as_github(problems: Sequence[Problem], reporter: Reporter) -> str:
    """Return GitHub workflow commands, which are shown as annotations in a pull request."""
    lines: list[str] = []
    for problem in problems:
        places = {
            "file": _path_in_repository(problem.path, reporter.folder) or None,
            "line": problem.line,
            "col": problem.column,
            "endLine": problem.end_line,
            "title": f"ctrlgen {problem.code}",
        }
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in places.items() if value is not None)
        lines.append(f"::{problem.level} {properties}::{_data(problem.text)}\n")
    return "".join(lines)


def as_json(problems: Sequence[Problem], _reporter: Reporter) -> str:
    """Return a JSON list of objects. Lines and columns are counted from 1."""
    return f"{json.dumps([_object(problem) for problem in problems], indent=2, ensure_ascii=False)}\n"


def as_sarif(problems: Sequence[Problem], reporter: Reporter) -> str:
    """Return a SARIF 2.1.0 log, for code scanning services."""
    from importlib.metadata import version  # importing it takes as long as the rest of the startup

    rules = [
        {
            "id": rule.code,
            "name": rule.name,
            "shortDescription": {"text": rule.summary},
            "helpUri": rule.docs,
            "help": {"text": f"{rule.summary} See {rule.docs}"},
        }
        for rule in reporter.rules
    ]
    driver = {"name": reporter.name, "version": version("ctrlgen"), "rules": rules}
    results = [_result(problem, reporter.folder) for problem in problems]
    log = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return f"{json.dumps(log, indent=2, ensure_ascii=False)}\n"


FORMATS: dict[str, Callable[[Sequence[Problem], Reporter], str]] = {
    "github": as_github,
    "json": as_json,
    "sarif": as_sarif,
}
TEXT = "text"


def check_format(name: str, known: Collection[str] = (TEXT, *FORMATS)) -> None:
    """Raise an error if the command does not have the format.

    Raises
    ------
    UnknownFormatError
        The format is not one of ``known``.
    """
    if name not in known:
        hint = did_you_mean(name, known) or f"the formats are {listed(known)}"
        raise UnknownFormatError(f"`--format {name}`: no such format", hint=hint)


def problem_of_finding(finding: Finding, rule: Rule, level: Level = "warning") -> Problem:
    """Convert a finding about the models to a problem."""
    return Problem(
        finding.location.file,
        finding.code,
        finding.message,
        level=level,
        line=max(finding.location.line, 1),
        docs=rule.docs,
        details={"hint": rule.fix},
    )


def problems_of_error(error: CtrlgenError) -> list[Problem]:
    """Convert an error and its further errors to problems."""
    place = error.location
    path, line = (place.file, max(place.line, 1)) if place else ("", None)
    hint = error.hint or ""
    problem = Problem(path, error.code, error.message, hint, line=line, docs=error.docs(), details={"hint": hint})
    return [problem, *(nested for other in error.others for nested in problems_of_error(other))]


def reporter_of(name: str, project: Path, rules: Iterable[Rule]) -> Reporter:
    """Return a reporter for these rules of findings, whose paths are relative to the project."""
    return Reporter(name, project, tuple(RuleEntry(rule.code, rule.code, rule.meaning, rule.docs) for rule in rules))


def _object(problem: Problem) -> dict[str, object]:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "end_line": problem.end_line,
        "end_column": problem.end_column,
        "level": problem.level,
        "code": problem.code,
        "message": problem.message,
        "docs": problem.docs,
        **problem.details,
    }


def _result(problem: Problem, folder: Path) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": problem.code,
        "level": problem.level,
        "message": {"text": problem.text},
    }
    places = {
        "startLine": problem.line,
        "startColumn": problem.column,
        "endLine": problem.end_line,
        "endColumn": problem.end_column,
    }
    region = {name: value for name, value in places.items() if value is not None}
    path = _path_in_repository(problem.path or _SETTINGS, folder)
    location: dict[str, object] = {"artifactLocation": {"uri": _uri(path)}}
    result["locations"] = [{"physicalLocation": location | ({"region": region} if region else {})}]
    return result


def _path_in_repository(path: str, folder: Path) -> str:
    """Return a path relative to the root of its git repository; unchanged outside a repository.

    Services resolve relative paths from that root, also if the command runs in a folder inside it.
    """
    if not path:
        return path
    file = (folder / path).resolve()
    root = _repository(file.parent)
    return file.relative_to(root).as_posix() if root else path


@cache
def _repository(folder: Path) -> Path | None:
    """Return the root of the git repository around a folder, which many findings share."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def _uri(path: str) -> str:
    from urllib.parse import quote  # needed only for this format

    return ("file://" if path.startswith("/") else "") + quote(path.encode("utf-8", "surrogateescape"))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
