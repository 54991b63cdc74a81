"""The finders of indexes that are not keys, and the loaders of relationships."""

from __future__ import annotations

from ctrlgen.blueprint import Method
from ctrlgen.plan import plan, plan_controller
from ctrlgen.schema import Condition, Index, Schema

from .build import column, expression, index, method_names, model, relation, unique


def finders(of: list[str]) -> list[str]:
    return [name for name in of if name.startswith("find")]


def test_leading_column_of_an_index_gives_one_finder() -> None:
    user = model("User", column("guild_id"), column("points"), indexes=(index("guild_id", "points", name="ix"),))
    assert finders(method_names(user)) == ["find_by_guild_id"]


def test_docstring_names_what_the_composite_index_narrows_by() -> None:
    user = model("User", column("guild_id"), column("points"), indexes=(index("guild_id", "points", name="ix"),))
    finder = next(method for method in plan_controller(user).methods if method.kind == "find")
    assert finder.doc == "Select the rows with this `guild_id`. Backed by `ix`. An index also narrows by `points`."


def test_two_indexes_with_one_leading_column_give_one_finder() -> None:
    user = model("User", column("a"), column("b"), column("c"), indexes=(index("a", "b"), index("a", "c")))
    assert finders(method_names(user)) == ["find_by_a"]


def test_leading_column_of_a_composite_primary_key_gives_a_finder() -> None:
    afk = model("Afk", column("guild_id"), column("member_id"), primary_key=("guild_id", "member_id"))
    assert finders(method_names(afk)) == ["find_by_guild_id"]


def test_column_that_is_a_unique_key_gives_no_finder() -> None:
    user = model("User", column("email"), column("n"), indexes=(unique("email"), index("email", "n")))
    assert finders(method_names(user)) == []


def test_partial_index_gives_a_finder_named_after_its_purpose() -> None:
    reminder = model(
        "Reminder",
        column("due"),
        indexes=(
            index("due", name="idx_reminder_pending", where="NOT sent", conditions=(Condition("sent", "=", "False"),)),
        ),
    )
    finder = next(method for method in plan_controller(reminder).methods if method.kind == "find")
    assert (finder.name, finder.within, finder.keys) == ("find_pending_by_due", "idx_reminder_pending", ("due",))
    assert finder.doc == "Select the rows with this `due` (where NOT sent). Backed by `idx_reminder_pending`."


def partial_finders(*indexes: Index) -> list[Method]:
    case = model("Case", *(column(name, nullable=name == "c") for name in "abc"), column("open"), indexes=indexes)
    return [method for method in plan_controller(case).methods if method.kind == "find"]


OPEN = Condition("open", "=", "True")


def test_finder_of_a_partial_index_takes_its_leading_column() -> None:
    (finder,) = partial_finders(index("a", "b", name="idx_case_open", where="open", conditions=(OPEN,)))
    assert (finder.name, finder.keys) == ("find_open_by_a", ("a",))
    assert (
        finder.doc
        == "Select the rows with this `a` (where open). Backed by `idx_case_open`. An index also narrows by `b`."
    )


def test_finder_takes_no_implied_columns() -> None:
    first, none = (
        index("open", "a", name="idx_case_first", where="open", conditions=(OPEN,)),
        index("open", name="idx_case_none", where="open", conditions=(OPEN,)),
    )
    methods = {method.name: (method.keys, method.doc) for method in partial_finders(first, none)}
    assert methods == {
        "find_first_by_a": (("a",), "Select the rows with this `a` (where open). Backed by `idx_case_first`."),
        "find_none": ((), "Select the rows of `idx_case_none` (where open)."),
    }


def test_partial_indexes_that_only_narrow_differently_give_one_finder() -> None:
    indexes = [index("a", *more, name=f"idx_case_open_a{'_'.join(['', *more])}", where="x") for more in ((), "b", "c")]
    (finder,) = partial_finders(*indexes)
    backing = "Backed by `idx_case_open_a`."
    assert finder.doc == f"Select the rows with this `a` (where x). {backing} An index also narrows by `b` or `c`."


def test_partial_unique_index_gives_a_finder_by_its_leading_part_unless_that_is_its_only_parameter() -> None:
    several = unique("open", "a", "c", name="uq_case_open", where="open", conditions=(OPEN,))
    (finder,) = partial_finders(several)
    assert (finder.name, finder.within, finder.keys) == ("find_open_by_a", "uq_case_open", ("a",))
    assert finder.doc.endswith("(where open). Backed by `uq_case_open`. An index also narrows by `c`.")
    assert partial_finders(unique("open", "a", name="uq_case_open", where="open", conditions=(OPEN,))) == []
    present = (Condition("c", "is not null"),)  # an ordinary key, which lacks rows with this `a`
    assert partial_finders(unique("a", "c", name="uq_case_set", where="c IS NOT NULL", conditions=present)) == []


def test_partial_indexes_that_lead_with_different_parts_give_a_finder_each() -> None:
    orders = [
        unique(*parts, name=f"uq_case_open_{'_'.join(parts)}", where="open", conditions=(OPEN,))
        for parts in ("ab", "ba")
    ]
    assert [finder.name for finder in partial_finders(*orders)] == ["find_open_by_a", "find_open_by_b"]


def test_finder_of_a_partial_unique_index_yields_to_another_index_without_a_finding() -> None:
    first = unique("a", "b", name="uq_case_late_a_b", where="b > 1")
    second = unique("a", "c", name="uq_case_late_a_c", where="c > 1")
    plain = index("a", name="ix_case_late", where="open", conditions=(OPEN,))
    assert [finder.within for finder in partial_finders(first, second)] == ["uq_case_late_a_b"]
    assert [finder.within for finder in partial_finders(first, second, plain)] == ["ix_case_late"]
    case = model("Case", *map(column, "abc"), column("open"), indexes=(first, second, plain))
    assert "CG107" not in {finding.code for finding in plan(Schema((case,)), "db").findings}


def test_finder_of_a_partial_index_accepts_null_unless_the_predicate_excludes_it() -> None:
    present = (OPEN, Condition("c", "is not null"))
    some, known = (
        index("c", name="idx_case_some", where="open", conditions=(OPEN,)),
        index("c", name="idx_case_known", where="open AND c IS NOT NULL", conditions=present),
    )
    nullable = {method.name: method.parameters[0].nullable for method in partial_finders(some, known)}
    assert nullable == {"find_some_by_c": True, "find_known_by_c": False}


def test_expression_that_leads_an_index_gives_a_finder() -> None:
    user = model("User", column("email"), indexes=(index(expression("lower_email"), name="ix"),))
    assert finders(method_names(user)) == ["find_by_lower_email"]


def test_index_that_does_not_support_equality_gives_no_finder() -> None:
    page = model("Page", column("words"), indexes=(index("words", method="gin"),))
    assert finders(method_names(page)) == []


def test_every_relationship_has_a_loader() -> None:
    user = model("User", relations=(relation("cases"), relation("guild", many=False)))
    assert [name for name in method_names(user) if name.startswith("load")] == ["load_cases", "load_guild"]


def test_unnamed_expression_does_not_prevent_the_finder_of_the_leading_column() -> None:
    odd = index("a", expression(None, "n % 2"), expression(None, "n % 3"), "b", name="ix")
    assert finders(method_names(model("User", column("a"), column("b"), indexes=(odd,)))) == ["find_by_a"]
    unnamed = unique("a", expression(None, "n % 2"), expression(None, "n % 3"), name="uq")
    assert method_names(model("User", column("a"), indexes=(unnamed,)))[-1] == "find_by_a"
