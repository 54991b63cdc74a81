"""The text of a controller, for each thing a model can have."""

from __future__ import annotations

import ast

import pytest
from syrupy.assertion import SnapshotAssertion

from ctrlgen.format import format_sources
from ctrlgen.plan import plan
from ctrlgen.render import HEADER, render
from ctrlgen.schema import Annotation, Imported, Model, Pin, Schema
from tests.plan.build import column, expression, index, model, relation, unique

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
    indexes=(unique("guild_id", expression("lower_name", position=1), name="uq_snippet_name"),),
)
PARTIAL = model(
    "Reminder",
    column("user_id"),
    column("due", "int"),
    column("sent", "bool", kind="bool", comparison="equal", presence="optional"),
    indexes=(
        index("due", name="idx_reminder_pending", where="NOT sent", pins=(Pin("sent", "=", "False"),)),
        unique("user_id", name="uq_reminder_open", where="NOT sent", pins=(Pin("sent", "=", "False"),)),
    ),
)


def render_model(*models: Model) -> dict[str, str]:
    return format_sources(render(plan(Schema(models), "db")), {"models", "db"})


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


def test_facade_of_several_models(snapshot_py: SnapshotAssertion) -> None:
    assert render_model(PLAIN, COMPOSITE)["database.py"] == snapshot_py


def test_package_of_several_models(snapshot_py: SnapshotAssertion) -> None:
    assert render_model(PLAIN, COMPOSITE)["__init__.py"] == snapshot_py


def test_every_file_begins_with_the_header() -> None:
    assert {source.partition("\n")[0] for source in render_model(PLAIN).values()} == {HEADER}


@pytest.mark.parametrize("evil", ['"""', "\\", "'''", "{{ x }}", "{% raw %}", "line\nbreak", '\\"""', "ünï"])
def test_text_of_the_author_can_not_break_out_of_a_docstring(evil: str) -> None:
    odd = model("Odd", column("x"), table=evil, indexes=(index("x", name="idx_odd_late", where=f"x = {evil}"),))
    source = render_model(odd)["odd.py"]
    assert "find_late" in {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


def test_type_named_like_a_column_is_imported_under_another_name() -> None:
    typed = column("date", kind="date")
    object.__setattr__(typed, "annotation", Annotation((Imported("datetime", "date"),)))
    odd = model("Odd", typed)
    source = render_model(odd)["odd.py"]
    assert "from datetime import date as date_" in source
    assert "    date: date_" in source


def test_types_of_one_name_from_two_modules_are_told_apart() -> None:
    first, second = column("a"), column("b")
    object.__setattr__(first, "annotation", Annotation((Imported("one", "Kind"),)))
    object.__setattr__(second, "annotation", Annotation((Imported("two", "Kind"),)))
    source = render_model(model("Odd", first, second))["odd.py"]
    assert "from one import Kind\n" in source
    assert "from two import Kind as Kind_\n" in source


def test_model_named_like_something_of_the_runtime_is_imported_under_another_name() -> None:
    source = render_model(model("Selection", column("x")))["selection.py"]
    assert "from models import Selection as Selection_\n" in source
    assert "-> Selection[Selection_, SelectionLoad]:" in source
