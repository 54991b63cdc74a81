"""Settings and comments that silence findings, and reports of those that silence nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ctrlgen.findings import FAILED_IMPORT, REDUNDANT_INDEX, STALE_TEST, UNINDEXED_FOREIGN_KEY, Finding, Location
from ctrlgen.silencing import Silence

PLACE = Location("models.py", 7)
UNINDEXED = UNINDEXED_FOREIGN_KEY.at(PLACE, which="no index", model="Member", key="`guild_id`", fix="add one")


def write(folder: Path, comment: str, before: str = "\n" * 6) -> None:
    """Write the models, with this at the end of the line that the finding names."""
    (folder / "models.py").write_text(f"{before}x = 1  {comment}\n")


def unused(folder: Path, *entries: str, findings: tuple[Finding, ...] = (UNINDEXED,)) -> list[str]:
    """Return the findings about unused entries and comments."""
    reported = Silence(entries, folder).unused(findings, ["models.py"])
    return [f"{finding.location}: {finding.code}: {finding.message}" for finding in reported]


@pytest.mark.parametrize("entry", ["CG101", "CG101:Member", "CG101:Member.guild_id"])
def test_silenced_finding_is_not_reported(entry: str, tmp_path: Path) -> None:
    assert Silence([entry], tmp_path).remaining([UNINDEXED]) == ()
    assert unused(tmp_path, entry) == []


@pytest.mark.parametrize("entry", ["CG102", "CG101:Member.other", "CG101:Memb", "CG102:Member.guild_id"])
def test_unused_entry_is_reported_at_its_line(entry: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f"[tool.other]\nignore = ['{entry}']\n[tool.ctrlgen]\nsilence = [\n    'CG101',\n    '{entry}',  # why\n]\n"
    )
    assert Silence([entry], tmp_path).remaining([UNINDEXED]) == (UNINDEXED,)
    (line,) = unused(tmp_path, "CG101", entry)
    assert line == f"pyproject.toml:6: CG401: `silence` lists `{entry}`, which matches no warning; remove it"


def test_entry_whose_line_cannot_be_found_still_has_a_location(tmp_path: Path) -> None:
    assert unused(tmp_path, "CG102")[0].startswith("pyproject.toml:1: CG401")
    (tmp_path / "pyproject.toml").write_text('[tool]\nctrlgen = { "silence" = ["CG1\\u00302"] }\n')
    assert unused(tmp_path, "CG102")[0].startswith("pyproject.toml:1: CG401")


def test_entry_about_tests_or_unused_entries_is_not_reported(tmp_path: Path) -> None:
    assert unused(tmp_path, "CG301", "CG305:Hero", "CG401", "CG402") == []


@pytest.mark.parametrize(
    ("comment", "quiet"),
    [
        ("# ctrlgen: ignore[CG101]", True),
        ("#ctrlgen:ignore[CG1, CG101]", True),
        ("# type: ignore  # ctrlgen: ignore[CG101] it is small", True),
        ("# ctrlgen: ignore", True),
        ("# ctrlgen: ignore[CG102]", False),
        ("# ctrlgen: ignore[]", False),
        ("# CG101", False),
        ("'# ctrlgen: ignore[CG101]'", False),
    ],
)
def test_comment_on_the_line_silences_its_codes(comment: str, quiet: bool, tmp_path: Path) -> None:
    write(tmp_path, comment)
    assert (Silence([], tmp_path).remaining([UNINDEXED]) == ()) is quiet
    other = replace(UNINDEXED, location=Location("models.py", 6))
    assert Silence([], tmp_path).remaining([other]) == (other,)


def test_comment_on_missing_models_silences_nothing(tmp_path: Path) -> None:
    write(tmp_path, "# ctrlgen: ignore[CG201]")
    failed = FAILED_IMPORT.at(PLACE, modules="`app.more`", error="no")
    assert Silence([], tmp_path).remaining([failed]) == (failed,)


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# ctrlgen: ignore[CG101]", []),
        ("# ctrlgen: ignore[CG102, CG101, CG1]", ["CG1", "CG102"]),
        ("# ctrlgen: ignore[CG302, CGL101]", []),  # codes of tests and of hand-written code
        ("# ctrlgen: ignore", []),
        ("'# ctrlgen: ignore[CG102]'", []),
    ],
)
def test_unused_code_in_a_comment_is_reported(comment: str, codes: list[str], tmp_path: Path) -> None:
    write(tmp_path, comment)
    assert [line.split(", ")[0] for line in unused(tmp_path)] == [
        f"models.py:7: CG402: the comment ignores {code}" for code in codes
    ]


def test_comment_counts_as_used_if_the_setting_silences_the_same_finding(tmp_path: Path) -> None:
    write(tmp_path, "# ctrlgen: ignore[CG101]")
    assert unused(tmp_path, "CG101") == []


@pytest.mark.parametrize(
    "text", ["\n" * 6, "type A[T: int = int] = list[T]" + "\n" * 6, "# coding: latin-1" + "\n" * 6]
)
def test_comments_of_a_file_with_invalid_syntax_are_used(text: str, tmp_path: Path) -> None:
    write(tmp_path, "# ctrlgen: ignore[CG101]", text)
    assert Silence([], tmp_path).remaining([UNINDEXED]) == ()


def test_missing_or_binary_file_has_no_comments(tmp_path: Path) -> None:
    assert unused(tmp_path) == []
    (tmp_path / "models.py").write_bytes(b"\xff\xfe# ctrlgen: ignore[CG101]")
    stale = STALE_TEST.at(PLACE, what="it tests", target="x")
    redundant = REDUNDANT_INDEX.at(PLACE, index="a", model="M", other="b")
    assert Silence([], tmp_path).remaining([stale, redundant]) == (stale, redundant)
    assert unused(tmp_path) == []
