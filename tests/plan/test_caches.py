"""How models are cached, and which writes reach them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctrlgen.blueprint import Cached, Effects, Package
from ctrlgen.errors import ConfigError
from ctrlgen.plan import plan
from ctrlgen.schema import Column, Model, Reference, Schema
from ctrlgen.settings import CacheSettings, Options
from tests.plan.build import column, expression, index, model, relation, unique

SETTINGS = CacheSettings(ttl=60, size=10)


def exact(attribute: str, *, kind: str = "int") -> Column:
    return replace(column(attribute, kind=kind), exact=True)  # type: ignore[arg-type]  # a Kind


def keyed(name: str, *columns: Column, **options: object) -> Model:
    """A model whose primary key is exact."""
    planned_model = model(name, *columns, **options)  # type: ignore[arg-type]  # passed on as given
    return replace(
        planned_model,
        columns=tuple(replace(each, exact=each.exact or each.attribute == "id") for each in planned_model.columns),
    )


def reference(
    child: str,
    parent: str,
    column: str = "parent_id",
    to: str = "id",
    *,
    delete: str | None = "delete",
    update: bool = False,
) -> Reference:
    return Reference(parent, (to,), child, (column,), delete, update)  # type: ignore[arg-type]  # one of the two


def planned(
    *models: Model, references: tuple[Reference, ...] = (), cached: tuple[str, ...] = (), sync: bool = False
) -> Package:
    options = Options(cache=dict.fromkeys(cached, SETTINGS), cache_sync=sync, silence=("CG101",))
    return plan(Schema(models, references=references), "app.db", options)


def effects(package: Package, module: str) -> Effects:
    return next(each.effects for each in package.controllers if each.module == module)


def test_every_key_over_all_rows_is_cached_and_finders_on_request() -> None:
    hero = keyed(
        "Hero",
        exact("code"),
        column("name", "str", kind="str"),
        exact("team_id"),
        exact("token", kind="uuid"),
        indexes=(
            unique("code", name="a"),
            unique(expression("lower_name"), name="b"),
            unique("name", name="c", where="x", conditions=None),
            unique("token", name="d"),
            index("team_id", name="e"),
            index("name", name="f"),
        ),
    )
    expected = Cached(
        ttl=60,
        size=10,
        keys=(("id",), ("code",), ("lower_name",), ("token",)),
        exact=(("id",), ("code",), ("token",)),
        returned=("id", "code", "token"),
        uuids=("token",),
    )
    (controller,) = planned(hero, cached=("Hero",)).controllers
    assert controller.cached == expected
    options = Options(cache={"Hero": CacheSettings(60, 10, finders=True)}, silence=("CG101",))
    (controller,) = plan(Schema((hero,)), "db", options).controllers
    assert controller.cached == replace(
        expected,
        finders=("team_id", "name"),
        exact=(("id",), ("code",), ("token",), ("team_id",)),
        returned=("id", "code", "token", "team_id"),
    )


def test_writes_to_a_model_without_an_exact_primary_key_drop_all_rows() -> None:
    (controller,) = planned(model("Hero"), cached=("Hero",)).controllers
    assert controller.cached == Cached(60, 10, keys=(("id",),))


def test_orm_only_models_and_views_cannot_be_cached() -> None:
    hero = keyed("Hero")
    view = replace(hero, indexes=(replace(hero.primary_key, enforced=False),))
    for refused, reason in ((replace(hero, plain=False), "only SQLAlchemy's ORM"), (view, "as for a view")):
        with pytest.raises(ConfigError, match=reason):
            planned(refused, cached=("Hero",))


def test_models_without_a_cache_are_not_affected() -> None:
    package = planned(keyed("Hero"), keyed("Team"), references=(reference("hero", "team"),))
    assert [each.is_watched for each in package.controllers] == [False, False]
    assert package.channel == ""
    assert "cache" not in package.runtime_names


def test_delete_reaches_cascades_on_every_level_and_nothing_else() -> None:
    package = planned(
        *map(keyed, ("A", "B", "C", "D", "E")),
        references=(
            reference("b", "a"),
            reference("unmapped", "b"),
            reference("c", "unmapped", delete="update"),
            reference("d", "c"),  # C is only updated, by columns that D does not refer to
            reference("e", "a", delete=None, update=True),
        ),
        cached=("C", "D", "E"),
    )
    assert effects(package, "a") == Effects(delete=("c",))
    assert effects(package, "b") == Effects(delete=("c",))
    assert effects(package, "c") == Effects(delete=("d",))
    assert not effects(package, "e")


def test_update_reaches_only_cascades_of_the_updated_column() -> None:
    package = planned(
        keyed("Guild", exact("code"), exact("slug"), indexes=(unique("code", name="a"), unique("slug", name="b"))),
        keyed("Member", exact("code")),
        keyed("Badge"),
        references=(
            reference("member", "guild", "code", "code", update=True),
            reference("badge", "member", "member_code", "code", delete=None, update=True),
            reference("badge", "guild", update=True),  # the primary key does not change
        ),
        cached=("Member", "Badge"),
    )
    assert effects(package, "guild") == Effects(delete=("badge", "member"), update=(("code", ("badge", "member")),))
    assert effects(package, "member") == Effects(update=(("code", ("badge",)),))


def test_cyclic_cascades_end() -> None:
    package = planned(
        keyed("A"),
        keyed("B"),
        references=(reference("a", "a"), reference("a", "b"), reference("b", "a")),
        cached=("A",),
    )
    assert effects(package, "a") == effects(package, "b") == Effects(delete=("a",))


def test_links_with_a_model_change_with_the_relationship() -> None:
    tags = replace(relation("tags", "Tag"), linked=True, link_table="herotag")
    package = planned(keyed("Hero", relations=(tags,)), keyed("HeroTag"), keyed("Tag"), cached=("HeroTag",))
    assert effects(package, "hero") == Effects(links=(("tags", ("hero_tag",)),))


def test_two_models_of_one_table_change_together() -> None:
    package = planned(keyed("Hero", table="heroes"), keyed("Brief", table="heroes"), cached=("Brief",))
    assert effects(package, "hero") == Effects(any=("brief",))
    assert effects(package, "brief") == Effects()


def test_tables_of_one_name_in_two_schemas_are_distinguished() -> None:
    package = planned(
        replace(keyed("A", table="t"), schema="x"),
        keyed("B", table="t"),
        keyed("C"),
        references=(reference("c", "x.t"),),
        cached=("C",),
    )
    assert effects(package, "a") == Effects(delete=("c",))
    assert not effects(package, "b")


def test_channel_is_named_after_the_package() -> None:
    package = planned(keyed("Hero"), cached=("Hero",), sync=True)
    assert package.channel == "app_db_cache"
    assert len(replace(package, name="a." * 50 + "b").channel) == 63
