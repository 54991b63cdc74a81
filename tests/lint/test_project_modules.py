"""Names that a file imports from other modules of its project: session types, factories, dependencies and models."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ctrlgen.lint.runner import Checker

from ..cli.conftest import MODELS, SETTINGS, Project

ROUTES = """
from fastapi import APIRouter

from .database import Session
from .models import Hero

router = APIRouter()


@router.get("/heroes/{hero_id}")
async def read_hero(hero_id: int, db: Session):
    return await db.get(Hero, hero_id)
"""
DATABASE = """
from typing import Annotated, NewType, TypeAlias

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

SessionLocal = async_sessionmaker(engine)
"""
"""The head of a module that declares sessions."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("pyproject.toml", "")
    project.write("app/__init__.py", "")
    return project


def codes(project: Project, routes: str = ROUTES, file: str = "app/routes.py", **files: str) -> list[str]:
    """Return the codes of the findings in one file, after writing the others: ``database="..."``."""
    for path, text in {file: routes, **{f"app/{name}.py": text for name, text in files.items()}}.items():
        project.write(path, textwrap.dedent(text))
    return [found.code for found in Checker().check_file(project.root / file, file).diagnostics]


@pytest.mark.parametrize(
    "alias",
    [
        "Session = Annotated[AsyncSession, Depends(get_session)]",
        "Session = AsyncSession",
        "Session: TypeAlias = AsyncSession",
        "type Session = AsyncSession",
        "type Session = Annotated[AsyncSession, Depends(get_session)]",
        'Session: TypeAlias = "Annotated[AsyncSession, Depends(get_session)]"',
        'Session = NewType("Session", AsyncSession)',
        "Session = AsyncSession | None",
        "class Session(AsyncSession): ...",
        "class Own(AsyncSession): ...\n\nSession = Annotated[Own, Depends()]",
        "try:\n    Session = AsyncSession\nexcept ImportError:\n    Session = None",
    ],
)
@pytest.mark.parametrize("module", [".database", "app.database"])
def test_type_of_a_session_is_followed_into_another_module(alias: str, module: str, project: Project) -> None:
    routes = ROUTES.replace("from .database", f"from {module}")
    assert codes(project, routes, database=f"{DATABASE}\n{alias}\n") == ["CGL101"]


@pytest.mark.parametrize("alias", ["Session = Annotated[AsyncSession, 1]", "class Session(AsyncSession): ..."])
def test_type_of_a_session_is_followed_in_the_same_module(alias: str, project: Project) -> None:
    assert codes(project, ROUTES.replace("from .database import Session", f"{DATABASE}\n{alias}")) == ["CGL101"]


@pytest.mark.parametrize(
    ("imported", "used"),
    [
        ("from app import database", "database.Session"),
        ("import app.database", "app.database.Session"),
        ("import app.database as data", "data.Session"),
        ("from . import database as data", "data.Session"),
        ("from .database import *", "Session"),
        ("from .database import Session as Db", "Db"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .database import Session", "'Session'"),
    ],
)
def test_every_form_of_import_is_followed(imported: str, used: str, project: Project) -> None:
    routes = ROUTES.replace("from .database import Session", imported).replace("db: Session", f"db: {used}")
    assert codes(project, routes, database=f"{DATABASE}\nSession = AsyncSession\n") == ["CGL101"]


@pytest.mark.parametrize(
    "package",
    [
        "from .types import Session",
        "from .types import *",
        "from app.database.types import Db as Session",
        "from . import types\n\nSession = types.Session",
    ],
)
def test_reexports_and_chains_are_followed(package: str, project: Project) -> None:
    project.write("app/database/__init__.py", package)
    project.write("app/database/types.py", "from .classes import Own\n\nSession = Own\nDb = Own\n")
    project.write("app/database/classes.py", f"{DATABASE}\nclass Own(AsyncSession): ...\n")
    assert codes(project) == ["CGL101"]


@pytest.mark.parametrize(
    ("declared", "opened"),
    [
        ("SessionLocal = async_sessionmaker(engine)", "async with Local() as db"),
        ("Local = async_sessionmaker(engine)", "async with Local.begin() as db"),
        ("Local = SessionLocal", "async with Local() as db"),
        (
            "def make(engine) -> async_sessionmaker[AsyncSession]: ...\n\nLocal = make(engine)",
            "async with Local() as db",
        ),
        ("def make(engine):\n    return SessionLocal\n\nLocal = make(engine)", "async with Local() as db"),
        ("async def Local() -> AsyncIterator[AsyncSession]: ...", "async for db in Local()"),
        ("async def Local():\n    async with SessionLocal() as db:\n        yield db", "async with Local() as db"),
        ("async def Local() -> AsyncIterator:\n    yield AsyncSession(engine)", "async with Local() as db"),
        ("class Local(AsyncSession): ...", "async with Local(engine) as db"),
        (
            "class Manager:\n    def open(self) -> AsyncIterator[AsyncSession]: ...\n\nLocal = Manager()",
            "async with Local.open() as db",
        ),
    ],
)
def test_function_or_factory_of_sessions_is_followed(declared: str, opened: str, project: Project) -> None:
    name = "SessionLocal as Local" if "Local" not in declared.replace("SessionLocal", "") else "Local"
    routes = f"""
from .database import {name}
from .models import Hero


@router.get("/heroes")
async def read_heroes():
    {opened}:
        return await db.get(Hero, 1)
"""
    assert codes(project, routes, database=f"{DATABASE}\n{declared}\n") == ["CGL101"]


@pytest.mark.parametrize(
    "dependency",
    [
        "async def get_db() -> AsyncIterator[AsyncSession]: ...",
        "async def get_db():\n    async with SessionLocal() as db:\n        yield db",
    ],
)
def test_dependency_function_is_followed(dependency: str, project: Project) -> None:
    routes = ROUTES.replace("import Session", "import get_db").replace("db: Session", "db=Depends(get_db)")
    assert codes(project, routes, database=f"{DATABASE}\n{dependency}\n") == ["CGL101"]


def test_shared_session_of_another_module_is_followed(project: Project) -> None:
    routes = ROUTES.replace("import Session", "import db").replace(", db: Session", "")
    database = "from sqlalchemy.orm import scoped_session, sessionmaker\n\ndb = scoped_session(sessionmaker())\n"
    assert codes(project, routes, database=database) == ["CGL101"]


@pytest.mark.parametrize(
    "database",
    [
        "from aiohttp import ClientSession\n\nSession = ClientSession\n",
        "import requests\n\nclass Session(requests.Session): ...\n",
        "class Session:\n    def get(self, key, default): ...\n",
        "Session = dict\n",
        f"{DATABASE}\nclass Repository[T]: ...\n\n\nSession = Repository[AsyncSession]\n",
        f"{DATABASE}\nSession = set[AsyncSession]\n",
        f"{DATABASE}\nSession = async_sessionmaker[AsyncSession]\n",
        f"{DATABASE}\nclass Other:\n    Session = AsyncSession\n",
        "from .elsewhere import Session\n",
        "from .routes import Session\n",
        "from .database import Session\n",
        "Session = Session\n",
        "Session = Session.Session\n",
        "class Session(Session): ...\n",
        "def Session() -> None:\n    return Session()\n",
        "def f(:\n",
        "from sqlalchemy.orm import Session\n\ndef f(:\n",
        "x = '\udcff'\n",
        "",
    ],
)
def test_name_that_is_no_session_is_fine(database: str, project: Project) -> None:
    project.write("app/database.py", "")
    (project.root / "app/database.py").write_bytes(database.encode("utf-8", "surrogateescape"))
    assert codes(project) == []


def test_cycle_of_modules_ends(project: Project) -> None:
    a = "from .b import Session\nfrom .b import *\n"
    assert codes(project, ROUTES.replace(".database", ".a"), a=a, b=a.replace(".b", ".a")) == []
    b = f"from .a import *\n{DATABASE}\nSession = AsyncSession\n"
    assert codes(project, ROUTES.replace(".database", ".a"), a=a, b=b) == ["CGL101"]


def test_package_that_imports_everything_of_its_modules_is_read_quickly(project: Project) -> None:
    names = [f"part{number}" for number in range(12)]
    everything = "".join(f"from app.parts.{name} import *\n" for name in names)
    project.write("app/parts/__init__.py", everything)
    for name in names:
        project.write(f"app/parts/{name}.py", f"from app.parts import *\n{everything}")
    assert codes(project, ROUTES.replace(".database", ".parts")) == []
    project.write("app/parts/part7.py", f"{DATABASE}\nSession = AsyncSession\n")
    assert codes(project, ROUTES.replace(".database", ".parts")) == ["CGL101"]


@pytest.mark.parametrize(
    ("file", "database"),
    [
        ("src/app/routes.py", "src/app/database.py"),
        ("tests/routes.py", "src/app/database.py"),
        ("backend/src/app/api/v1/routes.py", "backend/src/app/database.py"),
        ("backend/scripts/routes.py", "backend/app/database.py"),
        ("scripts/routes.py", "app/database/__init__.py"),
        ("app/routes.py", "app/database.pyi"),
    ],
)
def test_layouts_of_projects_are_understood(file: str, database: str, project: Project) -> None:
    project.write(database, f"{DATABASE}\nSession = AsyncSession\n")
    assert codes(project, ROUTES.replace(".database", "app.database"), file) == ["CGL101"]


def test_flat_project_without_packages_is_understood(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(".git/HEAD", "")
    project.write("service/database.py", f"{DATABASE}\nSession = AsyncSession\n")
    assert codes(project, ROUTES.replace(".database", "database"), "service/routes.py") == ["CGL101"]


def test_modules_above_the_repository_are_not_read(tmp_path: Path) -> None:
    outer, project = Project(tmp_path), Project(tmp_path / "project")
    outer.write("shared/__init__.py", f"{DATABASE}\nSession = AsyncSession\n")
    project.write(".git/HEAD", "")
    assert codes(project, ROUTES.replace(".database", "shared")) == []


def test_rows_of_an_imported_model_are_recognized(project: Project) -> None:
    routes = """
from .entities import Hero

async def load(db, heroes: list[Hero]):
    for hero in heroes:
        await db.team.get_by_id(hero.team_id)
"""
    assert codes(project, routes, entities=MODELS) == ["CGL201"]
    assert codes(project, routes, entities="from pydantic import BaseModel\n\nclass Hero(BaseModel): ...\n") == []


def test_enum_of_another_module_is_no_column(project: Project) -> None:
    routes = "from .kinds import Kind\n\nquery = select(User).where(Kind.unknown == None)\n"
    assert codes(project, routes, kinds="class Kind: ...\n") == ["CGL305"]
    assert codes(project, routes, kinds="from enum import Enum\n\nclass Kind(str, Enum): ...\n") == []


def test_controller_is_found_through_an_alias(project: Project) -> None:
    routes = """
from .deps import Users

async def read(users: Users):
    return await users.find_all()
"""
    deps = "from .db import UserController\n\nUsers = Annotated[UserController, Depends(get_users)]\n"
    assert codes(project, routes, deps=deps) == ["CGL203"]


@pytest.mark.parametrize(
    ("imported", "replaced"),
    [
        ("from app import Hero", True),
        ("from . import Hero", True),
        ("from . import models", True),
        ("from .tables import Hero", True),
        ("from .schemas import Hero", False),
    ],
)
def test_emitted_method_belongs_to_the_model_wherever_it_is_imported_from(
    imported: str, replaced: bool, project: Project
) -> None:
    project.write("pyproject.toml", SETTINGS)
    project.write("app/__init__.py", "from .models import Hero\n")
    project.write("app/models.py", MODELS)
    project.write("app/tables.py", "from .models import Hero\n")
    project.write("app/schemas.py", "class Hero: ...\n")
    model = "models.Hero" if imported.endswith("models") else "Hero"
    project.write(
        "app/queries.py",
        f"{imported}\nfrom .database import Db\n\n\nasync def read(db: Db):\n    return await db.get({model}, 1)\n",
    )
    project.write("app/database.py", f"{DATABASE}\nDb = AsyncSession\n")
    done = project.run("lint", "app/queries.py", "--select", "CGL103")
    assert done.stdout.count("db.hero.get_by_id(1)") == replaced, done.stdout + done.stderr


def test_imported_module_is_read_but_not_reported(project: Project) -> None:
    project.write("app/database.py", f"{DATABASE}\nSession = AsyncSession\n\nnow = datetime.utcnow()\n")
    project.write("app/routes.py", ROUTES)
    done = project.run("lint", "app/routes.py")
    assert "app/routes.py:12:" in done.stdout
    assert done.stderr == "1 file checked, 1 finding in 1 file\n"


def test_module_is_read_once_for_all_files(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("app/database.py", f"{DATABASE}\nSession = AsyncSession\n")
    for number in range(3):
        project.write(f"app/routes{number}.py", ROUTES)
    reads: list[str] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    checker = Checker()
    for number in range(3):
        assert checker.check_file(project.root / f"app/routes{number}.py", "x.py").diagnostics
    assert reads.count("database.py") == 1


def test_body_of_an_unannotated_function_is_read_between_annotated_ones(project: Project) -> None:
    database = f'''
{DATABASE}
def before(
    x: int,
) -> None:
    @decorated
    def inner(): ...
    """Text
at the margin."""

async def Session():
    yield AsyncSession(engine)

def after() -> int: return 1
class Settings:
    @property
    def name(self) -> str:
        return """
"""
'''
    routes = ROUTES.replace("db: Session", "db=Depends(Session)")
    assert codes(project, routes, database=database) == ["CGL101"]
