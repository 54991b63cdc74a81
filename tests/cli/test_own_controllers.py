"""``[tool.ctrlgen.controllers]``: the accepted classes, before the package is generated."""

from __future__ import annotations

import shutil

import pytest

from .conftest import SETTINGS, Project


@pytest.fixture
def project_of(app: Project) -> Project:
    app.write("pyproject.toml", f'{SETTINGS}\n[tool.ctrlgen.controllers]\n"Hero" = "app.heroes:Heroes"\n')
    return app


ACCEPTED = {
    "derived": "from app.db import HeroController\nclass Heroes(HeroController): ...\n",
    "from the module of the controller": "from .db.hero import HeroController as C\nclass Heroes(C): ...\n",
    "by an attribute": "import app.db\nclass Heroes(app.db.HeroController): ...\n",
    "by an attribute of an alias": "from app import db as emitted\nclass Heroes(emitted.HeroController): ...\n",
    "through another class": "from app.base import Base\nclass Heroes(Base[int]): ...\n",
    "exported by another module": "from app.base import Base as Heroes\n",
    "in a block": "if True:\n    from app.db import HeroController\n    class Heroes(HeroController): ...\n",
    "made by a call": "Heroes = make()\n",
    "with a base that a call returns": "class Heroes(base()): ...\n",
    "imported with a star": "from app.base import *\n",
    "named by `__getattr__`": "def __getattr__(name): ...\n",
    "in a module that does not parse": "class (:\n",
}
REFUSED = {
    "no base": "class Heroes: ...\n",
    "another controller": "from app.db import BaseController\nclass Heroes(BaseController): ...\n",
    "a base of the standard library": "from collections import UserDict\nclass Heroes(UserDict): ...\n",
    "a function": "def Heroes(): ...\n",
    "an imported model": "from app.models import Hero as Heroes\n",
    "a model exported by another module": "from app.reexport import Hero as Heroes\n",
    "a base of a library": "import sqlmodel\nclass Heroes(sqlmodel.SQLModel): ...\n",
    "a class of a library": "from sqlmodel.ext.asyncio.session import AsyncSession as Heroes\n",
}
BASE = """from typing import Generic, TypeVar
from app.db import HeroController
T = TypeVar("T")
class Base(Generic[T], HeroController): ...
"""


@pytest.mark.parametrize("name", ACCEPTED)
def test_class_that_derives_or_may_derive_from_the_controller_is_accepted(project_of: Project, name: str) -> None:
    project_of.write("app/base.py", BASE)
    project_of.write("app/heroes.py", ACCEPTED[name])
    done = project_of.run("generate")
    assert done.returncode == 0, done.stderr
    assert "from app.heroes import Heroes" in (project_of.root / "app/db/database.py").read_text()


@pytest.mark.parametrize("name", REFUSED)
def test_class_that_cannot_derive_from_the_controller_is_refused(project_of: Project, name: str) -> None:
    project_of.write("app/reexport.py", "from .models import Hero\n")
    project_of.write("app/heroes.py", REFUSED[name])
    assert "error CGE108: " in project_of.fails("generate")


def test_model_that_the_module_of_its_controller_imports_is_refused(app: Project) -> None:
    app.write("pyproject.toml", f'{SETTINGS}\n[tool.ctrlgen.controllers]\n"Hero" = "app.heroes:Hero"\n')
    app.write("app/heroes.py", "from app.models import Hero\nclass Others: ...\n")
    printed = app.fails("generate")
    assert "`app.heroes` imports that class, which does not derive from `HeroController`" in printed
    assert "declare it as `class Heros(HeroController)`, with `from app.db import HeroController`" in printed


def test_package_that_is_not_generated_yet_does_not_matter(project_of: Project) -> None:
    shutil.rmtree(project_of.root / "app/db")
    project_of.write("app/heroes.py", ACCEPTED["derived"])
    assert project_of.run("generate").returncode == 0
    assert project_of.run("check").returncode == 0


def test_class_that_is_renamed_later_is_noticed(project_of: Project) -> None:
    project_of.write("app/heroes.py", ACCEPTED["through another class"])
    project_of.write("app/base.py", BASE)
    assert project_of.run("generate").returncode == 0
    assert project_of.run("check").returncode == 0
    project_of.write("app/base.py", BASE.replace(", HeroController", ""))
    assert "does not derive from `HeroController`" in project_of.fails("check")
    (project_of.root / "app/heroes.py").unlink()
    assert "module `app.heroes` does not exist" in project_of.fails("check")
