"""Renders the rules for ``docs/lint.md``.

``python -m ctrlgen.lint.rule_table`` prints the part between the markers of that file. A test compares the two.
"""

from __future__ import annotations

import sys

from ctrlgen.lint.parsing import SYNTAX_ERROR
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.rules import RULES

_SYNTAX = f'| <a id="{SYNTAX_ERROR.lower()}"></a>{SYNTAX_ERROR} | syntax-error | the file cannot be read | |'


def rule_table() -> str:
    """Return a table of all rules, and a section for each."""
    rows = [
        f"| [{rule.code}](#{rule.anchor()}) | {rule.name} | {_cell(rule.summary())} | {'yes' if rule.fixable else ''} |"
        for rule in RULES
    ]
    table = ["| code | name | what it finds | `--fix` |", "|---|---|---|---|", _SYNTAX, *rows]
    return "\n".join([*table, "", *(_section(rule) for rule in RULES)])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`").removesuffix(".")


def _section(rule: Rule) -> str:
    paragraphs = [
        f'### <a id="{rule.anchor()}"></a>{rule.code} {rule.name}',
        rule.why,
        f"```python\n{rule.bad.strip()}\n```",
        "Instead:",
        f"```python\n{rule.good.strip()}\n```",
        rule.limits,
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rule_table())
