"""The findings of planning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctrlgen.errors import UnindexedForeignKeyError
from ctrlgen.findings import Location
from ctrlgen.plan import plan
from ctrlgen.schema import Annotation, Condition, ForeignKey, Imported, Partitioning, Schema
from ctrlgen.settings import Options

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


def test_foreign_key_after_another_column_counts_as_unindexed() -> None:
    user = model("User", column("guild_id"), column("n"), foreign_keys=(KEY,), indexes=(index("n", "guild_id"),))
    assert codes(user) == [("CG101", "models.py:7")]


def test_partial_index_that_excludes_only_null_references_covers_its_foreign_key() -> None:
    present = Condition("guild_id", "is not null")
    partial = index("guild_id", name="ix_user_guild", where="guild_id IS NOT NULL", conditions=(present,))
    user = model("User", column("guild_id", nullable=True), foreign_keys=(KEY,), indexes=(partial,))
    assert codes(user) == []
    assert "find_by_guild_id" in method_names(user)


@pytest.mark.parametrize("conditions", [(), (Condition("n", "is not null"),)])
def test_other_partial_index_does_not_cover_a_foreign_key(conditions: tuple[Condition, ...]) -> None:
    partial = index("guild_id", "n", name="ix_user_some", where="...", conditions=conditions or None)
    user = model("User", column("guild_id"), column("n", nullable=True), foreign_keys=(KEY,), indexes=(partial,))
    (finding,) = plan(Schema((user,)), "db").findings
    assert finding.message.startswith("only a partial index of `User` begins with the foreign key `guild_id`: ")
    assert "find_by_guild_id" not in method_names(user), "rows without `n` would be missing"
    assert "find_some_by_guild_id" in method_names(user)


def test_foreign_key_of_several_columns_is_found_with_the_index_to_paste() -> None:
    key = replace(KEY, attributes=("guild_id", "n"))
    user = model("User", column("guild_id"), column("n"), foreign_keys=(key,), indexes=(index("n"),))
    (finding,) = plan(Schema((user,)), "db").findings
    assert finding.message.startswith("no index of `User` begins with the foreign key `guild_id`, `n`: ")
    advice = 'add `Index("ix_user_guild_id_n", "guild_id", "n")` to its `__table_args__`'
    assert finding.message.endswith(advice)
    with pytest.raises(UnindexedForeignKeyError) as caught:
        plan(
            Schema((user, model("Post", column("guild_id"), foreign_keys=(KEY,)))), "db", Options(foreign_keys="error")
        )
    assert str(caught.value.hint).split("; ") == [advice, "declare `index=True`"]


def test_private_model_and_private_type_are_found_because_strict_type_checkers_refuse_their_import() -> None:
    plain = column("state", line=4)
    private = replace(plain, annotation=Annotation(("list[", Imported("models", "Outer._State"), "]")))
    assert codes(model("_User", private)) == [("CG114", "models.py:1"), ("CG114", "models.py:4")]
    assert codes(model("User", replace(plain, annotation=Annotation((Imported("_models", "State"),))))) == []


def test_column_that_cannot_be_a_keyword_is_found() -> None:
    assert codes(model("User", column("limit", line=4))) == [("CG106", "models.py:4")]


def test_partial_index_that_would_replace_a_member_gives_no_method() -> None:
    implied = index("x", name="idx_user_all", where="x = 1", conditions=(Condition("x", "=", "1"),))
    user = model("User", column("x"), indexes=(implied,))
    assert [code for code, _ in codes(user)] == ["CG105"]
    assert "find_all" not in method_names(user)


def test_nullable_key_is_reported_with_all_its_columns() -> None:
    member = model("Member", column("guild_id"), column("nick", nullable=True), indexes=(unique("guild_id", "nick"),))
    (finding,) = plan(Schema((member,)), "db").findings
    assert finding.message.startswith("`Member` is unique by `guild_id`, `nick`, and `nick` may be NULL")


def test_each_foreign_key_without_index_is_found_at_its_own_line() -> None:
    other = replace(KEY, attributes=("owner_id",), location=Location("models.py", 8))
    user = model("User", column("guild_id"), column("owner_id"), foreign_keys=(KEY, other))
    assert codes(user) == [("CG101", "models.py:7"), ("CG101", "models.py:8")]


def partitioned(*columns: str, expressions: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> Partitioning:
    return Partitioning(f"LIST ({', '.join([*columns, *expressions, *unknown])})", columns, expressions, unknown)


def test_unique_key_without_the_columns_of_the_partitions_cannot_be_created() -> None:
    keys = (unique("name", name="uq_name"), unique("guild_id", "name", name="uq_guild_name"), index("name"))
    user = model("User", column("guild_id"), column("name"), indexes=keys)
    listed = replace(user, partitioning=partitioned("guild_id"))
    findings = [finding for finding in plan(Schema((listed,)), "db").findings if finding.code == "CG115"]
    refusal = (
        "but the table is partitioned by `LIST (guild_id)`: PostgreSQL cannot create it; add `guild_id` to the key"
    )
    assert [finding.message for finding in findings] == [
        f"`{key}` of `User` does not contain `guild_id`, {refusal}" for key in ("pk", "uq_name")
    ]


def test_primary_key_of_the_mapper_alone_may_lack_the_columns_of_the_partitions() -> None:
    user = model("User", column("guild_id"))
    unknown_to_database = replace(user, indexes=(replace(user.primary_key, enforced=False),))
    assert codes(replace(unknown_to_database, partitioning=partitioned("guild_id"))) == []


def test_table_that_is_partitioned_by_an_expression_has_no_unique_key() -> None:
    user = replace(model("User"), partitioning=partitioned("id", expressions=("(id % 4)",)))
    (finding,) = plan(Schema((user,)), "db").findings
    assert finding.message == (
        "`pk` of `User` is unique, but the table is partitioned by `LIST (id, (id % 4))`: PostgreSQL cannot create it; "
        "partition by columns, and make them part of every unique key"
    )


def test_column_of_the_partitions_that_does_not_exist_is_found() -> None:
    user = replace(model("User", column("guild_id")), partitioning=partitioned(unknown=("gild_id",)))
    (finding,) = plan(Schema((user,)), "db").findings
    assert (finding.code, finding.message) == (
        "CG116",
        "`User` is partitioned by `gild_id`, which is not a column of `user`; did you mean `guild_id`?",
    )
