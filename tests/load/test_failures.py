"""Error messages for models that cannot be loaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ctrlgen.errors import CtrlgenError, LoadError, RelationshipError, ReservedNameError
from ctrlgen.schema import Annotation, Imported, Schema

from .conftest import HERO, Workspace


def failure(workspace: Workspace, *models: str, kind: type[CtrlgenError] = LoadError) -> CtrlgenError:
    with pytest.raises(kind) as caught:
        workspace.load(*models)
    return caught.value


def test_module_that_does_not_exist(workspace: Workspace) -> None:
    workspace.write(app__models=HERO)
    error = failure(workspace, "app.modles")
    assert error.message == f"module `app.modles` does not exist in {workspace.root}"
    assert error.hint == "did you mean `app.models`? If you deleted the module, remove it from `models`"


def test_path_instead_of_a_module(workspace: Workspace) -> None:
    workspace.write(app__models=HERO)
    assert str(failure(workspace, "app/models.py").hint).startswith("did you mean `app.models`? ")


def test_module_that_does_not_exist_without_a_similar_one(workspace: Workspace) -> None:
    assert "--project" in str(failure(workspace, "app").hint)
    workspace.write(shop=HERO)
    assert str(failure(workspace, "app").hint).startswith("tables are declared in `shop`; ")


def test_no_table_model(workspace: Workspace) -> None:
    workspace.write(app="x = 1", shop=HERO)
    error = failure(workspace, "app")
    assert (error.message, error.hint) == ("no table model in `app`", "tables are declared in `shop`")


def test_no_table_model_because_table_true_was_forgotten(workspace: Workspace) -> None:
    workspace.write(app=HERO.replace(", table=True", ""))
    assert "class Hero(SQLModel, table=True)" in str(failure(workspace, "app").hint)


def test_exception_shows_the_line_of_the_user(workspace: Workspace) -> None:
    workspace.write(app__="import app.models", app__models="x = 1\ny = x + 'one'\n")
    error = failure(workspace, "app")
    assert str(error.location) == "app/models.py:2"
    assert error.source == "y = x + 'one'"
    assert error.message == "`app` cannot be imported: TypeError: unsupported operand type(s) for +: 'int' and 'str'"


def test_exception_in_a_library_shows_the_last_line_of_the_user(workspace: Workspace) -> None:
    workspace.write(app="import json\n\nvalue = json.loads('{')\n")
    error = failure(workspace, "app")
    assert (str(error.location), error.source) == ("app.py:3", "value = json.loads('{')")


def test_syntax_error_shows_the_line_that_does_not_parse(workspace: Workspace) -> None:
    workspace.write(app__="from app import models", app__models="x = 1\nclass Hero(:\n")
    error = failure(workspace, "app")
    assert (str(error.location), error.source) == ("app/models.py:2", "class Hero(:")
    assert "SyntaxError: " in error.message


BUILDING = """
import sqlalchemy as sa
from pydantic import field_validator
from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint
from sqlmodel import Field, Relationship, SQLModel

class Team(SQLModel, table=True):
    id: int = Field(primary_key=True)
    heroes: list["Hero"] = Relationship(back_populates="team")

class Hero(SQLModel, table=True):
    night: int = Field({key})
    team_id: int = Field(foreign_key="team.id")
    {member}
    team: Team = Relationship(back_populates="heroes")
"""
ARGUMENTS = """__table_args__ = (
        Index("ix_night", "night"),
        {},
    )"""


@pytest.mark.parametrize(
    ("member", "source", "mark", "hint"),
    [
        (ARGUMENTS.format('Index("ix", "team_id", "nigth")'), None, '"nigth"', "did you mean `night`?"),
        (ARGUMENTS.format('Index("ix",\n            "nigth")'), '"nigth"),', '"nigth"', "did you mean `night`?"),
        (ARGUMENTS.format('UniqueConstraint("team_id", "nigth")'), None, '"nigth"', "did you mean `night`?"),
        (ARGUMENTS.format('PrimaryKeyConstraint("nigth", name="pk")'), None, '"nigth"', "did you mean `night`?"),
        (
            ARGUMENTS.format('ForeignKeyConstraint(["tea_id"], ["team.id"])'),
            None,
            '"tea_id"',
            "did you mean `team_id`?",
        ),
        (ARGUMENTS.format('Index("ix", "team_id", uniqe=True)'), None, None, None),
        (ARGUMENTS.format('{"schemaa": "game"}'), None, '"schemaa"', None),
        (ARGUMENTS.format('"game"'), None, '"game"', None),
        ('__table_args__ = Index("ix", "night")', None, None, "write a tuple, also around a single object: "),
        ('__mapper_args__ = {"polymorphic_on": "kind"}', None, '"kind"', None),
        ('__mapper_args__ = {"eager": True}', None, '"eager"', None),
        (
            'other: int = Field(sa_column=Column("night", sa.Integer))',
            None,
            '"night"',
            "two attributes have this column",
        ),
        ("x = Field()", None, None, None),
        ("x = 3", None, None, None),
        ('x: int = Field(sa_column_kwargs={"foo": 1})', None, None, None),
        ('x: int | None = Field(foreign_key="team.id", ondelete="SET NULL", nullable=False)', None, None, None),
        ("x = Relationship()", None, None, None),
        (
            '@field_validator("nigth")\n    def check(cls, value): return value',
            '@field_validator("nigth")',
            None,
            "`check` validates a field that `Hero` does not have",
        ),
        (
            'model_config: str = Field(default="x")',
            None,
            None,
            "rename the attribute, and keep the name of the column: ",
        ),
        ("model_dump: str", None, None, "rename the attribute, and keep the name of the column: "),
    ],
)
def test_class_that_cannot_be_created_shows_the_line_in_its_body(
    workspace: Workspace, member: str, source: str | None, mark: str | None, hint: str | None
) -> None:
    """The traceback ends at the class, and names neither an index nor a field."""
    workspace.write(app=BUILDING.replace("{key}", "primary_key=True").replace("{member}", member))
    expected = source or (member.splitlines()[2].strip() if member.startswith(ARGUMENTS[:18]) else member)
    error = failure(workspace, "app")
    assert error.source == expected
    if mark is not None:
        assert error.mark == mark
    assert str(error.hint).startswith(str(hint))


def test_column_of_a_base_class_that_does_not_exist_shows_the_line_of_the_base(workspace: Workspace) -> None:
    base = "from sqlalchemy import Index\nfrom sqlmodel import SQLModel\n\nclass Base(SQLModel):\n"
    workspace.write(
        base=f"{base}    __table_args__ = (Index('ix', 'nigth'),)\n",
        app=HERO.replace("(SQLModel,", "(Base,").replace("import Field", "import Field\nfrom base import Base #"),
    )
    error = failure(workspace, "app")
    assert (str(error.location), error.source) == ("base.py:5", "__table_args__ = (Index('ix', 'nigth'),)")


def test_function_of_a_class_that_fails_shows_its_own_line(workspace: Workspace) -> None:
    member = "@sa.orm.declared_attr\n    def __tablename__(cls): return {}['night']"
    workspace.write(app=BUILDING.replace("{key}", "primary_key=True").replace("{member}", member))
    assert failure(workspace, "app").source == "def __tablename__(cls): return {}['night']"


def test_model_without_primary_key_shows_its_class(workspace: Workspace) -> None:
    workspace.write(app=BUILDING.format(key="", member=""))
    error = failure(workspace, "app")
    assert error.source == "class Hero(SQLModel, table=True):"
    assert error.hint == "declare a primary key: `id: int = Field(default=None, primary_key=True)`"


@pytest.mark.parametrize(
    ("declaration", "library", "renamed"),
    [
        ("metadata: str", "SQLAlchemy", 'metadata_: ... = Field(sa_column_kwargs={"name": "metadata"})'),
        (
            'metadata: dict = Field(sa_column=Column("metadata", sa.JSON))',
            "SQLAlchemy",
            'metadata_: ... = Field(sa_column=Column("metadata", ...))',
        ),
        ("registry: str", "SQLAlchemy", 'registry_: ... = Field(sa_column_kwargs={"name": "registry"})'),
        ("model_fields: str", "pydantic", 'model_fields_: ... = Field(sa_column_kwargs={"name": "model_fields"})'),
    ],
)
def test_column_with_a_reserved_name_is_an_error_without_warnings_of_the_libraries(
    workspace: Workspace, capfd: pytest.CaptureFixture[str], declaration: str, library: str, renamed: str
) -> None:
    models = BUILDING.replace("{key}", "primary_key=True").replace("{member}", declaration)
    workspace.write(app=models)
    error = failure(workspace, "app", kind=ReservedNameError)
    name = declaration.partition(":")[0]
    assert error.message == f"`Hero.{name}` has a name that {library} reserves for its own attribute of models"
    assert error.hint == f"rename the attribute, and keep the name of the column: `{renamed}`"
    assert error.source == declaration
    assert "Warning" not in capfd.readouterr().err
    column_type = "dict" if "sa_column=" in declaration else "str"
    workspace.write(
        app=models.replace(declaration, renamed.replace(": ...", f": {column_type}").replace("...", "sa.JSON"))
    )
    (hero, _) = workspace.load("app").models
    assert hero.column(f"{name}_").name == name


def test_field_without_a_column_type_is_named(workspace: Workspace) -> None:
    workspace.write(app=HERO + "    tags: list[str]\n")
    error = failure(workspace, "app")
    assert (str(error.location), error.source) == ("app.py:5", "tags: list[str]")
    assert "sa_type" in str(error.hint)


def test_missing_dependency(workspace: Workspace) -> None:
    workspace.write(app="import nothing_like_it")
    error = failure(workspace, "app")
    assert str(error.location) == "app.py:1"
    assert str(error.hint).startswith("is `nothing_like_it` installed")


def test_sys_exit(workspace: Workspace) -> None:
    workspace.write(app="import sys\nsys.exit(3)")
    error = failure(workspace, "app")
    assert (str(error.location), error.message) == ("app.py:2", "`app` cannot be imported: it calls sys.exit(3)")


@pytest.mark.parametrize(
    ("end", "how"), [("os._exit(3)", "exit code 3"), ("os.kill(os.getpid(), 9)", "signal SIGKILL")]
)
def test_process_that_ends_during_an_import(workspace: Workspace, end: str, how: str) -> None:
    workspace.write(app__="", app__models=f"import os  # table=True\n{end}")
    message = failure(workspace, "app").message
    assert message == f"the process that loads the models ended while importing `app.models` ({how})"


def test_submodule_that_fails_is_a_warning(workspace: Workspace) -> None:
    workspace.write(app__=HERO, app__broken=HERO.replace("Hero", "Villain") + "1 / 0\n")
    schema = workspace.load("app")
    assert [model.reference.name for model in schema.models] == ["Hero"]
    (finding,) = schema.findings
    assert (finding.code, str(finding.location)) == ("CG201", "app/broken.py:5")
    assert finding.message == "`app.broken` is left out: ZeroDivisionError: division by zero"


def test_failed_submodule_is_an_error_if_no_model_remains(workspace: Workspace) -> None:
    workspace.write(app__="", app__broken=HERO + "1 / 0\n")
    error = failure(workspace, "app")
    assert (str(error.location), error.source) == ("app/broken.py:5", "1 / 0")


TEAM = """
from sqlmodel import Field, Relationship, SQLModel

class Team(SQLModel, table=True):
    id: int = Field(primary_key=True)
    heroes: list["Hero"] = Relationship(back_populates="team")

class Hero(SQLModel, table=True):
    id: int = Field(primary_key=True)
    team_id: int = Field(foreign_key="team.id")
    team: Team = Relationship(back_populates="heroes")
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ('list["Hero"]', 'list["Heroe"]', 5),
        ('back_populates="team"', 'back_populates="teem"', 5),
        ('foreign_key="team.id"', "index=True", 5),
        ('back_populates="heroes"', 'back_populates="heros"', 10),
    ],
)
def test_relationship_that_does_not_resolve_is_named(workspace: Workspace, right: str, wrong: str, line: int) -> None:
    workspace.write(app=TEAM.replace(right, wrong))
    error = failure(workspace, "app", kind=RelationshipError)
    assert str(error.location) == f"app.py:{line}"
    assert error.source == (workspace.root / "app.py").read_text().splitlines()[line - 1].strip()
    assert error.message.startswith(f"relationship `{'Team.heroes' if line == 5 else 'Hero.team'}` ")


def test_unknown_target_suggests_the_nearest_model(workspace: Workspace) -> None:
    workspace.write(app=TEAM.replace('list["Hero"]', 'list["Heroe"]'))
    assert failure(workspace, "app", kind=RelationshipError).hint == "did you mean `Hero`?"


def test_partly_defined_class_of_a_failed_import_is_ignored(
    workspace: Workspace, names: Callable[[Schema], list[str]]
) -> None:
    workspace.write(app__="", app__a=HERO, app__b=HERO)
    schema = workspace.load("app")
    assert names(schema) == ["app.a.Hero"]
    assert [finding.code for finding in schema.findings] == ["CG201"]


def test_keyboard_interrupt_in_a_module_is_an_error(workspace: Workspace) -> None:
    workspace.write(app="raise KeyboardInterrupt\n")
    with pytest.raises(LoadError, match="`app` cannot be imported: KeyboardInterrupt"):
        workspace.load("app")


def test_type_that_only_type_checkers_import_is_found(workspace: Workspace) -> None:
    workspace.write(
        app="""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        import sqlalchemy as sa
        from sqlmodel import Field, SQLModel
        if TYPE_CHECKING:
            from decimal import Decimal
            import nowhere
        class Hero(SQLModel, table=True):
            id: int | None = Field(default=None, primary_key=True)
            price: Decimal | None = Field(default=None, sa_type=sa.Numeric)
        """
    )
    (model,) = workspace.load("app").models
    assert model.column("price").annotation == Annotation((Imported("decimal", "Decimal"),))


def test_relationship_to_a_failed_module_reports_the_module(workspace: Workspace) -> None:
    workspace.write(
        app__="",
        app__a="""
        from sqlmodel import Field, Relationship, SQLModel
        class Hero(SQLModel, table=True):
            id: int = Field(primary_key=True)
            items: list["Item"] = Relationship(back_populates="hero")
        """,
        app__b="""
        from sqlmodel import Field, SQLModel
        class Item(SQLModel, table=True):
            id: int = Field(primary_key=True)
        def broken(:
        """,
    )
    error = failure(workspace, "app")
    assert str(error).startswith("app/b.py:4: `app.b` is left out: SyntaxError")


@pytest.mark.parametrize(
    "needed", ["from generated import Database", "import generated.hero", "from generated import HeroController"]
)
def test_models_that_import_the_generated_package(workspace: Workspace, needed: str) -> None:
    workspace.write(app=f"{needed}\n{HERO}")
    error = failure(workspace, "app")
    assert error.hint == "models must not import `generated`, because it is generated from them"
    workspace.write(
        generated__="from .hero import HeroController",
        generated__hero="from app import Hero\n\nclass HeroController: ...",
    )
    error = failure(workspace, "app")
    assert "partially initialized module `app`" in error.message.replace("'", "`")
    assert error.hint == "models must not import `generated`, because it is generated from them"


FUTURE = """
from __future__ import annotations

from typing import List
from sqlmodel import Field, Relationship, SQLModel

class Team(SQLModel, table=True):
    id: int = Field(primary_key=True)
    players: {players} = Relationship(back_populates="team")

class Player(SQLModel, table=True):
    id: int = Field(primary_key=True)
    team_id: int = Field(foreign_key="team.id")
    team: {team} = Relationship(back_populates="players")
"""


@pytest.mark.parametrize("players", ["list[Player]", 'list["Player"]', 'List["Player"]'])
@pytest.mark.parametrize("team", ["Team", '"Team"', "Team | None"])
def test_relationships_under_a_future_import_of_annotations(workspace: Workspace, players: str, team: str) -> None:
    workspace.write(app=FUTURE.format(players=players, team=team))
    hint = failure(workspace, "app", kind=RelationshipError).hint
    assert hint is not None
    assert hint.startswith(
        "SQLModel does not support relationships in a module with `from __future__ import annotations`"
    )


def test_misspelt_target_under_a_future_import_is_still_reported(workspace: Workspace) -> None:
    workspace.write(app=FUTURE.format(players="Playr", team="Team"))
    assert failure(workspace, "app", kind=RelationshipError).hint == "did you mean `Player`?"


def test_exception_that_cannot_be_printed(workspace: Workspace) -> None:
    workspace.write(
        app="""
        class Broken(Exception):
            def __str__(self):
                raise RuntimeError

        raise Broken
        """
    )
    assert failure(workspace, "app").message == "`app` cannot be imported: Broken"


def test_only_unreadable_models_are_an_error(workspace: Workspace) -> None:
    workspace.write(
        app="""
        from sqlmodel import Field, SQLModel

        class Unreadable:
            def __getattr__(self, name):
                raise RuntimeError("odd metadata")

        class Hero(SQLModel, table=True):
            id: int = Field(primary_key=True)

        Hero.model_fields["id"].metadata.append(Unreadable())
        """
    )
    error = failure(workspace, "app")
    assert error.message.startswith("`Hero` is left out: it cannot be read (a column of its primary key is left out)")
    assert str(error.location) == "app.py:7"


BROKEN = "from sqlmodel import SQLModel\n\nclass Broken(SQLModel, table=True):\n    id: int\n     name: str\n"


def messages(error: CtrlgenError) -> list[tuple[str, str]]:
    return [(str(each.location), each.message) for each in (error, *error.others)]


def test_every_configured_module_that_fails_is_named_each_cause_once(workspace: Workspace) -> None:
    workspace.write(broken=BROKEN, a="import broken", b="import broken", c="1 / 0", d="1 / 0")
    error = failure(workspace, "a", "b", "c", "missing", "d")
    assert messages(error) == [
        ("broken.py:5", "`a` cannot be imported: IndentationError: unexpected indent"),
        ("c.py:1", "`c` cannot be imported: ZeroDivisionError: division by zero"),
        ("None", f"module `missing` does not exist in {workspace.root}"),
        ("d.py:1", "`d` cannot be imported: ZeroDivisionError: division by zero"),
    ]


def test_every_failed_submodule_is_named_if_no_model_remains(workspace: Workspace) -> None:
    workspace.write(app__="", app__a=BROKEN, app__b=f"import nothing_here\n{HERO}")
    assert messages(failure(workspace, "app")) == [
        ("app/a.py:5", "`app.a` is left out: IndentationError: unexpected indent"),
        ("app/b.py:1", "`app.b` is left out: ModuleNotFoundError: No module named 'nothing_here'"),
    ]


def test_error_of_a_model_is_shown_beside_the_import_that_may_be_its_cause(workspace: Workspace) -> None:
    hero = HERO.replace("Field, SQLModel", "Field, Relationship, SQLModel")
    workspace.write(app__="", app__a=f"import nothing_here\n{HERO}", app__b=f"{hero}    x: 'Team' = Relationship()\n")
    error = failure(workspace, "app")
    assert [str(each.location) for each in (error, *error.others)] == ["app/a.py:1", "app/b.py:5"]
    assert [type(each) for each in (error, *error.others)] == [LoadError, RelationshipError]


def test_module_executed_twice_is_not_blamed_for_existing_tables(workspace: Workspace) -> None:
    workspace.write(
        app__="",
        app__a=f"import app.half\n{HERO.replace('Hero', 'A')}",
        app__b=f"import app.half\n{HERO.replace('Hero', 'B')}",
        app__half=f"{HERO}\nraise ValueError('no')\n",
        app__hero=HERO.replace("Hero", "Villain"),
    )
    (finding,) = workspace.load("app").findings
    assert (str(finding.location), finding.code) == ("app/half.py:6", "CG201")
    assert finding.message == "`app.a`, `app.b` and `app.half` are left out: ValueError: no"
