"""What is worth a warning."""

from __future__ import annotations

from ctrlgen.plan import plan
from ctrlgen.schema import ForeignKey, Imported, Location, Schema

from .build import column, index, method_names, model

KEY = ForeignKey(("guild_id",), Imported("models", "Guild"), ("id",), Location("models.py", 7))


def codes(*models: object) -> list[tuple[str, str]]:
    package = plan(Schema(models), "db")  # type: ignore[arg-type]  # built by the helpers above
    return [(finding.code, str(finding.location)) for finding in package.findings]


def test_foreign_key_without_index_is_found_at_its_line() -> None:
    assert codes(model("User", column("guild_id"), foreign_keys=(KEY,))) == [("CG101", "models.py:7")]


def test_foreign_key_that_leads_an_index_is_fine() -> None:
    user = model("User", column("guild_id"), column("n"), foreign_keys=(KEY,), indexes=(index("guild_id", "n"),))
    assert codes(user) == []


def test_foreign_key_behind_another_column_is_not_led() -> None:
    user = model("User", column("guild_id"), column("n"), foreign_keys=(KEY,), indexes=(index("n", "guild_id"),))
    assert codes(user) == [("CG101", "models.py:7")]


def test_column_that_can_not_be_a_keyword_is_found() -> None:
    assert codes(model("User", column("limit", line=4))) == [("CG106", "models.py:4")]


def test_partial_index_that_would_replace_a_member_gives_no_method() -> None:
    user = model("User", column("x"), indexes=(index("x", name="idx_user_all", where="x > 1"),))
    assert [code for code, _ in codes(user)] == ["CG105"]
    assert "find_all" not in method_names(user)
