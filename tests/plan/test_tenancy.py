"""The setting ``tenant``: which methods do not take it, and the effect of ``tenant_strict`` on them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctrlgen.blueprint import Controller, Package
from ctrlgen.errors import TenantKeyError, UnknownNameError
from ctrlgen.plan import plan
from ctrlgen.plan.tenants import BULK
from ctrlgen.schema import Condition, Model, Schema
from ctrlgen.settings import Options

from .build import column, index, model, relation, unique

WARN, STRICT = Options(tenant="guild_id"), Options(tenant="guild_id", tenant_strict=True)
GUILD = model("Guild", relations=(replace(relation("members", "Member"), pairs=(("id", "guild_id"),)),))
MEMBER = model(
    "Member",
    column("guild_id"),
    column("user_id"),
    column("name"),
    primary_key=("guild_id", "user_id"),
    indexes=(unique("name", name="uq_name"), index("user_id", "guild_id", name="ix_user")),
    relations=(
        replace(relation("friends", "Member"), pairs=(("user_id", "user_id"),)),
        replace(relation("cases", "Case"), pairs=(("guild_id", "guild_id"), ("user_id", "user_id"))),
        replace(relation("guild", "Guild", many=False), pairs=(("guild_id", "id"),)),
    ),
)
CASE = model("Case", column("guild_id"), column("user_id"), line=4)


def planned(*models: Model, options: Options) -> Package:
    return plan(Schema(models), "db", options)


def controller(package: Package, module: str) -> Controller:
    return next(each for each in package.controllers if each.module == module)


def test_methods_without_the_tenant_are_named_at_their_key_index_or_relationship() -> None:
    findings = [each for each in planned(GUILD, MEMBER, CASE, options=WARN).findings if each.code == "CG117"]
    methods = {each.message.partition(" of ")[0] for each in findings}
    names = ("get", "get_one", "update", "update_one", "delete")
    of_case = [f"`{name}_by_id`" for name in names] + [f"`{name}`" for name in BULK]
    of_name = [f"`{name}_by_name`" for name in (*names, "get_or_create", "upsert", "create_or_update")]
    assert methods == {"`find_by_user_id`", "`load_friends`", ", ".join(of_case), ", ".join(of_name)}
    (of_key,) = [each for each in findings if "get_by_id" in each.message]
    reason = "the primary key does not contain `guild_id`; make it the first column of the key"
    assert of_key.message.endswith(f"of `Case` reach other tenants: {reason}")


def test_methods_without_the_tenant_are_left_out_if_it_is_required() -> None:
    package = planned(GUILD, MEMBER, options=STRICT)
    assert not [each for each in package.findings if each.code == "CG117"]
    member = controller(package, "member")
    names = {method.name for method in member.methods}
    assert not {"get_by_name", "upsert_by_name", "find_by_user_id", "load_friends"} & names
    assert {"get_by_guild_id_and_user_id", "find_by_guild_id", "load_cases", "load_guild"} <= names
    assert member.loadable == ("cases", "guild")
    assert member.facts.tenant == "guild_id"
    assert "guild_id" not in {entry.key for entry in (*member.where, *member.update)}
    reasons = {name: each.reason for each in member.absent for name in each.names}
    assert reasons["get_by_name"] == reasons["find_by_user_id"] == reasons["find_by_name"]
    assert reasons["get_by_name"].startswith("its key does not contain the tenant, `guild_id`: use find_all(guild_id=")
    assert {"paginate", "delete_where", "load_friends"} <= reasons.keys()


def test_loader_of_the_tenant_itself_reaches_only_its_rows() -> None:
    guild = controller(planned(GUILD, MEMBER, options=STRICT), "guild")
    assert "load_members" in {method.name for method in guild.methods}
    assert guild.tenant is None


def test_loader_of_a_skipped_model_still_reaches_its_tenants() -> None:
    case = replace(CASE, relations=(replace(relation("members", "Member"), pairs=(("user_id", "user_id"),)),))
    package = planned(MEMBER, case, options=replace(WARN, skip_models=("Member",)))
    assert any("`load_members` of `Case`" in finding.message for finding in package.findings)


def test_predicate_may_imply_the_tenant() -> None:
    home = index("name", name="ix_home", where="guild_id = 1", conditions=(Condition("guild_id", "=", "1"),))
    member = controller(planned(replace(MEMBER, indexes=(MEMBER.primary_key, home)), options=STRICT), "member")
    assert "find_home_by_name" in {method.name for method in member.methods}


def test_only_keys_with_the_tenant_are_conflicts_of_bulk_upserts() -> None:
    keys = (unique("name", name="uq_name"), unique("guild_id", "name", name="uq_guild_name"))
    member = replace(MEMBER, indexes=(MEMBER.primary_key, *keys))
    assert controller(planned(member, options=STRICT), "member").facts.unique == (("guild_id", "name"),)
    assert controller(planned(member, options=WARN), "member").facts.unique == (("name",), ("guild_id", "name"))


def test_new_row_requires_the_tenant() -> None:
    optional = replace(MEMBER.columns[0], presence="optional", default="1")
    member = replace(MEMBER, columns=(optional, *MEMBER.columns[1:]))
    assert controller(planned(member, options=STRICT), "member").facts.required[0] == "guild_id"


def test_primary_key_must_contain_the_tenant_if_it_is_required() -> None:
    with pytest.raises(TenantKeyError) as caught:
        planned(GUILD, MEMBER, CASE, options=STRICT)
    assert caught.value.location == CASE.primary_key.location
    assert "`tenant_strict` requires every primary key to contain `guild_id`, which is missing in `Case`" in str(
        caught.value
    )
    planned(GUILD, MEMBER, CASE, options=replace(STRICT, skip_models=("Case",)))


def test_unknown_tenant_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError) as caught:
        planned(MEMBER, options=Options(tenant="gild_id"))
    assert (caught.value.hint, caught.value.setting) == ("did you mean `guild_id`?", "tenant")
    assert "`tenant` in `[tool.ctrlgen]` is `gild_id`, but no model has this column" in str(caught.value)


def test_skipped_and_silenced_methods_are_not_reported() -> None:
    options = replace(WARN, skip_methods=("Member.load_friends",))
    assert not any("load_friends" in each.message for each in planned(GUILD, MEMBER, CASE, options=options).findings)


def test_models_without_the_column_are_not_affected() -> None:
    other = model("Other", column("name"), indexes=(index("name", name="ix_name"),))
    assert controller(planned(other, MEMBER, options=STRICT), "other") == controller(
        planned(other, MEMBER, options=Options()), "other"
    )
