"""Frequent first mistakes: each gives one clear message, and changes no file."""

from __future__ import annotations

import pytest

from .conftest import MODELS, SETTINGS, Project


def test_no_configuration(app: Project) -> None:
    app.write("pyproject.toml", "")
    printed = app.fails("generate")
    assert "does not set the modules of the models" in printed
    assert '[tool.ctrlgen]\n    models = ["app.models"]' in printed


@pytest.mark.parametrize("name", ["ctlgen", "ctrl-gen", "ctrlgenn"])
def test_misspelt_table(app: Project, name: str) -> None:
    app.write("pyproject.toml", SETTINGS.replace("ctrlgen", name) + "\n[tool.ctrlx]\nline-length = 120\n")
    printed = app.fails("generate")
    assert f"has a table `[tool.{name}]`, and no `[tool.ctrlgen]`" in printed
    assert f"--> pyproject.toml:1\n   1 | [tool.{name}]\n     |       {'^' * len(name)}\n" in printed
    assert "hint: did you mean `[tool.ctrlgen]`?" in printed
    assert "ctrlgen init" not in printed


def test_table_of_another_tool_with_a_similar_name(app: Project) -> None:
    app.write("pyproject.toml", "[tool.ctlgen]\nline-length = 120\n")
    assert "run `ctrlgen init`" in app.fails("generate")


def test_misspelt_setting(app: Project) -> None:
    app.write("pyproject.toml", SETTINGS.replace("output", "ouput"))
    assert "has no setting `ouput`" in (printed := app.fails("generate"))
    assert "did you mean `output`?" in printed


def test_setting_of_the_wrong_type(app: Project) -> None:
    app.write("pyproject.toml", SETTINGS.replace('["app.models"]', '"app.models"'))
    assert "must be a list of strings" in app.fails("generate")


def test_broken_toml(app: Project) -> None:
    app.write("pyproject.toml", "[tool.ctrlgen\n")
    assert "is not valid TOML" in app.fails("generate")


# https://github.com/Nayjest/Gito/issues/315, https://github.com/notatallshaw/nab/pull/425
@pytest.mark.parametrize("command", ["generate", "init", "lint"])
@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("\N{ZERO WIDTH NO-BREAK SPACE}".encode(), "it begins with a byte order mark"),
        ("# caf\xe9\n".encode("latin-1"), "it is not UTF-8"),
        ("# x\n".encode("utf-16"), "it is not UTF-8"),
    ],
)
def test_settings_in_another_encoding(app: Project, command: str, before: bytes, reason: str) -> None:
    (app.root / "pyproject.toml").write_bytes(before + SETTINGS.encode())
    printed = app.fails(command, *{"init": ["--yes"], "lint": ["app"]}.get(command, []))
    assert f"pyproject.toml` is not valid TOML, because {reason}" in printed
    assert "hint: save the file as UTF-8" in printed
    assert "--> pyproject.toml:1" in printed


@pytest.mark.parametrize("output", ["../elsewhere", "/tmp/elsewhere"])
def test_output_outside_the_project(app: Project, output: str) -> None:
    assert "is outside the project" in app.fails("generate", "--output", output)


def test_output_named_like_a_keyword(app: Project) -> None:
    assert "`class` in `output` cannot be part of an import path" in app.fails("generate", "--output", "class")


@pytest.mark.parametrize("models", ["app.models", "app"])
def test_output_that_would_shadow_a_module(app: Project, models: str) -> None:
    assert "`output` would shadow" in app.fails("generate", "--models", models, "--output", "app/models")


def test_output_that_is_the_project_itself(app: Project) -> None:
    assert "is the project's folder" in app.fails("generate", "--output", ".")


def test_cache_folder_that_contains_the_project(app: Project) -> None:
    assert ", which contains the project\n" in app.fails("generate", "--cache-dir", "..")


def test_module_not_found(app: Project) -> None:
    printed = app.fails("generate", "--models", "app.modles")
    assert "app.modles" in printed
    assert "app.models" in printed, "a similar name is suggested"


def test_module_without_table_models(app: Project) -> None:
    app.write("app/models.py", "X = 1\n")
    printed = app.fails("generate")
    assert "no table model in `app.models`" in printed


def test_import_that_fails_shows_the_users_own_line(app: Project) -> None:
    app.write("app/models.py", MODELS + "\n\nraise_here = {}['missing']\n")
    printed = app.fails("generate")
    assert "KeyError" in printed
    assert "app/models.py:13" in printed
    assert "raise_here = {}['missing']" in printed


def test_import_of_something_not_installed(app: Project) -> None:
    app.write("app/models.py", "import no_such_library\n" + MODELS)
    printed = app.fails("generate")
    assert "no_such_library" in printed
    assert "app/models.py:1" in printed


def test_syntax_error_in_a_model(app: Project) -> None:
    app.write("app/models.py", MODELS + "class Broken(:\n")
    printed = app.fails("generate")
    assert "app/models.py:11" in printed
    assert "class Broken(:" in printed


def test_relationship_to_a_model_that_does_not_exist(app: Project) -> None:
    broken = MODELS.replace("Field, SQLModel", "Field, Relationship, SQLModel")
    app.write("app/models.py", broken + '    team: "Teem" = Relationship()\n')
    printed = app.fails("generate")
    assert "Teem" in printed
    assert "app/models.py:" in printed


def test_model_module_that_exits(app: Project) -> None:
    app.write("app/models.py", "import sys\nsys.exit(3)\n")
    assert "app/models.py:2" in app.fails("generate")


def test_two_models_with_the_same_name(app: Project) -> None:
    other = MODELS.replace("(SQLModel, table=True):", '(SQLModel, table=True):\n    __tablename__ = "other"')
    app.write("app/more.py", other)
    app.write("pyproject.toml", SETTINGS.replace('["app.models"]', '["app.models", "app.more"]'))
    assert "would both be `db.hero`" in app.fails("generate")


def test_output_that_is_the_package_of_the_models_is_an_error_without_warnings(app: Project) -> None:
    app.write("app/__init__.py", "# mine\n")
    app.write("app/tests/__init__.py", "")
    foreign_key = "\n\nclass Team(Hero, table=True):\n    pass\n"
    app.write("app/models.py", MODELS + foreign_key)
    app.write("tests/test_hero_controller.py", "from app.models import Hero\nfrom app.main import run\n")
    app.write("pyproject.toml", SETTINGS.replace("app/db", "app") + 'tests = "tests"\n')
    printed = app.fails("generate")
    assert "was not written by ctrlgen" in printed
    assert "CG303" not in printed
    assert "warning" not in printed


def test_foreign_file_with_the_name_of_a_controller(app: Project) -> None:
    app.write("app/db/hero.py", "mine = 1\n")
    printed = app.fails("generate")
    assert "hero.py" in printed
    assert "was not written by ctrlgen" in printed


def test_stub_file_that_does_not_parse(app: Project) -> None:
    app.write("tests/test_hero.py", "def (:\n")
    assert "tests/test_hero.py:1" in app.fails("generate", "--tests", "tests")


def test_unknown_command_and_flag(app: Project) -> None:
    assert app.run("generat").returncode == 2
    assert app.run("generate", "--modles", "x").returncode == 2


def test_help_lists_commands_and_version_is_printed(app: Project) -> None:
    assert {"generate", "check", "diff"} <= set(app.run("--help").stdout.split())
    assert app.run("--version").stdout.startswith("ctrlgen 0.")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('names = ["User"]', "`names` in pyproject.toml must be a table"),
        ('skip = { tables = ["x"] }', "has no setting `tables`"),
        ('skip = { models = ["Heroo"] }', "refers to `Heroo`, which does not exist"),
        ('silence = ["all"]', "`all` is not the code of a warning"),
        ('silence = ["CG201"]', "cannot be silenced"),
        ('foreign_keys = "maybe"', 'must be one of "warn", "emit", "error"'),
        ('suffixes = { create = "Update" }', "gives two classes the same name"),
        ('package = "foo-bar"', "which cannot be imported"),
        ('package = "app.class.db"', "which cannot be imported"),
        ('names = { "Hero.get_by_id" = "class" }', "'class' is not a name"),
        ('tests = "app/db"', "must not contain each other"),
        ('tests = "app/models.py"', "`tests` is `app/models.py`, but"),
        ('tests = "a\\u0000b"', "`tests` in `[tool.ctrlgen]` must be a string"),
        ('skip = { models = ["Hero"] }', "leaves out every model"),
    ],
)
def test_invalid_setting(app: Project, setting: str, message: str) -> None:
    app.write("pyproject.toml", f"{SETTINGS}{setting}\n")
    assert message in app.fails("generate")


def test_controller_is_kept_while_its_module_fails(app: Project) -> None:
    app.write("app/models.py", "")
    (app.root / "app/models.py").unlink()
    app.write("app/models/__init__.py", MODELS)
    app.write("app/models/extra.py", MODELS.replace("Hero", "Coupon"))
    assert app.run("generate").returncode == 0
    app.write("app/models/extra.py", "import nonexist\n" + MODELS.replace("Hero", "Coupon"))
    printed = app.fails("generate")
    assert "`coupon.py` would be removed" in printed
    assert "app/models/extra.py:1" in printed


TEAM = """from sqlmodel import Field, Relationship, SQLModel


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    heroes: list["Hero"] = Relationship(back_populates="team")


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    team_id: int | None = Field(default=None, foreign_key="team.id", index=True)
    team: "Team" = Relationship(back_populates="heroes")
"""


@pytest.mark.parametrize(
    ("target", "problem", "hint"),
    [
        ("teams.id", "the table `teams` is not declared", "did you mean `team.id`?"),
        ("team.idd", "the table `team` has no such column", "did you mean `team.id`?"),
        ("club.id", "the table `club` is not declared", "did you mean `team.id`?"),
        ("club.key", "the table `club` is not declared", "did you mean `team.id`?"),
    ],
)
def test_dangling_foreign_key_beside_a_relationship_is_shown_at_its_line(
    app: Project, target: str, problem: str, hint: str
) -> None:
    app.write("app/models.py", TEAM.replace("team.id", target))
    printed = app.fails("generate")
    assert f"error CGE302: `Hero.team_id` references `{target}`, but {problem}\n  --> app/models.py:11\n" in printed
    assert f'11 | team_id: int | None = Field(default=None, foreign_key="{target}", index=True)' in printed
    assert f"hint: {hint}" in printed


def test_dangling_foreign_key_is_named_by_its_attribute(app: Project) -> None:
    renamed = 'foreign_key="teams.id", sa_column_kwargs={"name": "the team"}'
    app.write("app/models.py", TEAM.replace('foreign_key="team.id"', renamed))
    assert "error CGE302: `Hero.team_id` references `teams.id`" in app.fails("generate")


@pytest.mark.parametrize("annotation", ['"Team"', "Team", "Team | None"])
def test_missing_table_true_in_a_relationship_is_reported_at_the_class(app: Project, annotation: str) -> None:
    source = TEAM.replace("class Team(SQLModel, table=True)", "class Team(SQLModel)")
    app.write("app/models.py", source.replace('team: "Team"', f"team: {annotation}"))
    printed = app.fails("generate")
    assert (
        "error CGE301: relationship `Hero.team` refers to `Team`, which is not a table\n  --> app/models.py:4"
        in printed
    )
    assert "hint: declare it as a table: `class Team(SQLModel, table=True)`" in printed


def test_missing_table_true_on_a_foreign_key_target_is_reported(app: Project) -> None:
    lines = [line for line in TEAM.splitlines() if "Relationship(" not in line]
    app.write("app/models.py", "\n".join(lines).replace("class Team(SQLModel, table=True)", "class Team(SQLModel)"))
    printed = app.run("generate").stderr
    assert (
        "app/models.py:10: warning CG206: `Hero` references `team.id`, but the table `team` is not declared; "
        in printed
    )
    assert "declare it as a table: `class Team(SQLModel, table=True)`" in printed


ALCHEMY = """from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Villain(Base):
    __tablename__ = "hero"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


def test_models_of_sqlalchemy_alone_are_refused(app: Project) -> None:
    app.write("app/models.py", ALCHEMY)
    printed = app.fails("generate")
    assert (
        "error CGE200: `Villain` is left out: it is a plain SQLAlchemy model, and ctrlgen reads only SQLModel models"
        in printed
    )
    assert "  --> app/models.py:8" in printed


def test_model_of_sqlalchemy_beside_others_is_left_out_with_a_warning(app: Project) -> None:
    app.write("app/models.py", f"{ALCHEMY}\n\n{MODELS.partition('from')[1]}{MODELS.partition('from')[2]}")
    done = app.run("generate")
    assert done.returncode == 0
    assert "app/models.py:8: warning CG210: `Villain` is left out: it is a plain SQLAlchemy model" in done.stderr


def test_output_beside_the_package_in_src_is_refused(app: Project) -> None:
    app.write("src/shop/__init__.py", "")
    app.write("pyproject.toml", '[tool.ctrlgen]\nmodels = ["app.models"]\noutput = "shop/db"\n')
    printed = app.fails("generate")
    assert "`output` is `shop/db`, but the package `shop` is in `src`" in printed
    assert 'write `output = "src/shop/db"`' in printed


def test_package_that_does_not_resolve_to_output_is_refused(app: Project) -> None:
    app.write("pyproject.toml", SETTINGS + 'package = "foo.bar"\n')
    printed = app.fails("generate")
    assert "`package` is `foo.bar`, which does not resolve to `output`, `app/db`" in printed
    assert 'write `package = "app.db"`, or omit it' in printed
