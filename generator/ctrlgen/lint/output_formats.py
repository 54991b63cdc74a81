"""Findings as text, as annotations of GitHub, as JSON and as SARIF."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.rules import RULES

_DOCS = "docs/lint.md"
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(diagnostics: Sequence[Diagnostic]) -> str:
    """Return two lines for each finding: where, which and why; and what to write instead."""
    lines = [
        f"{it.path}:{it.line}:{it.column}: {it.code} {it.message}\n    instead: {it.replacement}\n"
        for it in diagnostics
    ]
    return "".join(lines)


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a pull request."""
    lines: list[str] = []
    for it in diagnostics:
        properties = f"file={_property(it.path)},line={it.line},col={it.column},endLine={it.end.line}"
        title = _property(f"ctrlgen {it.code}")
        lines.append(f"::error {properties},title={title}::{_data(f'{it.message}. Instead: {it.replacement}')}\n")
    return "".join(lines)


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Return a list of objects; columns begin at 1."""
    return f"{json.dumps([_object(it) for it in diagnostics], indent=2, ensure_ascii=False)}\n"


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """Return a SARIF 2.1.0 log, which code scanning services read."""
    rules = [
        {
            "id": rule.code,
            "name": rule.name,
            "shortDescription": {"text": rule.why},
            "help": {"text": f"{rule.why} See {_DOCS}#{rule.anchor()}"},
        }
        for rule in RULES
    ]
    driver = {"name": "ctrlgen lint", "version": version("ctrlgen"), "rules": rules}
    log = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": list(map(_result, diagnostics))}
        ],
    }
    return f"{json.dumps(log, indent=2, ensure_ascii=False)}\n"


FORMATS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "text": as_text,
    "github": as_github,
    "json": as_json,
    "sarif": as_sarif,
}


def _object(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "path": diagnostic.path,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "end_line": diagnostic.end.line,
        "end_column": diagnostic.end.column + 1,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "replacement": diagnostic.replacement,
        "fixable": bool(diagnostic.edits),
    }


def _result(diagnostic: Diagnostic) -> dict[str, object]:
    region = {
        "startLine": diagnostic.line,
        "startColumn": diagnostic.column,
        "endLine": diagnostic.end.line,
        "endColumn": diagnostic.end.column + 1,
    }
    location = {"physicalLocation": {"artifactLocation": {"uri": _uri(diagnostic.path)}, "region": region}}
    text = f"{diagnostic.message}. Instead: {diagnostic.replacement}"
    return {"ruleId": diagnostic.code, "level": "warning", "message": {"text": text}, "locations": [location]}


def _uri(path: str) -> str:
    from urllib.parse import quote  # only for this format

    return quote(path)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
