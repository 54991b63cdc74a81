"""The methods of unique keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctrlgen.plan import plan_controller
from ctrlgen.schema import Column, Condition

from .build import column, expression, index, method_names, model, unique

ROW_METHODS = ["get_by_{}", "get_one_by_{}", "update_by_{}", "update_one_by_{}", "delete_by_{}"]
UPSERTS = ("get_or_create", "upsert", "create_or_update")
INSERT_METHODS = [f"{kind}_by_{{}}" for kind in UPSERTS]


def named(patterns: list[str], key: str) -> list[str]:
    return [pattern.format(key) for pattern in patterns]


def test_generated_primary_key_has_row_methods_but_no_upsert() -> None:
    assert method_names(model("User", column("points"))) == named(ROW_METHODS, "id")


def test_primary_key_of_the_caller_can_be_upserted() -> None:
    guild = model("Guild", column("guild_id"), column("name"), primary_key=("guild_id",))
    assert method_names(guild) == named(ROW_METHODS + INSERT_METHODS, "guild_id")


def test_unique_constraint_of_two_columns_joins_their_names() -> None:
    case = model(
        "Case",
        column("guild_id"),
        column("number"),
        indexes=(index("guild_id", "number", origin="unique constraint", name="uq_case"),),
    )
    names = method_names(case)
    assert named(ROW_METHODS + INSERT_METHODS, "guild_id_and_number") == names[5:13]


def test_nullable_column_in_a_key_forbids_upsert_and_takes_no_none() -> None:
    user = model("User", column("email", nullable=True), indexes=(unique("email"),))
    methods = {method.name: method for method in plan_controller(user).methods}
    assert "upsert_by_email" not in methods
    assert not methods["get_by_email"].parameters[0].nullable


def test_nulls_not_distinct_accepts_none() -> None:
    user = model("User", column("email", nullable=True), indexes=(unique("email", nulls_not_distinct=True),))
    methods = {method.name: method for method in plan_controller(user).methods}
    assert methods["get_by_email"].parameters[0].nullable


def test_key_with_a_default_forbids_upsert_because_it_would_always_insert() -> None:
    token = model("Token", column("value", presence="optional"), column("note"), indexes=(unique("value"),))
    assert "upsert_by_value" not in method_names(token)
    assert "get_by_value" in method_names(token)


def test_same_columns_under_two_constraints_give_one_set_of_methods() -> None:
    user = model("User", column("email"), indexes=(unique("email", name="a"), unique("email", name="b")))
    names = method_names(user)
    assert len(names) == len(set(names))
    assert names.count("get_by_email") == 1


def test_expression_is_a_key_under_its_name() -> None:
    snippet = model(
        "Snippet",
        column("guild_id"),
        column("name", "str"),
        indexes=(unique("guild_id", expression("lower_name"), name="uq_name"),),
    )
    assert {f"{kind}_by_guild_id_and_lower_name" for kind in ("get", *UPSERTS)} <= set(method_names(snippet))


@pytest.mark.parametrize(
    "name",
    [
        column("name", "str", nullable=True, presence="optional"),
        column("name", "str", nullable=True),
        column("name", "str", presence="optional", default="''"),
        column("name", "str", presence="computed"),
    ],
    ids=["optional", "nullable", "with a default", "computed"],
)
def test_expression_over_optional_columns_forbids_upsert(name: Column) -> None:
    methods = method_names(model("Snippet", name, indexes=(unique(expression("lower_name")),)))
    assert "get_by_lower_name" in methods
    assert not {f"{kind}_by_lower_name" for kind in UPSERTS} & set(methods)


def test_expression_over_unknown_columns_forbids_upsert() -> None:
    snippet = model("Snippet", column("name", "str"), indexes=(unique(expression("lower_name", inputs=())),))
    assert not {f"{kind}_by_lower_name" for kind in UPSERTS} & set(method_names(snippet))


def test_expression_with_a_collation_forbids_upsert_because_on_conflict_does_not_recognize_it() -> None:
    collated = expression("lower_name", 'lower(name) COLLATE "C"')
    snippet = model("Snippet", column("name", "str"), indexes=(unique(collated),))
    methods = method_names(snippet)
    assert "get_by_lower_name" in methods
    assert not {f"{kind}_by_lower_name" for kind in UPSERTS} & set(methods)
    assert plan_controller(snippet).facts.unique == ()


def test_expression_over_several_columns_requires_all_of_them() -> None:
    full = expression("full_name", "first || last", ("first", "last"))
    last = column("last", "str")
    complete = model("Person", column("first", "str"), last, indexes=(unique(full),))
    partly = model("Person", column("first", "str", nullable=True), last, indexes=(unique(full),))
    assert "upsert_by_full_name" in method_names(complete)
    assert "upsert_by_full_name" not in method_names(partly)


def test_partial_key_over_an_expression_gives_upserts_within_its_predicate() -> None:
    lower = unique(
        expression("lower_name"), name="uq_m_open", where="open", conditions=(Condition("open", "=", "True"),)
    )
    snippet = model("M", column("name", "str"), column("open", "bool", kind="bool"), indexes=(lower,))
    methods = {method.name: method for method in plan_controller(snippet).methods}
    assert {f"{kind}_open_by_lower_name" for kind in UPSERTS} <= methods.keys()
    assert methods["upsert_open_by_lower_name"].within == "uq_m_open"


def test_partial_unique_index_is_named_after_its_purpose_and_takes_no_implied_columns() -> None:
    reminder = model(
        "Reminder",
        column("user_id"),
        column("sent", "bool"),
        indexes=(
            unique(
                "user_id",
                "sent",
                name="uq_reminder_pending",
                where="sent = false",
                conditions=(Condition("sent", "=", "False"),),
            ),
        ),
    )
    methods = {method.name: method for method in plan_controller(reminder).methods}
    get = methods["get_pending_by_user_id"]
    assert get.keys == ("user_id",)
    assert get.within == "uq_reminder_pending"
    assert "upsert_pending_by_user_id" in methods


def test_predicate_that_is_not_understood_forbids_upsert() -> None:
    user = model("User", column("email"), indexes=(unique("email", name="uq_user_live", where="f(email)"),))
    assert "get_live_by_email" in method_names(user)
    assert "upsert_live_by_email" not in method_names(user)


def test_predicate_that_only_excludes_nulls_of_the_key_gives_an_ordinary_key() -> None:
    user = model(
        "User",
        column("email", nullable=True),
        indexes=(
            unique("email", name="uq_e", where="email IS NOT NULL", conditions=(Condition("email", "is not null"),)),
        ),
    )
    methods = {method.name: method for method in plan_controller(user).methods}
    assert methods["get_by_email"].within is None


@pytest.mark.parametrize("attribute", ["class", "load", "self", "values"])
def test_parameter_that_would_clash_gets_an_underscore(attribute: str) -> None:
    odd = model("Odd", column(attribute), indexes=(unique(attribute),))
    method = next(method for method in plan_controller(odd).methods if method.name == f"get_by_{attribute}")
    assert method.parameters[0].name == f"{attribute}_"
    assert method.keys == (attribute,)


def test_parameters_of_one_method_stay_apart() -> None:
    odd = model("Odd", column("load"), column("load_"), indexes=(unique("load", "load_"),))
    method = next(method for method in plan_controller(odd).methods if method.name == "get_by_load_and_load_")
    assert [parameter.name for parameter in method.parameters] == ["load__", "load_"]


def test_table_with_only_a_key_has_no_update() -> None:
    link = model("Link", column("a"), column("b"), primary_key=("a", "b"))
    assert "update_by_a_and_b" not in method_names(link)


def test_unique_index_on_null_columns_is_not_a_key() -> None:
    null = (Condition("b", "is null"),)
    names = method_names(
        model(
            "M",
            column("b", nullable=True),
            indexes=(unique("b", name="uq_m_open", where="b IS NULL", conditions=null),),
        )
    )
    assert "find_open" in names
    assert not [name for name in names if name.startswith("get_open")]


ONE, TWO, GONE = Condition("kind", "=", "1"), Condition("kind", "=", "2"), Condition("gone", "is null")


@pytest.mark.parametrize("conditions", [(ONE,), (ONE, GONE), (GONE, ONE)])
def test_partial_key_whose_predicate_is_understood_gives_upserts(conditions: tuple[Condition, ...]) -> None:
    assert "upsert_open_by_m" in partial_names(conditions)


@pytest.mark.parametrize("conditions", [None, (ONE, TWO), (ONE, Condition("kind", "is not null")), (ONE, GONE, ONE)])
def test_partial_key_with_an_unknown_or_ambiguous_predicate_gives_no_upserts(
    conditions: tuple[Condition, ...] | None,
) -> None:
    names = partial_names(conditions)
    assert "get_open_by_m" in names
    assert not [name for name in names if name.startswith(("upsert_open", "get_or_create_open"))]


def partial_names(conditions: tuple[Condition, ...] | None) -> list[str]:
    columns = (column("m"), column("kind", presence="optional"), column("gone", nullable=True, presence="optional"))
    return method_names(
        model("M", *columns, indexes=(unique("m", name="uq_m_open", where="...", conditions=conditions),))
    )


def test_partial_index_that_only_excludes_nulls_is_not_a_target_of_on_conflict() -> None:
    present = (Condition("m", "is not null"),)
    names = method_names(model("M", column("m"), indexes=(unique("m", where="m IS NOT NULL", conditions=present),)))
    assert "get_by_m" in names
    assert "upsert_by_m" not in names


def test_index_that_is_not_unique_does_not_enforce_a_key_of_the_mapper() -> None:
    view = model("View", column("id"), primary_key=("id",), indexes=(index("id", name="ix_view_id"),))
    view = replace(view, columns=view.columns[1:], indexes=(replace(view.indexes[0], enforced=False), view.indexes[1]))
    assert "upsert_by_id" not in method_names(view)


def test_key_without_a_constraint_gives_neither_upsert_nor_get_or_create() -> None:
    view = model("View", column("id"), column("n"), primary_key=("id",))
    view = replace(view, columns=view.columns[1:], indexes=(replace(view.indexes[0], enforced=False),))
    assert method_names(view) == named(ROW_METHODS, "id")
