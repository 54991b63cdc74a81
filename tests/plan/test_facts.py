"""The facts about a model that are emitted for the runtime."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctrlgen.blueprint import Facts, Partial
from ctrlgen.plan import plan_controller
from ctrlgen.schema import Condition, Index, Model
from ctrlgen.settings import Options

from .build import column, expression, index, model, unique

OPEN = Condition("open", "=", "True")


def facts(*columns: object, **options: object) -> Facts:
    return plan_controller(model("M", *columns, **options)).facts  # type: ignore[arg-type]  # passed on as given


def test_columns_are_grouped_by_their_presence_in_a_new_row() -> None:
    columns = [column("a"), column("b", presence="computed"), column("c", presence="optional", omitted=True)]
    assert facts(*columns) == Facts(required=("a",), computed=("b",), omitted=("c",))


def test_required_columns_match_the_required_keys() -> None:
    controller = plan_controller(model("M", column("a"), column("b", presence="optional")))
    assert controller.facts.required == tuple(entry.key for entry in controller.create if entry.required)


@pytest.mark.parametrize(
    ("indexes", "expected"),
    [
        ((unique("a"), unique("b", "a", name="uq_b")), (("a",), ("b", "a"))),
        ((unique("a"), unique("a", name="uq_again")), (("a",),)),
        ((unique("id", name="uq_id"), index("a", name="ix")), ()),
        ((unique("a", expression("lower_name")),), (("a", "lower_name"),)),
        ((unique(expression(None, "a + 1"), name="uq"),), ()),
        ((unique("a", where="open", conditions=(OPEN,)),), ()),
        ((unique("a", deferrable=True),), ()),
        ((unique("a"), unique("a", name="uq_late", deferrable=True)), ()),
        ((unique("a", nulls_not_distinct=True),), (("a",),)),
    ],
)
def test_keys_that_on_conflict_accepts(indexes: tuple[Index, ...], expected: tuple[tuple[str, ...], ...]) -> None:
    assert facts(column("a"), column("b"), column("name"), indexes=indexes).unique == expected


def test_expressions_have_the_names_used_in_filters() -> None:
    indexes = (index(expression("lower_name"), "a", name="ix_a"), index(expression("lower_name"), name="ix_b"))
    assert facts(column("a"), column("name"), indexes=indexes).expressions == (expression("lower_name"),)


def partial(*parts: str, **options: object) -> Model:
    columns = (column("a"), column("open", "bool", kind="bool", presence="optional"), column("b", nullable=True))
    return model("M", *columns, indexes=(unique(*parts, name="uq_m_open", where="the predicate", **options),))


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ((OPEN,), Partial("uq_m_open", "the predicate", (OPEN,), keys=("a",))),
        (
            (Condition("b", "is null"), OPEN),
            Partial("uq_m_open", "the predicate", (Condition("b", "is null"), OPEN), keys=("a",)),
        ),
        (
            (OPEN, Condition("b", "is not null")),
            Partial("uq_m_open", "the predicate", (OPEN,), ("b",), keys=("a",)),
        ),
        (None, Partial("uq_m_open", "the predicate", keys=("a",))),
        ((OPEN, Condition("open", "=", "False")), Partial("uq_m_open", "the predicate", keys=("a",))),
    ],
)
def test_partial_index_has_the_conditions_of_its_predicate(
    conditions: tuple[Condition, ...] | None, expected: Partial
) -> None:
    assert plan_controller(partial("a", conditions=conditions)).facts.partial == (expected,)


def test_on_conflict_covers_implied_columns_that_methods_do_not_take() -> None:
    controller = plan_controller(partial("a", "open", conditions=(OPEN,)))
    assert controller.facts.partial[0].keys == ("a", "open")
    assert {method.keys for method in controller.methods if method.within} == {("a",)}


def test_on_conflict_uses_the_name_of_an_expression_in_a_partial_index() -> None:
    lower = unique(expression("lower_name"), "a", name="uq_m_open", where="open", conditions=(OPEN,))
    assert facts(column("name"), column("a"), column("open"), indexes=(lower,)).partial[0].keys == ("lower_name", "a")


def test_on_conflict_does_not_use_a_partial_index_on_an_unnamed_expression() -> None:
    nameless = unique("a", expression(None, "a + 1"), expression(None, "a + 2"), name="uq_m", where="open")
    assert facts(column("a"), column("open"), indexes=(nameless,)).partial[0].keys == ()


def test_partial_index_that_is_not_unique_has_no_keys() -> None:
    late = index("a", name="ix_m_open", where="open", conditions=(OPEN,))
    assert facts(column("a"), column("open"), indexes=(late,)).partial == (Partial("ix_m_open", "open", (OPEN,)),)


def test_partial_index_without_methods_is_not_emitted() -> None:
    late = index("a", name="ix_m_open", where="open", conditions=(OPEN,))
    controller = model("M", column("a"), column("open"), indexes=(late,))
    assert plan_controller(controller, Options(skip_methods=("M.find_open_by_a",))).facts.partial == ()
    present = replace(late, predicate=replace(late.predicate, conditions=(Condition("a", "is not null"),)))  # type: ignore[type-var]
    assert plan_controller(replace(controller, indexes=(controller.indexes[0], present))).facts.partial == ()
