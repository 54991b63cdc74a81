"""Adds missing lines to factories, with libcst, which keeps comments and layout. ``merge_tests`` calls it."""

from __future__ import annotations

from collections.abc import Mapping

import libcst
from typing_extensions import override

from ctrlgen.stubs.render_tests import Completion


def with_completions(text: str, completions: Mapping[str, Completion]) -> str:
    """Return the source of a file with the missing lines of each factory added."""
    return libcst.parse_module(text).visit(_Completing(completions)).code


class _Completing(libcst.CSTTransformer):
    """Adds the missing lines to factories."""

    def __init__(self, completions: Mapping[str, Completion]) -> None:
        super().__init__()
        self._completions = completions

    @override
    def leave_FunctionDef(
        self, original_node: libcst.FunctionDef, updated_node: libcst.FunctionDef
    ) -> libcst.FunctionDef:
        """Add statements before the ``return``, and entries to the dict that it returns."""
        completion = self._completions.get(original_node.name.value)
        body = updated_node.body
        if completion is None or not isinstance(body, libcst.IndentedBlock):
            return updated_node
        *statements, last = body.body
        added = [libcst.parse_statement(statement) for statement in completion.statements]
        ending = last.visit(_Entries(completion.entries))
        if not isinstance(ending, libcst.BaseStatement):
            raise TypeError("a statement stays one")
        return updated_node.with_changes(body=body.with_changes(body=[*statements, *added, ending]))


class _Entries(libcst.CSTTransformer):
    """Adds entries to the outermost dict."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        super().__init__()
        self._entries = entries

    @override
    def visit_Dict(self, node: libcst.Dict) -> bool:
        """Do not visit nested dicts."""
        return False

    @override
    def leave_Dict(self, original_node: libcst.Dict, updated_node: libcst.Dict) -> libcst.BaseExpression:
        """Add the entries after the last one, each on its own line."""
        indented = libcst.SimpleWhitespace("    ")
        line = libcst.ParenthesizedWhitespace(indent=True, last_line=indented)
        added = [
            libcst.DictElement(
                libcst.SimpleString(f'"{name}"'),
                libcst.parse_expression(source),
                comma=libcst.Comma(whitespace_after=line),
            )
            for name, source in self._entries.items()
        ]
        added[-1] = added[-1].with_changes(comma=libcst.Comma())
        elements, changes = [*updated_node.elements], dict[str, object]()
        if elements:
            # In libcst, a comment after the last entry belongs to the brace. It is not moved.
            behind = updated_node.rbrace.whitespace_before
            kept = (
                behind.with_changes(last_line=indented) if isinstance(behind, libcst.ParenthesizedWhitespace) else line
            )
            elements[-1] = elements[-1].with_changes(comma=libcst.Comma(whitespace_after=kept))
        else:
            changes["lbrace"] = libcst.LeftCurlyBrace(whitespace_after=line)
        end = libcst.ParenthesizedWhitespace(indent=True)
        changes["rbrace"] = libcst.RightCurlyBrace(whitespace_before=end)
        return updated_node.with_changes(elements=[*elements, *added], **changes)
