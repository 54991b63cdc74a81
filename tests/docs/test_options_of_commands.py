"""The table of options in ``docs/commands.md`` is that of the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from ctrlgen.cli import app

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMANDS: dict[str, set[str]] = {
    name: {"--help", "-h"}
    | {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    }
    for name, command in vars(get_command(app))["commands"].items()
}


def documented() -> list[tuple[set[str], set[str]]]:
    """Return the options of each row of the table, and the commands that have them."""
    page = (DOCS / "commands.md").read_text("utf-8")
    rows = re.findall(r"^\| (`-.*?) \| (.*?) \|", page, re.MULTILINE)
    result: list[tuple[set[str], set[str]]] = []
    for options, commands in rows:
        names = set(re.findall(r"`([a-z]+)`", commands))
        if commands.startswith("all"):
            names = COMMANDS.keys() - names
        result.append((set(re.findall(r"(?<!\w)--?[a-z][\w-]*", options)), names))
    return result


def test_table_of_options_is_complete() -> None:
    rows = documented()
    assert len(rows) > 8
    for options, commands in rows:
        for option in options - {"--format"}:
            assert {name for name in COMMANDS if option in COMMANDS[name]} == commands, option
    with_format = [commands for options, commands in rows if "--format" in options]
    assert set().union(*with_format) == {name for name in COMMANDS if "--format" in COMMANDS[name]}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    pages = [DOCS / "commands.md", *DOCS.glob(f"{command}.md")]
    text = "".join(page.read_text("utf-8") for page in pages).replace("--[no-]", "--")
    negated = {option for option in COMMANDS[command] if option.startswith("--no-") and option != "--no-cache"}
    assert {option for option in COMMANDS[command] - negated if not re.search(rf"`[^`]*{option}\b", text)} == set()
