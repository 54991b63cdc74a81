"""The keys of the TypedDicts."""

from __future__ import annotations

from ctrlgen.plan import plan, plan_controller
from ctrlgen.schema import Schema

from .build import column, expression, index, model


def test_new_row_accepts_all_columns_except_computed_ones_and_requires_those_without_a_default() -> None:
    controller = plan_controller(
        model("M", column("a"), column("b", presence="optional"), column("c", presence="computed"))
    )
    assert {entry.key: entry.required for entry in controller.create} == {"id": False, "a": True, "b": False}


def test_update_accepts_neither_the_primary_key_nor_computed_columns() -> None:
    controller = plan_controller(model("M", column("a"), column("c", presence="computed")))
    assert [(entry.key, entry.wrapper) for entry in controller.update] == [("a", "Settable")]


def test_filter_accepts_spans_only_on_columns_with_an_order_and_nothing_on_json() -> None:
    controller = plan_controller(
        model("M", column("a"), column("b", comparison="equal"), column("j", comparison="none"))
    )
    assert [(entry.key, entry.wrapper) for entry in controller.where] == [
        ("id", "Ordered"),
        ("a", "Ordered"),
        ("b", "Equal"),
    ]


def test_filter_accepts_the_named_expressions_of_indexes() -> None:
    controller = plan_controller(model("M", column("name"), indexes=(index(expression("lower_name"), name="ix"),)))
    assert controller.where[-1].key == "lower_name"
    assert controller.facts.expressions == (expression("lower_name"),)


def test_column_or_expression_named_like_a_refinement_is_not_a_filter() -> None:
    double = index(expression(None, "n * 2"), name="ix_m_order_by")
    package = plan(Schema((model("M", column("limit"), indexes=(double,)),)), "db")
    (controller,) = package.controllers
    assert [entry.key for entry in controller.where] == ["id"]
    assert "find_by_order_by" in [method.name for method in controller.methods]
    assert [finding.code for finding in package.findings] == ["CG106", "CG106"]
