"""Every message of the command, verbatim: standard output, standard error and exit code."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from ctrlgen.errors import DOCS, error_classes
from ctrlgen.report import print_interrupted
from ctrlgen.write import FORMAT, HEADER

from .conftest import MODELS, SETTINGS, Project


class TextFileExtension(SingleFileSnapshotExtension):
    """One ``.txt`` file per message."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@dataclass(frozen=True)
class Case:
    """A command, and the files to change before it runs; None removes a file."""

    command: str = "generate"
    files: Mapping[str, str | None] = field(default_factory=dict)


def setting(text: str) -> Case:
    return Case(files={"pyproject.toml": f"{SETTINGS}{text}\n"})


OWN = """from app.db import HeroController


class Plain: ...


class Heroes(Plain, HeroController): ...
"""


def controller(path: str) -> Case:
    settings = f'{SETTINGS}\n[tool.ctrlgen.controllers]\n"Hero" = "{path}"\n'
    return Case("check", {"pyproject.toml": settings, "app/heroes.py": OWN})


def models(text: str) -> Case:
    return Case(files={"app/models.py": text})


def package(**modules: str) -> dict[str, str | None]:
    """Return files that make `app.models` a package of these modules."""
    files = {f"app/models/{name}.py": text for name, text in modules.items()}
    return {"app/models.py": None, "app/models/__init__.py": "", **files}


BROKEN = "from sqlmodel import SQLModel\n\n\nclass Broken(SQLModel, table=True):\n    id: int\n     name: str\n"
HALF = f"{MODELS.replace('Hero', 'Half')}\n\nraise ValueError('no')\n"
TEAM = "team_id: int = Field(foreign_key='team.id')"
MEMBER = MODELS.replace("Hero", "Member").replace("name: str = Field(unique=True)", TEAM)
TEAMS = "".join(MEMBER.replace("Member", f"Member{n}") for n in range(5)) + MODELS.replace("Hero", "Team")
IGNORED = TEAMS.replace("foreign_key='team.id')", "foreign_key='team.id')  # ctrlgen: ignore[CG101]")

USAGE = {
    "unknown command": Case("generat"),
    "unknown command without a suggestion": Case("zebra"),
    "unknown option": Case("check --modles app"),
    "unknown option without a suggestion": Case("diff --zebra"),
    "option without value": Case("generate --models"),
    "flag with value": Case("generate --quiet=3"),
    "superfluous argument": Case("generate app.models"),
    "lint without a path": Case("lint"),
    "project that is not a folder": Case("generate --project nowhere"),
}
CONFIGURATION = {
    "no settings": Case(files={"pyproject.toml": ""}),
    "no pyproject": Case(files={"pyproject.toml": None}),
    "no models": Case(files={"pyproject.toml": '[tool.ctrlgen]\noutput = "app/db"\n'}),
    "no output": Case(files={"pyproject.toml": '[tool.ctrlgen]\nmodels = ["app.models"]\n'}),
    "TOML with a byte order mark": Case(files={"pyproject.toml": f"\ufeff{SETTINGS}"}),
    "TOML that ends too early": Case(files={"pyproject.toml": "[tool.ctrlgen]\nmodels = ["}),
    "broken TOML": Case(files={"pyproject.toml": "[tool.ctrlgen\n"}),
    "misspelt setting": setting('ouput = "x"'),
    "unknown setting without a suggestion": setting('zebra = "x"'),
    "setting of another type": Case(files={"pyproject.toml": '[tool.ctrlgen]\nmodels = "app.models"\n'}),
    "output outside": Case("generate --output ../elsewhere"),
    "output is the project": Case("generate --output ."),
    "output is a file": Case("generate --output app/models.py"),
    "output named like a keyword": Case("generate --output app/class"),
    "output like a file": Case("generate --output tracker.db"),
    "output like a file with its package": Case("generate --output tracker.db --package tracker.db"),
    "output with hyphens": Case("generate --output my-app/2.db"),
    "output hides the models": Case("generate --output app/models"),
    "output beside the package in src": Case("generate --output shop/db", {"src/shop/__init__.py": ""}),
    "output beside a namespace in src": Case("generate --output shop/db", {"src/shop/models.py": ""}),
    "package that is not a name": setting('package = "foo-bar"'),
    "package that does not resolve to output": setting('package = "foo.bar"'),
    "tests inside output": setting('tests = "app/db/tests"'),
    "cache folder that is output": Case("generate --cache-dir app/db"),
    "cache folder inside output": setting('cache_dir = "app/db/cache"'),
    "cache folder that contains output": Case("check --cache-dir app"),
    "cache folder that is the project": setting('cache_dir = "."'),
    "cache folder inside tests": setting('tests = "tests/db"\ncache_dir = "tests/db/.cache"'),
    "cache folder with sources": Case("diff --cache-dir lib/models", {"lib/models/__init__.py": ""}),
    "cache folder that is a file": setting('cache_dir = "app/models.py/cache"'),
    "silence of an unknown code": setting('silence = ["CG999"]'),
    "silence of a misspelt code": setting('silence = ["CG1O1"]'),
    "silence of missing models": setting('silence = ["CG201:app.more"]'),
    "unknown choice": setting('foreign_keys = "maybe"'),
    "equal suffixes": setting('suffixes = { create = "Update" }'),
    "name that is a keyword": setting('names = { Hero = "class" }'),
    "unknown name": setting('skip = { models = ["Heroo"] }'),
    "method that every controller has": setting('skip = { methods = ["Hero.find_all"] }'),
    "model among methods": setting('skip = { methods = ["Hero"] }'),
    "every model left out": setting('skip = { models = ["Hero"] }'),
    "controller in a module that does not exist": controller("app.heros:Heroes"),
    "controller of another name": controller("app.heroes:Hero"),
    "controller that derives from nothing": controller("app.heroes:Plain"),
    "controller that is emitted": controller("app.db:HeroController"),
    "cache that is not a table": setting("cache = { Hero = 300 }"),
    "cache without a time": setting("cache = { Hero = { size = 10 } }"),
    "cache for no time": setting("cache = { Hero = { ttl = 0, size = 10 } }"),
    "cache of half a row": setting("cache = { Hero = { ttl = 5, size = 0.5 } }"),
    "cache with a misspelt setting": setting("cache = { Hero = { ttl = 5, size = 10, finder = true } }"),
    "cache with finders that are neither true nor false": setting(
        'cache = { Hero = { ttl = 5, size = 10, finders = "all" } }'
    ),
    "cache of an unknown model": setting("cache = { Heroo = { ttl = 5, size = 10 } }"),
    "cache of a method": setting('cache = { "Hero.get_by_id" = { ttl = 5, size = 10 } }'),
    "cache of a model that only the ORM can read": Case(
        files={
            "pyproject.toml": f"{SETTINGS}cache = {{ Hero = {{ ttl = 5, size = 10 }} }}\n",
            "app/models.py": MODELS.replace(
                "from sqlmodel", "from sqlalchemy.orm import column_property\nfrom sqlmodel"
            )
            + "\n\nHero.shout = column_property(Hero.__table__.c.name + '!')\n",
        }
    ),
    "tenant that no model has": setting('tenant = "nmae"'),
    "tenant_strict without a tenant": setting("tenant_strict = true"),
    "tenant outside of a primary key": setting('tenant = "name"\ntenant_strict = true'),
    "cache_sync with an unknown value": setting('cache_sync = "redis"'),
    "settings that ruff refuses": setting('\n[tool.ruff]\nline-length = "wide"'),
}
LOADING = {
    "misspelt module": Case("generate --models app.modles"),
    "unknown module without a suggestion": Case("generate --models zebra"),
    "module that was deleted": Case(
        files={"pyproject.toml": SETTINGS.replace('["app.models"]', '[\n    "app.models",\n    "app.more",\n]')}
    ),
    "no module": Case("generate --models zebra", {"app/models.py": None}),
    "import that fails": models(f"{MODELS}\n\nNAMES = {{}}['missing']\n"),
    "library that is missing": models(f"import no_such_library\n{MODELS}"),
    "no Python": models(f"{MODELS}class Broken(:\n"),
    "module that exits": models("import sys\n\nsys.exit(3)\n"),
    "module that ends the process": models("import os\n\nos._exit(7)\n"),
    "module that needs the package": models(f"import app.db.nothing\n{MODELS}"),
    "no table model": models("X = 1\n"),
    "table=True forgotten": models(MODELS.replace(", table=True", "")),
    "type without a column type": models(MODELS.replace("name: str", "name: object")),
    "table declared twice": models(
        MODELS
        + MODELS.partition("\n\n\n")[2]
        .replace("Hero(", "Villain(")
        .replace("True):", "True):\n    __tablename__ = 'hero'\n")
    ),
    "several configured modules fail": Case(
        "generate --models app.a --models app.b --models app.c",
        {
            "app/a.py": "import app.broken\n",
            "app/b.py": "import app.broken\n",
            "app/c.py": "1 / 0\n",
            "app/broken.py": BROKEN,
        },
    ),
    "nothing but failures": Case(files=package(a=BROKEN, b=f"import nothing_here\n{MODELS}")),
    "failure and a mapping that needs it": Case(
        files=package(
            a=f"import nothing_here\n{MODELS.replace('Hero', 'Team')}",
            b=MODELS.replace("Field, SQLModel", "Field, Relationship, SQLModel")
            + '    team: "Team" = Relationship()\n    rival: "Rival" = Relationship()\n',
        )
    ),
    "one cause of several failures": Case(
        "check",
        package(
            hero=MODELS,
            half=HALF,
            a=f"import app.models.half\n{MODELS.replace('Hero', 'A')}",
            b=f"import app.models.half\n{MODELS.replace('Hero', 'B')}",
        ),
    ),
    "controller of a module that fails": Case(
        files=package(hero="import nothing_here\n" + MODELS, other=MODELS.replace("Hero", "Other"))
    ),
}
DECLARE = "from sqlmodel import Field, Relationship, SQLModel\n"


def classes(**bodies: str) -> Case:
    """Return models with a primary key and these lines; `Link_` is a class without a table."""
    text = DECLARE
    for name, body in bodies.items():
        table = "" if name.endswith("_") else ", table=True"
        lines = ["id: int = Field(primary_key=True)", *filter(None, body.splitlines())]
        text += f"\n\nclass {name.rstrip('_')}(SQLModel{table}):\n" + "".join(f"    {line}\n" for line in lines)
    return models(text)


HEROES = 'heroes: list["Hero"] = Relationship(back_populates="team")'
TO_TEAM = 'team_id: int = Field(foreign_key="team.id")'
OF_TEAM = 'team: Team = Relationship(back_populates="heroes")'
TEAM_CLASS = "\n\nclass Team(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n"
LINKS = 'hero_id: int = Field(foreign_key="hero.id")'
DECLARATION = {
    "misspelt back_populates": classes(Team=HEROES.replace('"team"', '"temm"'), Hero=f"{TO_TEAM}\n{OF_TEAM}"),
    "back_populates that is a column": classes(
        Team=HEROES.replace('"team"', '"team_id"'), Hero=f"{TO_TEAM}\n{OF_TEAM}"
    ),
    "back_populates of nothing": classes(Team=HEROES, Hero=TO_TEAM),
    "no primary key": models(f"{DECLARE}\n\nclass Team(SQLModel, table=True):\n    name: str\n"),
    "column that does not exist in an index": classes(
        Hero='name: str\n__table_args__ = (\n    __import__("sqlalchemy").Index("ix_hero_name", "nmae"),\n)'
    ),
    "reserved name": classes(Hero="metadata: str"),
    "no foreign key": classes(Team="", Hero="team_id: int\nteam: Team = Relationship()"),
    "no foreign key of a list": classes(Team=HEROES, Hero=OF_TEAM),
    "no link_model": classes(
        Team=HEROES.replace('"team"', '"teams"'), Hero='teams: list[Team] = Relationship(back_populates="heroes")'
    ),
    "link_model without foreign keys": classes(
        Link=LINKS, Team=HEROES.replace('"team"', "None, link_model=Link"), Hero=""
    ),
    "link_model that is not a table": classes(
        Link_=f"{LINKS}\n{TO_TEAM}", Team=HEROES.replace('"team"', "None, link_model=Link"), Hero=""
    ),
    "link_model with too many foreign keys": classes(
        Link=f"{LINKS}\n{TO_TEAM}\nother_id: int = Field(foreign_key='team.id')",
        Team=HEROES.replace('"team"', "None, link_model=Link"),
        Hero="",
    ),
    "ambiguous foreign keys": classes(
        Team=HEROES, Hero=f"old_team_id: int = Field(foreign_key='team.id')\n{TO_TEAM}\n{OF_TEAM}"
    ),
    "relationship to its own table": classes(
        Hero="boss_id: int | None = Field(default=None, foreign_key='hero.id')\n"
        "boss: 'Hero' = Relationship(back_populates='staff')\nstaff: list['Hero'] = Relationship(back_populates='boss')"
    ),
    "class name of several models": Case(
        "generate --models app.models --models app.more",
        {
            "app/models.py": f"{DECLARE}{TEAM_CLASS}\n\n"
            f"class Hero(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n    {TO_TEAM}\n"
            "    team: 'Team' = Relationship()\n",
            "app/more.py": f"{DECLARE}{TEAM_CLASS}    __tablename__ = 'other'\n",
        },
    ),
    "class that is declared later": classes(Team="heroes: list[Hero] = Relationship()", Hero=TO_TEAM),
    "class that is not imported": models("class Team(SQLModel, table=True): ...\n"),
}
MODEL = {
    "relationship to nothing": models(
        MODELS.replace("Field, SQLModel", "Field, Relationship, SQLModel") + '    team: "Teem" = Relationship()\n'
    ),
    "foreign key to nowhere": models(
        MODELS.replace("Field, SQLModel", "Field, Relationship, SQLModel")
        + MODELS.partition("\n\n\n")[2].replace("Hero", "Team")
        + '    hero_id: int = Field(foreign_key="heroes.id")\n    hero: "Hero" = Relationship()\n'
    ),
    "two models of one name": Case(
        "generate --models app.models --models app.more",
        {
            "app/more.py": MODELS.replace(
                "(SQLModel, table=True):", '(SQLModel, table=True):\n    __tablename__ = "b"\n'
            )
        },
    ),
    "foreign key without index that is an error": Case(
        files={"pyproject.toml": f'{SETTINGS}foreign_keys = "error"\n', "app/models.py": TEAMS}
    ),
    "warnings of one code": Case("check", {"app/models.py": TEAMS}),
    "every warning": Case("generate --verbose", {"app/models.py": TEAMS}),
    "no warning": Case("generate -q", {"app/models.py": TEAMS}),
    "warning silenced by a comment": Case("generate", {"app/models.py": IGNORED}),
    "comment that silences nothing": Case(
        "check", {"app/models.py": MODELS.replace("unique=True)", "unique=True)  # ctrlgen: ignore[CG101, CG102]")}
    ),
    "warnings silenced by the settings": Case(
        "generate --verbose",
        {
            "pyproject.toml": f'{SETTINGS}silence = ["CG101:Member1", "CG101:Member2.team_id", "CG101:Member3.name"]\n',
            "app/models.py": TEAMS,
        },
    ),
}
WRITING = {
    "created, changed and removed": Case(files={"app/models.py": MODELS.replace("Hero", "Heroine")}),
    "nothing to do": Case(),
    "up to date": Case("check"),
    "up to date, quiet": Case("check -q"),
    "stale": Case("check", {"app/models.py": MODELS.replace("unique", "index")}),
    "difference": Case("diff -q", {"app/models.py": MODELS + "    age: int | None = None\n"}),
    "no difference": Case("diff"),
    "foreign file": Case(files={"app/db/hero.py": "MINE = 1\n"}),
    "file in place of a folder": Case("generate --output app/data/db", {"app/data": "a file\n"}),
    "test file that is not valid Python": Case("generate --tests tests", {"tests/test_hero_controller.py": "def (:\n"}),
}
STALE_MODELS = {"app/models.py": MODELS.replace("unique", "index")}
AGED = HEADER.replace(f" {FORMAT}", "")
FORMATS = {
    "stale as annotations": Case("check --format github", STALE_MODELS),
    "missing test stubs as annotations": Case(
        "check --format github", {"pyproject.toml": f'{SETTINGS}tests = "tests/db"\n'}
    ),
    "missing test as annotation": Case(
        "check --format github --tests tests",
        {"tests/test_hero_controller.py": "async def test_create(): ...\n", "tests/conftest.py": ""},
    ),
    "stale as JSON": Case("check --format json", STALE_MODELS),
    "warnings as annotations": Case("generate --format github", {"app/models.py": TEAMS}),
    "error as an annotation": Case("check --format github", {"app/models.py": BROKEN}),
    "error as JSON": Case("generate --format json", {"pyproject.toml": f'{SETTINGS}ouput = "x"\n'}),
    "unknown format": Case("check --format xml"),
    "misspelt format": Case("check --format jsn"),
}
UPGRADING = {
    "generated by an older ctrlgen": Case("check", {"app/db/py.typed": f"{AGED}\n"}),
    "generated by an older ctrlgen as an annotation": Case("check --format github", {"app/db/py.typed": f"{AGED}\n"}),
    "generated over an older ctrlgen": Case("generate", {"app/db/py.typed": f"{AGED}\n"}),
    "generated by a newer ctrlgen": Case("check", {"app/db/py.typed": f"{HEADER.replace(FORMAT, '99.0')}\n"}),
}
LINT = {
    "explanation of an unknown model": Case("explain Heroo"),
    "settings that exist already": Case("init --yes"),
    "questions without a terminal": Case("init", {"pyproject.toml": None}),
    "lint of a file that does not exist": Case("lint nowhere.py"),
    "lint with an unknown setting": Case(
        "lint app", {"pyproject.toml": f'{SETTINGS}[tool.ctrlgen.lint]\nselekt = ["CGL1"]\n'}
    ),
    "lint with an unknown code": Case(
        "lint app", {"pyproject.toml": f'{SETTINGS}[tool.ctrlgen.lint]\nignore = ["CGL9"]\n'}
    ),
    "lint with an unknown code for some files": Case(
        "lint app",
        {"pyproject.toml": f'{SETTINGS}[tool.ctrlgen.lint.per-file-ignores]\n"tests/**" = ["CGL1", "CG101"]\n'},
    ),
}
CASES = USAGE | FORMATS | UPGRADING | LINT | CONFIGURATION | LOADING | DECLARATION | MODEL | WRITING


def _without_code(output: str) -> str:
    """Return the output without emitted code, and without the number of files."""
    lines = [line for line in output.splitlines(keepends=True) if "/runtime/" not in line]
    kept = (line for line in lines if not line.startswith(("+", "-", " ", "@@")) or line.startswith(("+++", "---")))
    return re.sub(r"\b\d\d+ (?=created|unchanged|files)", "N ", "".join(kept))


@pytest.mark.parametrize("name", CASES)
def test_message(app: Project, name: str, snapshot: SnapshotAssertion) -> None:
    case = CASES[name]
    for path, text in case.files.items():
        if text is None:
            (app.root / path).unlink()
        else:
            app.write(path, text)
    done = app.run(*case.command.split(), COLUMNS="80")
    printed = done.stdout if "--format" in case.command else _without_code(done.stdout)
    output = f"{printed}--- standard error\n{done.stderr}--- exit code {done.returncode}\n"
    output = f"$ ctrlgen {case.command}\n{output}"
    output = output.replace(str(app.root), "/project").replace(sys.executable, "/venv/bin/python")
    assert output == snapshot(extension_class=TextFileExtension)
    assert "Traceback" not in done.stderr
    if done.returncode == 2:
        assert "\nhint: " in done.stderr or "\n  --> " in done.stderr, "a hint or a location"


BREAKING = """
import sys


class Breaking:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyError("x")


sys.meta_path.insert(0, Breaking())
"""


@pytest.mark.parametrize(
    ("module", "prevented"),
    [
        ("ctrlgen.inspect.models", "the models cannot be read because of a bug in ctrlgen"),
        ("ctrlgen.plan", "a bug in ctrlgen, not in your models"),
    ],
)
@pytest.mark.parametrize(
    ("arguments", "environment"), [([], {}), (["--traceback"], {}), ([], {"CTRLGEN_TRACEBACK": "1"})]
)
def test_bug_in_either_process_is_reported_as_such(
    app: Project, module: str, prevented: str, arguments: list[str], environment: dict[str, str]
) -> None:
    app.write("site/sitecustomize.py", BREAKING.format(module=module))
    done = app.run("check", "--no-cache", *arguments, PYTHONPATH=str(app.root / "site"), **environment)
    said = (
        f"error CGE502: {prevented}: KeyError: 'x'\n"
        "hint: please report it, with the output of `--traceback`\n"
        f"docs: {DOCS}/messages.md#cge502\n"
    )
    asked = bool(arguments or environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{said}Traceback (most recent call last):\n" if asked else said)
    assert done.stderr.endswith("KeyError: 'x'\n" if asked else said)


def test_interruption_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    print_interrupted()
    assert capsys.readouterr() == ("", "error: interrupted\n")


def test_every_error_has_a_golden_message() -> None:
    """Errors of drift are tested in tests/drift. The others need a broken installation, locale, disk or ctrlgen."""
    snapshots = "".join(file.read_text("utf-8") for file in Path(__file__).parent.rglob("*.txt"))
    missing = {cls.code for cls in error_classes() if f"error {cls.code}: " not in snapshots}
    assert missing == {"CGE100", "CGE300", "CGE401", "CGE501", "CGE502", "CGE503", "CGE601", "CGE602", "CGE603"}
