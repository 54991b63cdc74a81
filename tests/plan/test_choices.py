"""The effects of the settings: names, skipped models and methods, silenced warnings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctrlgen.errors import ConfigError, ModelError
from ctrlgen.findings import Location
from ctrlgen.plan import plan, plan_controller
from ctrlgen.schema import ForeignKey, Imported, Index, Schema
from ctrlgen.settings import Options

from .build import column, expression, index, method_names, model, relation, unique

USER = model("User", column("name", "str", kind="str"), indexes=(unique("name", name="uq_user_name"),))
SESSION = model("Session", column("token", "str", kind="str"), line=5)
KEY = ForeignKey(("guild_id",), Imported("models", "Guild"), ("id",), Location("models.py", 7))
MEMBER = model("Member", column("guild_id"), foreign_keys=(KEY,))


def methods(options: Options) -> list[str]:
    (controller,) = plan(Schema((USER,)), "db", options).controllers
    return [method.name for method in controller.methods]


@pytest.mark.parametrize("key", ["Session", "models.Session"])
def test_model_has_its_configured_name(key: str) -> None:
    (controller,) = plan(Schema((SESSION,)), "db", Options(names={key: "Login"})).controllers
    assert (controller.module, controller.class_name, controller.create_name) == (
        "login",
        "LoginController",
        "LoginCreate",
    )


def test_method_has_its_configured_name() -> None:
    assert "by_name" in methods(Options(names={"User.get_by_name": "by_name"}))


def test_method_cannot_take_the_name_of_another() -> None:
    with pytest.raises(
        ConfigError, match="gives a method of `UserController` the name `get_by_id`, which is already taken"
    ):
        methods(Options(names={"User.get_by_name": "get_by_id"}))


def test_model_is_left_out() -> None:
    package = plan(Schema((SESSION, USER)), "db", Options(skip_models=("Session",)))
    assert [controller.module for controller in package.controllers] == ["user"]


def test_method_is_left_out() -> None:
    assert "delete_by_id" not in methods(Options(skip_methods=("models.User.delete_by_id",)))


@pytest.mark.parametrize("options", [Options(skip_models=("Usr",)), Options(names={"Usr": "X"})])
def test_unknown_name_is_refused_with_a_suggestion(options: Options) -> None:
    with pytest.raises(ConfigError, match="refers to `Usr`") as caught:
        methods(options)
    assert caught.value.hint == "did you mean `User`?"


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (Options(skip_methods=("User",)), "`User`, which is a model", "list it in `skip.models`"),
        (Options(skip_models=("User.get_by_id",)), "`User.get_by_id`, which is a method", "list it in `skip.methods`"),
    ],
)
def test_entry_in_the_wrong_list_is_refused(options: Options, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        methods(options)
    assert caught.value.hint == hint


def test_package_without_any_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves out every model"):
        methods(Options(skip_models=("User",)))


def test_suffixes_of_models_are_stripped_and_those_of_typed_dicts_replaced() -> None:
    options = Options(strip=("Table", "Schema"), create_suffix="Insert", update_suffix="Patch")
    controller = plan_controller(model("UserTable", column("x")), options)
    assert (controller.module, controller.create_name, controller.update_name) == ("user", "UserInsert", "UserPatch")


def test_foreign_key_without_index_gets_a_finder_on_request() -> None:
    package = plan(Schema((MEMBER,)), "db", Options(foreign_keys="emit"))
    (finder,) = [method for method in package.controllers[0].methods if method.name == "find_by_guild_id"]
    assert "scans the table" in finder.doc
    assert package.findings == ()


def test_foreign_key_without_index_is_an_error_on_request() -> None:
    other = model("Ban", column("guild_id"), foreign_keys=(replace(KEY, location=Location("models.py", 9)),))
    with pytest.raises(
        ModelError, match=r"`Member` by `guild_id` \(models.py:7\); `Ban` by .* \(models.py:9\)"
    ) as caught:
        plan(Schema((MEMBER, other)), "db", Options(foreign_keys="error"))
    assert str(caught.value.location) == "models.py:7"


def test_key_of_many_columns_is_named_after_its_constraint() -> None:
    names = tuple("abcde")
    wide = model("Wide", *map(column, names), primary_key=names, indexes=(unique(*names[::-1], name="uq_wide_slot"),))
    assert "get_by_primary_key" in method_names(wide)
    other = model("Wide", *map(column, names), indexes=(unique(*names, name="uq_wide_slot"),))
    assert "get_by_slot" in method_names(other)


def test_expression_without_a_name_is_named_after_its_index() -> None:
    user = model("User", column("n"), indexes=(index(expression(None, "n % 10"), name="ix_user_digit"),))
    (controller,) = plan(Schema((user,)), "db").controllers
    assert "find_by_digit" in [method.name for method in controller.methods]


def codes(*indexes: object, **options: object) -> list[str]:
    user = model("User", column("a"), column("b", nullable=True), indexes=indexes)  # type: ignore[arg-type]  # as built
    return [finding.code for finding in plan(Schema((user,)), "db").findings]


def test_expression_that_cannot_be_named_is_found() -> None:
    assert codes(index(expression(None, "n % 10"), name="ix_user")) == ["CG104"]


def test_index_that_another_one_begins_with_is_found() -> None:
    assert codes(index("a", name="ix_a"), index("a", "b", name="ix_a_b")) == ["CG102"]
    assert codes(index("a", name="ix_a"), unique("a", name="uq_a")) == ["CG102"]
    assert codes(index("a", name="ix_a"), index("a", name="ix_a2")) == ["CG102"]
    assert codes(index("b", name="ix_b"), index("a", "b", name="ix_a_b")) == []
    assert codes(index("a", name="ix_a", where="a > 1"), index("a", "b", name="ix_a_b")) == []


DESC = ("desc nulls first",)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (index("a", name="ix_a"), replace(index("a", name="ix_a2"), orders=DESC)),
        (index("a", name="ix_a"), replace(index("a", name="ix_a2"), orders=("int4_minmax_ops",))),
        (replace(index("a", name="ix_a"), orders=DESC), index("a", "b", name="ix_a_b")),
        (index("a", "b", name="ix_a_b"), replace(index("a", "b", name="ix_a_b2"), orders=("", *DESC))),
        (replace(index("a", name="ix_a"), included=("b",)), replace(index("a", name="ix_a2"), included=("id",))),
        (replace(index("a", name="ix_a"), included=("id",)), index("a", "b", name="ix_a_b")),
        (index("a", name="ix_a", method="hash"), index("a", name="ix_a2")),
        (index("a", name="ix_a", method="gin"), index("a", "b", name="ix_a_b", method="gin")),
        (index("a", name="ix_a", where="a > 1"), index("a", name="ix_a2", where="a > 2")),
        (index("a", name="ix_a"), replace(unique("a", name="uq_a"), enforced=False)),
    ],
)
def test_index_for_other_queries_is_not_a_duplicate(first: Index, second: Index) -> None:
    assert codes(first, second) == []
    assert codes(second, first) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (replace(index("a", name="ix_a"), orders=DESC), replace(index("a", name="ix_a2"), orders=DESC)),
        (replace(index("a", name="ix_a"), orders=DESC), replace(index("a", "b", name="ix_a_b"), orders=DESC)),
        (index("a", name="ix_a"), replace(index("a", name="ix_a2"), included=("b",))),
        (replace(index("a", name="ix_a"), included=("b",)), index("a", "b", name="ix_a_b")),
        (index("a", name="ix_a", method="gin"), index("a", name="ix_a2", method="gin")),
        (index("a", name="ix_a", where="a > 1"), index("a", name="ix_a2", where="a > 1")),
    ],
)
def test_index_without_further_use_is_a_duplicate_in_any_order(first: Index, second: Index) -> None:
    assert codes(first, second) == ["CG102"]
    assert codes(second, first) == ["CG102"]


def test_unique_key_that_may_be_null_is_found() -> None:
    assert codes(unique("b", name="uq_b")) == ["CG103"]
    assert codes(unique("b", name="uq_b", nulls_not_distinct=True)) == []


def test_hash_index_does_not_support_spans() -> None:
    user = model("User", column("a"), indexes=(index("a", name="ix", method="hash"),), relations=(relation("x"),))
    (finder,) = [method for method in plan_controller(user).methods if method.kind == "find"]
    assert finder.parameters[0].comparison == "equal"
