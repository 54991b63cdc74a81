"""The findings of planning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctrlgen.findings import Location
from ctrlgen.plan import plan
from ctrlgen.schema import Annotation, Condition, ForeignKey, Imported, Schema

from .build import column, index, method_names, model, unique

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


def test_partial_index_that_leaves_out_only_rows_that_refer_to_nothing_leads_its_foreign_key() -> None:
    present = Condition("guild_id", "is not null")
    partial = index("guild_id", name="ix_user_guild", where="guild_id IS NOT NULL", conditions=(present,))
    user = model("User", column("guild_id", nullable=True), foreign_keys=(KEY,), indexes=(partial,))
    assert codes(user) == []
    assert "find_by_guild_id" in method_names(user)


@pytest.mark.parametrize("conditions", [(), (Condition("n", "is not null"),)])
def test_other_partial_index_does_not_lead_a_foreign_key(conditions: tuple[Condition, ...]) -> None:
    partial = index("guild_id", "n", name="ix_user_some", where="...", conditions=conditions or None)
    user = model("User", column("guild_id"), column("n", nullable=True), foreign_keys=(KEY,), indexes=(partial,))
    (finding,) = plan(Schema((user,)), "db").findings
    assert "no index over all rows of `User` begins with its foreign key `guild_id`" in finding.message
    assert "find_by_guild_id" not in method_names(user), "rows without `n` would be missing"
    assert "find_some_by_guild_id" in method_names(user)


def test_private_model_and_private_type_are_found_because_strict_type_checkers_refuse_their_import() -> None:
    plain = column("state", line=4)
    private = replace(plain, annotation=Annotation(("list[", Imported("models", "Outer._State"), "]")))
    assert codes(model("_User", private)) == [("CG114", "models.py:1"), ("CG114", "models.py:4")]
    assert codes(model("User", replace(plain, annotation=Annotation((Imported("_models", "State"),))))) == []


def test_column_that_can_not_be_a_keyword_is_found() -> None:
    assert codes(model("User", column("limit", line=4))) == [("CG106", "models.py:4")]


def test_partial_index_that_would_replace_a_member_gives_no_method() -> None:
    implied = index("x", name="idx_user_all", where="x = 1", conditions=(Condition("x", "=", "1"),))
    user = model("User", column("x"), indexes=(implied,))
    assert [code for code, _ in codes(user)] == ["CG105"]
    assert "find_all" not in method_names(user)


def test_key_that_may_be_null_is_told_with_all_its_columns() -> None:
    member = model("Member", column("guild_id"), column("nick", nullable=True), indexes=(unique("guild_id", "nick"),))
    (finding,) = plan(Schema((member,)), "db").findings
    assert finding.message.startswith("`Member` is unique by `guild_id`, `nick`, and `nick` may be NULL")


def test_each_foreign_key_without_index_is_found_at_its_own_line() -> None:
    other = replace(KEY, attributes=("owner_id",), location=Location("models.py", 8))
    user = model("User", column("guild_id"), column("owner_id"), foreign_keys=(KEY, other))
    assert codes(user) == [("CG101", "models.py:7"), ("CG101", "models.py:8")]
