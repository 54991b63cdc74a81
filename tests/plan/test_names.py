"""The rules for names, and the names that are refused."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest

from ctrlgen.blueprint import RUNTIME_NAMES
from ctrlgen.errors import NameClashError
from ctrlgen.plan import plan, plan_controller
from ctrlgen.plan.naming import CONTROLLER, FACADE, REFINEMENTS, index_purpose, purpose_beside, snake_case
from ctrlgen.schema import Condition, Index, Schema
from ctrlgen.settings import Options
from generated.runtime.cache_service import CachingService
from generated.runtime.cache_sync import SyncedService
from generated.runtime.cached_controller import CachedController
from generated.runtime.contracts import Refinements
from generated.runtime.controller import BaseController
from generated.runtime.service import DatabaseService

from .build import column, expression, index, model, unique


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
        ("OpsRealTimeKPIs", "ops_real_time_kpis"),
        ("KPIs", "kpis"),
        ("URLsByHost", "urls_by_host"),
        ("UserIDs2", "user_ids2"),
        ("HTTPServers", "http_servers"),
        ("AsIs", "as_is"),
        ("IPv4Address", "ipv4_address"),
        ("APIsOAuth", "apis_oauth"),
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
def test_partial_index_is_named_without_prefix_and_table(index: str, purpose: str) -> None:
    assert index_purpose(index, model("Reminder", table="reminders")) == purpose


@pytest.mark.parametrize(("name", "class_name"), [("_Hidden", "HiddenController"), ("_2FA", "Model2FAController")])
def test_underscore_before_a_class_is_dropped_and_a_digit_never_begins_a_name(name: str, class_name: str) -> None:
    assert plan_controller(model(name)).class_name == class_name


def test_two_models_of_one_name_are_refused_with_both_locations() -> None:
    schema = Schema((model("ApiKey", line=3), model("APIKey", line=9)))
    with pytest.raises(NameClashError) as caught:
        plan(schema, "db")
    assert str(caught.value) == "models.py:9: `models.APIKey` and `models.ApiKey` would both be `db.api_key`"
    assert "models.py:3" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["Session", "Transaction", "Run", "Database", "Runtime", "Engine", "Base", "Pool"])
def test_model_named_like_a_member_of_the_facade_gets_an_underscore_and_a_finding(name: str) -> None:
    package = plan(Schema((model(name, column("x"), line=5),)), "db")
    ((controller,), (finding,)) = package.controllers, package.findings
    assert (controller.module, controller.class_name) == (f"{name.lower()}_", f"{name}Controller")
    assert (finding.code, str(finding.location)) == ("CG112", "models.py:5")
    assert finding.message.startswith(
        f"`models.{name}` is available as `db.{name.lower()}_`, because `Database` has its own "
    )
    assert f'`"models.{name}" = "Other{name}"`' in finding.message


def test_model_with_a_configured_name_is_not_reserved() -> None:
    package = plan(Schema((model("Session"),)), "db", Options(names={"Session": "Login"}))
    assert package.findings == ()


def test_controllers_come_in_the_order_of_their_modules() -> None:
    package = plan(Schema((model("Zebra"), model("Ant"))), "db")
    assert [controller.module for controller in package.controllers] == ["ant", "zebra"]


def test_reserved_names_match_the_runtime() -> None:
    services = (DatabaseService, CachingService, SyncedService)
    service = {name for cls in services for name in vars(cls) if not name.startswith("_")}
    controller = {name for cls in (BaseController, CachedController) for name in vars(cls) if not name.startswith("_")}
    refinements = set(Refinements.__annotations__)
    assert service <= FACADE
    assert controller <= CONTROLLER
    assert refinements <= REFINEMENTS


def test_every_reexported_name_exists() -> None:
    for module, names in RUNTIME_NAMES.items():
        runtime = import_module(f"generated.runtime.{module}")
        assert {name for name in names if not hasattr(runtime, name)} == set()


def contested(*indexes: Index) -> tuple[dict[str, str | None], list[str]]:
    """Return the index of each method, and the findings about methods that are not emitted."""
    seats = model("Job", *map(column, "abcdefk"), indexes=tuple(sorted(indexes, key=lambda one: one.name or "")))
    package = plan(Schema((seats,)), "db", Options(silence=("CG102",)))
    (controller,) = package.controllers
    owners = {
        method.name: method.index.name for method in controller.methods if method.index and method.index.name != "pk"
    }
    return owners, [f"{finding.code} {finding.message}" for finding in package.findings]


def test_partial_index_never_takes_the_finder_of_a_full_one() -> None:
    owners, warnings = contested(index("k", name="ix_job_by_k", where="a > 1"), index("k", name="ix_job_k"))
    assert owners == {"find_by_k": "ix_job_k", "find_partial_by_k": "ix_job_by_k"}
    assert warnings == []


def test_full_key_wins_over_a_partial_one_which_keeps_its_other_methods() -> None:
    partial = unique("k", name="uq_job_one", where="a = 1", conditions=(Condition("a", "=", "1"),))
    owners, (warning,) = contested(unique("k", name="uq_job_k"), partial)
    assert owners["get_one_by_k"] == "uq_job_k"
    assert owners["get_one_one_by_k"] == "uq_job_one"
    assert warning.startswith(
        "CG107 `get_one_by_k`, `update_one_by_k` of `Job` are already generated for another index or key"
    )


def test_of_two_keys_with_one_name_the_first_by_name_wins() -> None:
    wide, other = unique(*"abcde", name="uq_job_place"), unique(*"abcdf", name="ix_job_place")
    owners, (warning,) = contested(wide, other)
    assert owners["get_by_place"] == "ix_job_place"
    assert "`get_by_place`, `get_one_by_place`" in warning
    assert "and not for unique index `uq_job_place`" in warning


def test_partial_indexes_of_one_name_and_column_are_distinguished_by_their_predicates() -> None:
    owners, (warning,) = contested(
        index("k", name="idx_job_open", where="a > 1"), index("k", name="ix_job_open", where="b > 1")
    )
    assert owners == {"find_open_by_k": "idx_job_open"}
    assert warning == (
        "CG107 `find_open_by_k` of `Job` is already generated for another index or key, and not for index "
        "`ix_job_open`; rename it"
    )


@pytest.mark.parametrize(
    ("name", "columns", "purpose"),
    [
        ("idx_job_active_guild", ["guild_id"], "active"),
        ("idx_job_active_guild_id", ["guild_id"], "active"),
        ("idx_job_guild_active", ["guild_id"], "active"),
        ("idx_job_active_by_guild", ["guild_id"], "active"),
        ("idx_job_active_guild_user", ["guild_id", "user_id"], "active"),
        ("idx_job_guild", ["guild_id"], "partial"),
        ("ix_job_guild_id", ["guild_id"], "partial"),
        ("idx_job_guilded", ["guild_id"], "guilded"),
        ("idx_job_active_id", ["id"], "active"),
        ("idx_job_active", [], "active"),
    ],
)
def test_purpose_of_a_partial_index_does_not_repeat_its_columns(name: str, columns: list[str], purpose: str) -> None:
    partial = index(*columns, name=name, where="a > 1")
    assert purpose_beside(tuple(columns), partial, model("Job")) == purpose


def test_name_of_an_expression_is_never_that_of_a_column_or_of_another_expression() -> None:
    lower, first, second = expression("lower_name"), expression(None, "n % 2"), expression(None, "n % 3")
    user = model(
        "User",
        column("name"),
        column("lower_name"),
        indexes=(
            index(first, name="idx_user_digit"),
            index(lower, name="ix_user_called"),
            index(second, name="ix_user_digit"),
        ),
    )
    package = plan(Schema((user,)), "db")
    assert package.controllers[0].facts.expressions == (replace(first, name="digit"), replace(lower, name="called"))
    assert [finding.code for finding in package.findings] == ["CG104"]
