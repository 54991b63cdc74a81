"""What the FAQ says about types and messages holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import blocks
from .test_walkthroughs import BIN, CHECKERS

ROOT = Path(__file__).resolve().parents[2]
FAQ = ROOT / "docs/faq.md"
OF_OTHERS = {"No module named 'asyncpg'", "attached to a different loop"}
"""Messages of Python and asyncio."""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A module with both ways to name a table."""
    line, base = [block.code for block in blocks(FAQ) if block.language == "python"]
    imports, _, base = base.partition("\n\n\n")
    file = tmp_path / "models.py"
    file.write_text(
        f"{imports}\nfrom sqlmodel import Field\n\n\n{base}\n\n"
        "class Hut(Base, table=True):\n    id: int = Field(default=None, primary_key=True)\n\n\n"
        f"class Cabin(SQLModel, table=True):\n    {line}    id: int = Field(default=None, primary_key=True)\n".replace(
            '"huts"', '"cabins"'
        )
    )
    settings = {"typeCheckingMode": "strict", "include": ["models.py"], "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    return file


@pytest.mark.parametrize("checker", ["basedpyright", "mypy", "ty"])
def test_names_of_tables_are_strictly_typed(checker: str, models: Path) -> None:
    program, *arguments = CHECKERS[checker]
    names = [] if program == "basedpyright" else [models.name]
    command = [BIN / program, *arguments, *names]
    done = subprocess.run(command, cwd=models.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_of_tables_are_used(models: Path) -> None:
    command = [sys.executable, "-c", "import models; print(models.Hut.__table__, models.Cabin.__table__)"]
    assert subprocess.run(command, cwd=models.parent, capture_output=True, text=True, check=True).stdout == (
        "huts cabins\n"
    )


def test_quoted_messages_are_those_of_the_runtime() -> None:
    runtime = "".join(file.read_text("utf-8") for file in sorted((ROOT / "templates/runtime").glob("*.py")))
    literals = re.sub(r'"\s*\n\s*f?"', "", runtime)
    prose = re.sub(r"```.*?```|`[^`]+`", "", FAQ.read_text("utf-8"), flags=re.DOTALL)
    quoted = {" ".join(each.split()) for each in re.findall(r'"([^"]{12,})"', prose)}
    assert len(quoted - OF_OTHERS) > 2
    for message in quoted - OF_OTHERS:
        for part in re.split(r"\s*\.\.\.\s*|; ", message):
            assert part in literals, message
