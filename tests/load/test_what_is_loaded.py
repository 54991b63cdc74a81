"""Which modules are imported, and which classes count as the user's models."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ctrlgen.errors import LoadError
from ctrlgen.schema import Imported, Schema

from .conftest import HERO, Workspace

Names = Callable[[Schema], list[str]]


def test_submodules_that_declare_tables_are_found_without_being_imported_by_the_package(
    workspace: Workspace, names: Names
) -> None:
    workspace.write(app__="", app__deep__models=HERO, app__other='raise RuntimeError("not to be imported")')
    assert names(workspace.load("app")) == ["app.deep.models.Hero"]


def test_main_modules_are_never_imported(workspace: Workspace, names: Names) -> None:
    workspace.write(app__=HERO)
    (workspace.root / "app/__main__.py").write_text("raise SystemExit('table=True')")
    assert names(workspace.load("app")) == ["app.Hero"]


def test_reexported_models_are_loaded_once_and_keep_their_module(workspace: Workspace, names: Names) -> None:
    workspace.write(
        library=HERO
        + """
class Villain(SQLModel, table=True):
    id: int = Field(primary_key=True)
""",
        app="from library import Hero\nAlso = Hero",
    )
    assert names(workspace.load("app")) == ["library.Hero"]


def test_class_of_another_module_is_only_a_target(workspace: Workspace, names: Names) -> None:
    workspace.write(
        library=HERO,
        app="""
        import library
        from sqlmodel import Field, Relationship, SQLModel

        class Sidekick(SQLModel, table=True):
            id: int = Field(primary_key=True)
            hero_id: int = Field(foreign_key="hero.id")
            hero: library.Hero = Relationship()
        """,
    )
    schema = workspace.load("app")
    assert names(schema) == ["app.Sidekick"]
    assert schema.models[0].relations[0].target == Imported("library", "Hero")
    assert schema.models[0].foreign_keys[0].target == Imported("library", "Hero")


def test_order_of_modules_and_the_hash_seed_do_not_matter(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = HERO.replace("Hero", "Villain")
    workspace.write(app__="", app__heroes=HERO, app__villains=other, shared=HERO.replace("Hero", "Base"))
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    first = workspace.load("app", "shared")
    monkeypatch.setenv("PYTHONHASHSEED", "2")
    assert workspace.load("shared", "app.villains", "app") == first


def test_working_directory_does_not_matter(
    workspace: Workspace, names: Names, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "app.py").write_text("raise RuntimeError('the wrong app')")
    (elsewhere / "sqlmodel.py").write_text("raise RuntimeError('the wrong sqlmodel')")
    workspace.write(app=HERO)
    monkeypatch.chdir(elsewhere)
    assert names(workspace.load("app")) == ["app.Hero"]


def test_project_modules_may_have_the_names_of_ctrlgens_modules(workspace: Workspace, names: Names) -> None:
    workspace.write(app=HERO + "import inspect\ninspect.signature", format="", load="", plan="")
    assert names(workspace.load("app")) == ["app.Hero"]


def test_src_folder_is_searched_too(workspace: Workspace, names: Names) -> None:
    workspace.write(src__app__models=HERO)
    schema = workspace.load("app")
    assert names(schema) == ["app.models.Hero"]
    assert str(schema.models[0].location) == "src/app/models.py:3"


def test_locations_are_those_of_class_and_attribute(workspace: Workspace) -> None:
    workspace.write(
        app__="from app.outer import Outer, Base",
        app__outer="""
        from sqlmodel import Field, SQLModel, UniqueConstraint

        class Base(SQLModel):
            created: int = Field(
                index=True,
            )

        class Outer:
            class Inner(Base, table=True):
                __table_args__ = (
                    UniqueConstraint("id", "name"),
                    UniqueConstraint("name", "id", name="uq_reverse"),
                )
                id: int = Field(primary_key=True)
                name: str
        """,
    )
    (model,) = workspace.load("app").models
    assert model.reference == Imported("app.outer", "Outer.Inner")
    assert str(model.location) == "app/outer.py:9"
    lines = {column.attribute: column.location.line for column in model.columns}
    assert lines == {"created": 4, "id": 14, "name": 15}
    assert [index.location.line for index in model.indexes] == [14, 11, 4, 12]


def test_model_defined_in_a_function_is_left_out_with_a_warning(workspace: Workspace, names: Names) -> None:
    workspace.write(
        app=HERO
        + """
def make():
    class Hidden(SQLModel, table=True):
        id: int = Field(primary_key=True)
make()
"""
    )
    schema = workspace.load("app")
    assert names(schema) == ["app.Hero"]
    (finding,) = schema.findings
    assert (finding.code, str(finding.location)) == ("CG202", "app.py:7")
    assert "make.<locals>.Hidden" in finding.message


def test_configured_module_without_models_beside_others_is_a_warning(workspace: Workspace) -> None:
    workspace.write(app=HERO, tools="")
    (finding,) = workspace.load("app", "tools").findings
    assert (finding.code, str(finding.location)) == ("CG203", "tools.py:1")


def test_table_model_that_sqlmodel_does_not_map_is_reported(
    workspace: Workspace, names: Callable[[Schema], list[str]]
) -> None:
    workspace.write(app=HERO + "\nclass Special(Hero, table=True):\n    extra: int = 0\n")
    schema = workspace.load("app")
    assert names(schema) == ["app.Hero"]
    assert [(finding.code, finding.location.line) for finding in schema.findings] == [("CG207", 6)]


def test_model_in_a_module_that_no_statement_can_import_is_left_out(workspace: Workspace, names: Names) -> None:
    workspace.write(app__="", app__class=HERO, app__other=HERO.replace("Hero", "Villain"))
    schema = workspace.load("app")
    assert names(schema) == ["app.other.Villain"]
    assert [(finding.code, str(finding.location)) for finding in schema.findings] == [("CG202", "app/class.py:3")]
    with pytest.raises(LoadError, match="`Hero` is left out: it cannot be imported from"):
        workspace.load("app.class")
