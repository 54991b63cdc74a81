"""``# ctrlgen: ignore[...]``."""

from __future__ import annotations

import pytest

from .conftest import codes

CODE = "async def f(db):\n    return await db.user.find_all(){comment}\n"


@pytest.mark.parametrize(
    "comment",
    [
        "  # ctrlgen: ignore[CGL203]",
        "  # ctrlgen: ignore[CGL101, CGL203] the table is small",
        "  # ctrlgen: ignore",
        "  # noqa: X  # ctrlgen:ignore[CGL203]",
    ],
)
def test_comment_on_the_line_silences_a_finding(comment: str) -> None:
    assert codes(CODE.format(comment="")) == ["CGL203"]
    assert codes(CODE.format(comment=comment)) == []


@pytest.mark.parametrize(
    "comment",
    ["  # ctrlgen: ignore[CGL101]", "  # ctrlgen: ignored", "  # ctrlgen: ignore[]", "\n    # ctrlgen: ignore[CGL203]"],
)
def test_other_comment_silences_nothing(comment: str) -> None:
    assert codes(CODE.format(comment=comment)) == ["CGL203"]


def test_string_that_looks_like_a_comment_silences_nothing() -> None:
    code = 'async def f(db):\n    return await db.user.find_all(), "# ctrlgen: ignore[CGL203]"\n'
    assert codes(code) == ["CGL203"]


def test_comment_on_the_last_line_counts() -> None:
    code = "import datetime\nx = (\n    datetime.datetime\n    .utcnow()  # ctrlgen: ignore[CGL602]\n)\n"
    assert codes(code) == []


def test_comments_are_read_despite_newer_syntax() -> None:
    code = "type A[T: int = int] = list[T]\n" + CODE.format(comment="  # ctrlgen: ignore[CGL203]")
    assert codes(code) == []
