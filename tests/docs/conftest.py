"""Fixtures that follow a page as a reader would, in a scratch folder."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import NewDatabase

from .pages import Block, blocks

_NOT_RUN = ("mkdir library", "cd library", "python -m venv", "source")
"""Setup steps of a page that are skipped, because the folder and the environment exist."""
MEASURES = {r"in \d+\.\d+s": "in 0.00s", r"\d+ kB": "0 kB", r"postgresql://\S+": "postgresql://"}


class Walk:
    """One reader in one folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.exit_code = 0
        self.servers: list[subprocess.Popen[bytes]] = []
        self.ports: dict[str, str] = {}

    def take(self, block: Block) -> None:
        """Perform the step of a block."""
        if block.language == "setup":
            steps = {
                "read": self.read,
                "write": self.write,
                "expect_exit_code": self.expect_exit_code,
                "run": lambda command: self.type(command, block),
                "serve": self.serve,
                "url": self.url,
            }
            exec(block.code, steps)
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

    def serve(self, command: str, port: int) -> None:
        """Start a server on a free port, which replaces ``port`` in later commands, and wait until it listens."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = free.getsockname()
        self.ports[f"localhost:{port}"] = f"127.0.0.1:{address[1]}"
        server = subprocess.Popen([*shlex.split(command), "--port", str(address[1])], cwd=self.folder, env=self.env())
        self.servers.append(server)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and server.poll() is None:
            with socket.socket() as client:
                if client.connect_ex(address) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"`{command}` does not listen")

    def stop(self) -> None:
        """Stop the servers."""
        for server in self.servers:
            server.terminate()
            server.wait()

    def env(self) -> dict[str, str]:
        """Return the environment of a reader's commands."""
        return os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DATABASE_URL": self.url,
            "COLUMNS": "80",
        }

    def type(self, command: str, block: Block) -> str:
        """Run a command and return its output."""
        for page, actual in self.ports.items():
            command = command.replace(page, actual)
        if not command.strip() or command.startswith(("#", *_NOT_RUN)):
            return ""
        if command.startswith("pip install"):
            for name in shlex.split(command, comments=True)[2:]:
                if name in {"--editable", ".", "--group", "dev"}:  # the project itself is not installed
                    continue
                distribution(Requirement(name).name)  # already installed in this environment
            return ""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == self.exit_code, f"{block}: `{command}` ended with {done.returncode}\n{done.stdout}"
        self.exit_code = 0
        return done.stdout


@contextmanager
def followed(folder: Path, url: str, steps: list[Block]) -> Iterator[Walk]:
    """Follow the blocks of a page, and stop the servers that it starts at the end."""
    walk = Walk(folder, url)
    try:
        for block in steps:
            walk.take(block)
        yield walk
    finally:
        walk.stop()


def compare(printed: str, expected: str, block: Block) -> None:
    """Compare an output with the page, where `...` stands for any lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", without_measures(expected), flags=re.MULTILINE)]
    text = without_measures(printed)
    text += "\n" if text and not text.endswith("\n") else ""  # curl prints a body as it is
    assert re.fullmatch(r"(?:.*\n)*?".join(parts), text), f"{block} shows\n{expected}\nbut the output is\n{printed}"


def without_measures(output: str) -> str:
    """Replace what differs from run to run: times, sizes of files, and the address of the database."""
    for pattern, constant in MEASURES.items():
        output = re.sub(pattern, constant, output)
    return output


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
