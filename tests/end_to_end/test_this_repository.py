"""The committed ``generated/`` matches the committed models exactly."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .conftest import Run


def test_check_says_that_generated_is_current(project: Path, run: Run, tool: tuple[str, ...]) -> None:
    run(*tool, "check", cwd=project)


def test_deleting_the_output_and_generating_again_gives_the_same_bytes(
    project: Path,
    reference: Path,
    run: Run,
    tool: tuple[str, ...],
    emitted: Callable[[Path], dict[str, bytes]],
) -> None:
    shutil.rmtree(reference / "generated", ignore_errors=True)
    run(*tool, "generate", cwd=reference)
    assert emitted(reference / "generated") == emitted(project / "generated")
