"""Reads the code blocks of a page.

Comments in a page control the tests: ``<!-- setup`` ... ``-->`` holds code that runs before the next block, and
``<!-- not run: REASON -->`` skips the next block. Readers do not see them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_PART = re.compile(
    r"^<!-- setup\n(?P<setup>.*?)^-->$"
    r"|(?P<excuse>^<!-- not run: .*? -->\n+)?"
    r"^(?P<indent> *)```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A code block; ``title`` is the file that a reader puts it into."""

    page: Path
    line: int
    language: str
    code: str
    title: str | None = None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page to run, in order."""
    text = page.read_text("utf-8")
    result: list[Block] = []
    for part in _PART.finditer(text):
        if part["excuse"]:
            continue
        if part["setup"] is not None:
            line = text.count("\n", 0, part.start("setup")) + 1
            result.append(Block(page, line, "setup", part["setup"]))
            continue
        title = _TITLE.search(part["options"])
        line = text.count("\n", 0, part.start("code")) + 1
        code = "".join(each.removeprefix(part["indent"]) for each in part["code"].splitlines(keepends=True))
        result.append(Block(page, line, part["language"], code, title[1] if title else None))
    return result
