"""Fixtures that follow a page as a reader would, in a scratch folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import NewDatabase

from .pages import Block, blocks

Follow = Callable[[Path, Path, str], None]
_NOT_RUN = ("mkdir library", "cd library", "python -m venv", "source")
"""Setup steps of a page that are skipped, because the folder and the environment exist."""


class Walk:
    """One reader in one folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.exit_code = 0

    def take(self, block: Block) -> None:
        """Carry out a block."""
        if block.language == "setup":
            exec(block.code, {"read": self.read, "write": self.write, "expect_exit_code": self.expect_exit_code})
        elif block.title:
            self.write(block.title, block.code)
        elif block.language == "sh":
            for line in block.code.splitlines():
                self.type(line, block)
        elif block.language == "console":
            for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.code, re.MULTILINE):
                compare(self.type(command, block), expected, block)
        elif block.language == "python":
            self.write("snippet.py", block.code)
            self.type("python snippet.py", block)

    def write(self, name: str, text: str) -> None:
        """Save a file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def read(self, name: str) -> str:
        """Return the content of a file."""
        return (self.folder / name).read_text("utf-8")

    def expect_exit_code(self, code: int) -> None:
        """Set the expected exit code of the next command."""
        self.exit_code = code

    def type(self, command: str, block: Block) -> str:
        """Run a command and return its output."""
        if not command.strip() or command.startswith(("#", *_NOT_RUN)):
            return ""
        if command.startswith("pip install"):
            for name in shlex.split(command, comments=True)[2:]:
                distribution(Requirement(name).name)  # already installed in this environment
            return ""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "DATABASE_URL": self.url,
                "COLUMNS": "80",
                "PYTHONPATH": "",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == self.exit_code, f"{block}: `{command}` ended with {done.returncode}\n{done.stdout}"
        self.exit_code = 0
        return done.stdout


def compare(printed: str, expected: str, block: Block) -> None:
    """Compare an output with the page, where `...` stands for any lines and times differ."""
    pattern = re.sub(r"in \d+\.\d+s", "in 0.00s", expected)
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", pattern, flags=re.MULTILINE)]
    text = re.sub(r"in \d+\.\d+s", "in 0.00s", printed)
    assert re.fullmatch(r"(?:.*\n)*?".join(parts), text), (
        f"{block} shows\n{expected}\nand what is printed is\n{printed}"
    )


@pytest.fixture(scope="session")
async def library(project: Path, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Path:
    """The folder of a reader who has finished the tutorial."""
    folder = tmp_path_factory.mktemp("tutorial") / "library"
    folder.mkdir()
    async with new_database() as url:
        walk = Walk(folder, url)
        for block in blocks(project / "docs/tutorial.md"):
            walk.take(block)
    return folder


@pytest.fixture
async def empty_database(new_database: NewDatabase) -> AsyncIterator[str]:
    """The address of an empty database."""
    async with new_database() as url:
        yield url
