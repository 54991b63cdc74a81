"""The source of a controller, for each feature of models."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from ctrlgen.format import format_sources
from ctrlgen.plan import plan
from ctrlgen.render import render
from ctrlgen.schema import Annotation, Column, Condition, Imported, Kind, Model, Schema
from ctrlgen.settings import CacheSettings, Options
from ctrlgen.write import HEADER, with_header
from tests.plan.build import column, expression, index, model, relation, unique
from tests.plan.test_caches import exact, keyed, reference

PLAIN = model("Tag", column("name", "str", kind="str"), indexes=(unique("name", name="uq_tag_name"),))
RELATED = model(
    "Post",
    column("author_id"),
    column("body", "str", kind="str", nullable=True, presence="optional"),
    indexes=(index("author_id", name="ix_post_author"),),
    relations=(relation("author", "User", many=False), relation("tags", "Tag")),
)
COMPOSITE = model("Member", column("guild_id"), column("user_id"), column("xp"), primary_key=("guild_id", "user_id"))
EXPRESSION = model(
    "Snippet",
    column("guild_id"),
    column("name", "str", kind="str"),
    indexes=(unique("guild_id", expression("lower_name"), name="uq_snippet_name"),),
)
PARTIAL = model(
    "Reminder",
    column("user_id"),
    column("due", "int"),
    column("sent", "bool", kind="bool", comparison="equal", presence="optional"),
    indexes=(
        index("due", name="idx_reminder_pending", where="NOT sent", conditions=(Condition("sent", "=", "False"),)),
        unique("user_id", name="uq_reminder_open", where="NOT sent", conditions=(Condition("sent", "=", "False"),)),
    ),
)


def typed(*pieces: str | Imported, name: str = "a", nullable: bool = False) -> Column:
    return replace(column(name, nullable=nullable), annotation=Annotation(pieces))


def render_model(*models: Model) -> dict[str, str]:
    return with_header(format_sources(render(plan(Schema(models), "db")), {"models", "db"}))


@pytest.mark.parametrize(
    ("case", "module"),
    [
        pytest.param(PLAIN, "tag", id="unique-column"),
        pytest.param(RELATED, "post", id="relationships"),
        pytest.param(COMPOSITE, "member", id="composite-key"),
        pytest.param(EXPRESSION, "snippet", id="functional-index"),
        pytest.param(PARTIAL, "reminder", id="partial-indexes"),
    ],
)
def test_controller_of(case: Model, module: str, snapshot_py: SnapshotAssertion) -> None:
    assert render_model(case)[f"{module}.py"] == snapshot_py


CACHED = (
    keyed("Guild", exact("code"), indexes=(unique("code", name="uq_guild_code"),)),
    keyed(
        "Member",
        exact("guild_id"),
        exact("token", kind="uuid"),
        indexes=(index("guild_id", name="ix_member_guild"), unique("token", name="uq_member_token")),
        relations=(replace(relation("tags", "Tag"), linked=True, link_table="membertag"),),
    ),
    keyed("MemberTag"),
)
REFERENCES = (
    reference("member", "guild", "guild_id", delete="update"),
    reference("member", "guild", "guild_id", "code", delete=None, update=True),
)
CACHE = {
    "Member": CacheSettings(ttl=300, size=10_000, finders=True),
    "MemberTag": CacheSettings(ttl=0.5, size=10),
}


def render_cached(*, sync: bool = False, cache: dict[str, CacheSettings] = CACHE) -> dict[str, str]:
    package = plan(Schema(CACHED, references=REFERENCES), "db", Options(cache=cache, cache_sync=sync))
    return with_header(format_sources(render(package), {"models", "db"}))


@pytest.mark.parametrize("path", ["guild", "member", "database", "__init__"])
def test_package_whose_models_are_cached(path: str, snapshot_py: SnapshotAssertion) -> None:
    assert render_cached(sync=True)[f"{path}.py"] == snapshot_py


def test_uncached_models_have_no_caching_code() -> None:
    off, plain = (
        render_cached(cache={}),
        with_header(format_sources(render(plan(Schema(CACHED), "db")), {"models", "db"})),
    )
    assert off == plain
    assert not [path for path in off if "cache" in path]
    emitted = [source for path, source in off.items() if not path.startswith("runtime/")]
    assert not [source for source in emitted if re.search("cache", source, re.IGNORECASE)]


def test_runtime_of_several_processes_is_copied_only_on_request() -> None:
    names = ("cache", "cache_changes", "cache_service", "cache_writes", "cached_controller")
    modules = {f"runtime/{name}.py" for name in names}
    assert {path for path in render_cached() if "cache" in path} == modules
    assert {path for path in render_cached(sync=True) if "cache" in path} == modules | {"runtime/cache_sync.py"}


def test_orm_only_model_may_affect_cached_models() -> None:
    models = (replace(CACHED[0], plain=False), *CACHED[1:])
    source = render(plan(Schema(models, references=REFERENCES), "db", Options(cache=CACHE)))["guild.py"]
    assert re.search(r"class GuildController\(WatchedController\[.*\]\):", source)
    assert "by_orm=True" in facts(source)


def test_facade_of_several_models(snapshot_py: SnapshotAssertion) -> None:
    assert render_model(PLAIN, COMPOSITE)["database.py"] == snapshot_py


def test_package_of_several_models(snapshot_py: SnapshotAssertion) -> None:
    assert render_model(PLAIN, COMPOSITE)["__init__.py"] == snapshot_py


def test_every_file_begins_with_the_header() -> None:
    assert {source.partition("\n")[0] for source in render_model(PLAIN).values()} == {HEADER}


@pytest.mark.parametrize("evil", ['"""', "\\", "'''", "{{ x }}", "{% raw %}", "line\nbreak", '\\"""', "ünï"])
def test_text_in_docstrings_is_escaped(evil: str) -> None:
    odd = model("Odd", column("x"), table=evil, indexes=(index("x", name="idx_odd_late", where=f"x = {evil}"),))
    source = render_model(odd)["odd.py"]
    assert "find_late_by_x" in {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


def test_type_named_like_a_column_is_imported_under_another_name() -> None:
    odd = model("Odd", typed(Imported("datetime", "date"), name="date"))
    source = render_model(odd)["odd.py"]
    assert "from datetime import date as date_" in source
    assert "    date: date_" in source


def test_types_of_one_name_from_two_modules_are_distinguished() -> None:
    first, second = typed(Imported("one", "Kind")), typed(Imported("two", "Kind"), name="b")
    source = render_model(model("Odd", first, second))["odd.py"]
    assert "from one import Kind\n" in source
    assert "from two import Kind as Kind_\n" in source


def test_model_named_like_something_of_the_runtime_is_imported_under_another_name() -> None:
    source = render_model(model("Selection", column("x")))["selection.py"]
    assert "from models import Selection as Selection_\n" in source
    assert "-> Selection[Selection_, SelectionLoad, SelectionUpdate]:" in source


def test_controllers_of_the_project_are_in_the_facade_in_place_of_the_emitted_ones() -> None:
    options = Options(controllers={"User": "app.users:Users", "models.Guild": "other.users:Users"})
    source = render(plan(Schema((model("Guild"), model("User")), ()), "db", options))["database.py"]
    assert "    from other.users import Users\n" in source
    assert "    from app.users import Users as Users_\n" in source
    assert "    guild: Users\n" in source
    assert "    user: Users_\n" in source


@pytest.mark.parametrize("name", ["model", "c", "count", "dict", "get_by_id"])
def test_model_named_like_a_member_of_its_controller_is_imported_under_another_name(name: str) -> None:
    source = render_model(model(name))[f"{name}.py"]
    assert f"from models import {name} as {name}_\n" in source
    assert f"model = {name}_\n" in source


def test_name_that_the_module_imports_anyway_is_not_renamed() -> None:
    source = render_model(model("Odd", typed(Imported("typing", "Literal"), "['a']")))["odd.py"]
    assert "    a: Literal['a']" in source.replace('"', "'")
    assert "Literal_" not in source


def test_any_includes_none() -> None:
    source = render_model(model("Odd", typed(Imported("typing", "Any"), nullable=True)))["odd.py"]
    assert "    a: Any\n" in source
    assert "Any | None" not in source.replace("Equal[Any] | None", "").replace("Ordered[Any] | None", "")


def test_column_that_is_a_keyword_is_declared_by_a_call() -> None:
    odd = model("Odd", column("class", "str"), column("x"), indexes=(unique("class"),))
    module = ast.parse(render_model(odd)["odd.py"])
    bases = {node.name: ast.unparse(node.bases[0]) for node in module.body if isinstance(node, ast.ClassDef)}
    assert (bases["_OddValues"], bases["OddUpdate"]) == ("_OddValuesKeywords", "_OddUpdateKeywords")
    assert bases["OddCreate"] == "_OddValues"
    assert bases["OddWhere"] == "Refinements"


def facts(source: str) -> str:
    """Return the facts of a controller on one line."""
    module = ast.parse(source)
    (stated,) = [
        ast.unparse(node) for node in ast.walk(module) if isinstance(node, ast.Assign) and "Facts" in ast.unparse(node)
    ]
    return stated.removeprefix("_facts = ")


def test_absent_methods_are_listed_by_reason() -> None:
    assert facts(render_model(model("Odd"))["odd.py"]) == (
        "Facts(absent={'the table has no column to update besides its primary key': "
        "('update_by_id', 'update_one_by_id', 'create_or_update_by_id'), "
        "'a new row may omit `id`': ('get_or_create_by_id', 'upsert_by_id'), "
        "'`{}` is a unique key: use get_by_{}': ('find_by_id',)})"
    )


PINNED: list[tuple[Kind, tuple[str | Imported, ...], str, str]] = [
    ("bool", ("bool",), "True", "True"),
    ("int", ("int",), "-3", "-3"),
    ("float", ("float",), "0.5", "0.5"),
    ("str", ("str",), "'it is'", "'it is'"),
    (
        "uuid",
        (Imported("uuid", "UUID"),),
        "'00000000-0000-0000-0000-000000000001'",
        "'00000000-0000-0000-0000-000000000001'",
    ),
    ("decimal", (Imported("decimal", "Decimal"),), "0.50", "Decimal('0.50')"),
    ("enum", (Imported("models", "Kind"),), "'KICK'", "Kind.KICK"),
    ("enum", (Imported("models", "Kind"),), "'class'", "Kind['class']"),
    ("enum", (Imported("models", "Case.Kind"),), "'KICK'", "Case.Kind.KICK"),
    ("enum", (Imported("models", "b"),), "'KICK'", "b_.KICK"),
]


@pytest.mark.parametrize(("kind", "pieces", "value", "expected"), PINNED)
def test_value_that_a_predicate_implies_is_a_literal(
    kind: Kind, pieces: tuple[str | Imported, ...], value: str, expected: str
) -> None:
    pinned = replace(typed(*pieces, name="b"), kind=kind, presence="optional")
    where = index("a", name="idx_odd_late", where="...", conditions=(Condition("b", "=", value),))
    source = render_model(model("Odd", column("a"), pinned, indexes=(where,)))["odd.py"]
    assert f"partial={{'idx_odd_late': Partial('...', {{'b': {expected}}})}}" in facts(source)


def test_relationships_have_their_loaders() -> None:
    odd = model("Odd", relations=(relation("ones"), relation("others", by_columns=False)))
    source = render_model(odd)["odd.py"]
    assert "relations={'ones': by_columns, 'others': by_orm}" in facts(source)
    assert "from .runtime.relations import by_columns, by_orm\n" in source


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"relations": (relation("others"),)}, {"relations.py"}),
    ],
)
def test_unneeded_modules_of_the_runtime_are_not_copied(changes: dict[str, Any], expected: set[str]) -> None:
    files = render_model(model("Plain"), replace(model("Odd"), **changes))
    sometimes = {"runtime/links.py", "runtime/relations.py"}
    assert files.keys() & sometimes == {f"runtime/{name}" for name in expected}
    assert {"runtime/__init__.py", "runtime/service.py"} <= files.keys()
    others = "".join(source for path, source in files.items() if path.startswith("runtime/") and path not in sometimes)
    assert not re.search(r"^from \.(links|relations) ", others, re.MULTILINE)


def test_facts_say_whether_only_the_orm_can_load_a_model() -> None:
    files = render_model(model("Plain"), replace(model("Odd"), plain=False))
    assert "by_orm=True" in files["odd.py"]
    assert "by_orm" not in files["plain.py"]
