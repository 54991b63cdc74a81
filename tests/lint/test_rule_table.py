"""``docs/lint.md`` matches the documentation of the rules."""

from __future__ import annotations

from pathlib import Path

from ctrlgen.lint import rules
from ctrlgen.lint.rule_table import rule_table
from ctrlgen.lint.rules import RULES

ROOT = Path(__file__).parents[2]


def test_docs_are_current() -> None:
    text = (ROOT / "docs/lint.md").read_text("utf-8")
    _, _, after = text.partition("<!-- rules -->\n")
    table, _, _ = after.partition("<!-- /rules -->")
    assert table.strip() == rule_table().strip(), (
        "run `python -m ctrlgen.lint.rule_table` and paste it between the marks"
    )


def test_every_rule_has_its_own_module() -> None:
    folder = Path(rules.__file__).parent
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert {type(rule).__module__.rpartition(".")[2] for rule in RULES} == modules
    for rule in RULES:
        module = folder / f"{type(rule).__module__.rpartition('.')[2]}.py"
        assert module.read_text("utf-8").startswith(f'"""{rule.code}: ')
