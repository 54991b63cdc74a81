"""Module names are unique, and steps only import earlier steps."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_no_two_modules_of_the_tool_share_a_name(project: Path) -> None:
    names = Counter(file.stem for file in project.glob("generator/ctrlgen/**/*.py"))
    assert [name for name, count in names.items() if count > 1 and name != "__init__"] == []


def test_steps_import_no_later_step_and_load_and_inspect_are_independent(project: Path) -> None:
    tool = project / "generator/ctrlgen"
    forbidden = {
        "load": ("inspect", "plan", "render", "stubs", "pipeline"),
        "inspect": ("load", "plan", "render", "stubs", "pipeline"),
        "plan": ("load", "inspect", "render", "stubs", "pipeline"),
        "render": ("load", "inspect", "stubs", "pipeline"),
        "stubs": ("load", "inspect", "pipeline"),
    }
    imports = [
        f"{file.relative_to(tool).as_posix()} imports {other}"
        for step, others in forbidden.items()
        for file in sorted((tool / step).glob("*.py"))
        for other in others
        if f"from ctrlgen.{other}" in file.read_text("utf-8")
    ]
    assert imports == []
