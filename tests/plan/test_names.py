"""How things are called, and what is refused."""

from __future__ import annotations

import pytest

from ctrlgen.errors import NameClashError
from ctrlgen.package import RUNTIME_NAMES
from ctrlgen.plan import plan, plan_controller
from ctrlgen.plan.casing import snake_case
from ctrlgen.plan.naming import CONTROLLER, FACADE, REFINEMENTS, index_purpose
from ctrlgen.schema import Schema
from generated import runtime

from .build import column, model


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("User", "user"),
        ("GuildConfig", "guild_config"),
        ("A2ATask", "a2a_task"),
        ("ConnectionOAuth", "connection_oauth"),
        ("OAuthToken", "oauth_token"),
        ("APIKey", "api_key"),
        ("HTTPServer", "http_server"),
        ("UserV2", "user_v2"),
    ],
)
def test_snake_case_knows_acronyms(name: str, snake: str) -> None:
    assert snake_case(name) == snake


@pytest.mark.parametrize(
    ("index", "purpose"),
    [
        ("idx_reminder_pending", "pending"),
        ("ix_reminders_pending", "pending"),
        ("uq_pending", "pending"),
        ("reminder_due_soon", "due_soon"),
        ("idx_reminder", ""),
    ],
)
def test_partial_index_is_named_by_what_is_left_without_prefix_and_table(index: str, purpose: str) -> None:
    assert index_purpose(index, model("Reminder", table="reminders")) == purpose


@pytest.mark.parametrize(("name", "class_name"), [("_Hidden", "HiddenController"), ("_2FA", "Model2FAController")])
def test_underscore_before_a_class_is_dropped_and_a_digit_never_begins_a_name(name: str, class_name: str) -> None:
    assert plan_controller(model(name)).class_name == class_name


def test_two_models_of_one_name_are_refused_with_both_places() -> None:
    schema = Schema((model("ApiKey", line=3), model("APIKey", line=9)))
    with pytest.raises(NameClashError) as caught:
        plan(schema, "db")
    assert str(caught.value) == "models.py:9: `models.APIKey` and `models.ApiKey` both want to be `db.api_key`"
    assert "models.py:3" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["Session", "Transaction", "Run", "Database", "Runtime", "Engine", "Base"])
def test_model_named_like_a_member_of_the_facade_is_refused(name: str) -> None:
    with pytest.raises(NameClashError, match="which the database facade needs itself"):
        plan(Schema((model(name, column("x")),)), "db")


def test_controllers_come_in_the_order_of_their_modules() -> None:
    package = plan(Schema((model("Zebra"), model("Ant"))), "db")
    assert [controller.module for controller in package.controllers] == ["ant", "zebra"]


def test_names_the_runtime_takes_are_the_names_plan_reserves() -> None:
    service = {name for name in vars(runtime.DatabaseService) if not name.startswith("_")}
    controller = {name for name in vars(runtime.BaseController) if not name.startswith("_")}
    refinements = set(runtime.Refinements.__annotations__)
    assert service <= FACADE
    assert controller <= CONTROLLER
    assert refinements <= REFINEMENTS


def test_everything_reexported_is_there() -> None:
    assert {name for name in RUNTIME_NAMES if not hasattr(runtime, name)} == set()
