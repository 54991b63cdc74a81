"""Parses files, and turns what cannot be parsed into a finding. ``runner`` and ``project_modules`` call it."""

from __future__ import annotations

import ast
import re
import warnings

import libcst as cst

from ctrlgen.lint.diagnostics import Diagnostic, Place

SYNTAX_ERROR = "CGL001"
TOO_DEEP = "an expression is nested too deeply"
_DEEPEST = 200
"""Python's limit for nested brackets."""
_BRACKETS = re.compile(rb"[\[\](){}]")


def parse(content: bytes, shown: str) -> tuple[cst.Module | None, Diagnostic | None]:
    """Return the syntax tree of a file, or else the finding that says why there is none."""
    if _nesting(content) > _DEEPEST and _syntax_error(content):
        return None, unreadable(shown, Place(1, 0), TOO_DEEP)  # the parser of libcst would overflow its stack
    try:
        return cst.parse_module(content), None
    except cst.ParserSyntaxError as error:
        place, reason = (
            Place(error.raw_line, max(error.raw_column, 0)),
            _syntax_error(content) or "the file is not valid Python",
        )
        return None, unreadable(shown, place, reason)
    except (UnicodeDecodeError, LookupError, SyntaxError) as error:  # an invalid `# coding` raises LookupError
        return None, unreadable(shown, Place(1, 0), f"the file cannot be decoded: {error}")
    except RecursionError:
        return None, unreadable(shown, Place(1, 0), TOO_DEEP)


def _nesting(content: bytes) -> int:
    """Return the maximum nesting of brackets, including those in strings."""
    deepest = depth = 0
    for match in _BRACKETS.finditer(content):
        depth += 1 if match[0] in b"([{" else -1
        deepest = max(deepest, depth)
    return deepest


def _syntax_error(content: bytes) -> str | None:
    """Return Python's own message about a syntax error."""
    try:
        ast.parse(content)
    except SyntaxError as error:
        return f"{error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "the source is nested too deeply"
    return None


def python_tree(content: bytes) -> ast.Module | None:
    """Return Python's own syntax tree, None if it cannot parse a file: the syntax may be newer, and libcst decides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about escapes in strings of the file
        try:
            return ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def unreadable(shown: str, place: Place, reason: str) -> Diagnostic:
    """Return the finding of a file that could not be checked."""
    message = f"this file was not checked: {reason}"
    return Diagnostic(shown, place, place, SYNTAX_ERROR, message, "fix the syntax first")
