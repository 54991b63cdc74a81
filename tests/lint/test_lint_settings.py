"""``[tool.ctrlgen.lint]``: selected and ignored codes, and excluded files, as in ruff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctrlgen.lint.codes import Choice

from ..cli.conftest import Project
from .conftest import BOT


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of three files with the same two findings each."""
    project = Project(tmp_path)
    for path in ("app/bot.py", "app/legacy/old.py", "scripts/once.py"):
        project.write(path, BOT)
    return project


def findings(project: Project, settings: str, *arguments: str) -> list[tuple[str, str]]:
    project.write("pyproject.toml", f"[tool.ctrlgen.lint]\n{settings}\n")
    done = project.run("lint", *(arguments or (".",)), "--format", "json")
    assert done.returncode < 2, done.stderr
    return sorted((each["path"], each["code"]) for each in json.loads(done.stdout))


def codes(project: Project, settings: str, *arguments: str) -> set[str]:
    return {code for _, code in findings(project, settings, *arguments)}


def paths(project: Project, settings: str, *arguments: str) -> set[str]:
    return {path for path, _ in findings(project, settings, *arguments)}


def test_select_and_ignore_are_settings(project: Project) -> None:
    assert codes(project, "") == {"CGL203", "CGL602"}
    assert codes(project, 'select = ["CGL2"]') == {"CGL203"}
    assert codes(project, 'ignore = ["CGL203"]') == {"CGL602"}
    assert codes(project, "ignore = []") == {"CGL203", "CGL602"}


def test_options_take_precedence_over_settings(project: Project) -> None:
    assert codes(project, 'select = ["CGL2"]', ".", "--select", "CGL6") == {"CGL602"}
    assert codes(project, 'ignore = ["CGL203"]', ".", "--select", "ALL") == {"CGL203", "CGL602"}
    assert codes(project, 'ignore = ["CGL203"]', ".", "--ignore", "CGL6") == set()


@pytest.mark.parametrize(
    ("choice", "allowed"),
    [
        (Choice(), True),
        (Choice(select=("CGL203",), ignore=("CGL2",)), True),
        (Choice(select=("CGL2",), ignore=("CGL203",)), False),
        (Choice(select=("CGL203",), ignore=("CGL203",)), False),
        (Choice(select=("CGL203",), ignored_here=("CGL2",)), False),
        (Choice(select=("CGL1",)), False),
    ],
)
def test_more_specific_code_takes_precedence(choice: Choice, allowed: bool) -> None:
    assert choice.allows("CGL203") is allowed


@pytest.mark.parametrize(
    "pattern", ["legacy", "app/legacy", "app/legacy/", "app/legacy/**", "**/legacy", "old.py", "./app/l*"]
)
def test_excluded_files_and_folders_are_left_out(pattern: str, project: Project) -> None:
    assert paths(project, f'exclude = ["{pattern}"]') == {"app/bot.py", "scripts/once.py"}


def test_excluded_file_passed_as_an_argument_is_checked_unless_forced(project: Project) -> None:
    settings = 'exclude = ["legacy"]'
    assert paths(project, settings, "app/legacy/old.py") == {"app/legacy/old.py"}
    assert paths(project, settings, "app/legacy/old.py", "--force-exclude") == set()
    assert paths(project, f"{settings}\nforce-exclude = true", "app/legacy/old.py") == set()


@pytest.mark.parametrize("pattern", ["scripts/**", "scripts/*.py", "once.py", "**/once.py", "scripts"])
def test_rules_are_ignored_in_some_files(pattern: str, project: Project) -> None:
    assert findings(project, f'select = ["CGL6"]\nper-file-ignores = {{ "{pattern}" = ["CGL602"] }}') == [
        ("app/bot.py", "CGL602"),
        ("app/legacy/old.py", "CGL602"),
    ]


def test_rules_are_ignored_in_all_files_but_some(project: Project) -> None:
    assert paths(project, 'per-file-ignores = { "!app/**" = ["ALL"] }') == {"app/bot.py", "app/legacy/old.py"}


def test_ignored_finding_is_not_fixed(project: Project) -> None:
    project.write("pyproject.toml", '[tool.ctrlgen.lint]\nper-file-ignores = { "scripts/**" = ["CGL602"] }\n')
    project.run("lint", ".", "--fix")
    assert (project.root / "scripts/once.py").read_text() == BOT
    assert (project.root / "app/bot.py").read_text() != BOT


def test_settings_do_not_depend_on_the_working_directory(project: Project) -> None:
    project.write("pyproject.toml", '[tool.ctrlgen.lint]\nexclude = ["app/legacy"]\n')
    done = Project(project.root / "app").run("lint", ".", "-q", "--select", "CGL602")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()[::2]] == ["bot.py"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('selekt = ["CGL1"]', "did you mean `select`?"),
        ("select = true", "`lint.select` in `[tool.ctrlgen]` must be a list of strings"),
        ('force-exclude = "yes"', "`lint.force-exclude` in `[tool.ctrlgen]` must be true or false"),
        ('select = ["CG101"]', '  --> pyproject.toml:2\n   2 | select = ["CG101"]\n     |            ^^^^^\n'),
        ('per-file-ignores = { "a.py" = ["CGL9"] }', "no rule has the code `CGL9`"),
        ('per-file-ignores = { "a.py" = "CGL1" }', 'write `"a.py" = ["CGL203"]`'),
    ],
)
def test_mistakes_in_the_settings_are_reported(settings: str, message: str, project: Project) -> None:
    project.write("pyproject.toml", f"[tool.ctrlgen.lint]\n{settings}\n")
    assert message in project.fails("lint", "app")
