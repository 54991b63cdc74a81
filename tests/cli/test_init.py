"""``ctrlgen init`` in a project that does not use ctrlgen yet."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from ctrlgen.init import InitOptions, init
from ctrlgen.render.templates import render_template
from ctrlgen.settings import Settings
from tests.conftest import execute

from .conftest import MODELS, Project

if TYPE_CHECKING:
    from tests.conftest import NewDatabase

PYPROJECT = """# a comment
[project]
name = "shop"   # another one
version = "1"
dependencies = [
    "sqlmodel",    # aligned   by hand
]

[[tool.other.things]]
a = { b = 1,c=2 }
"""


SCHEMAS_AND_PARTITIONS = """
from sqlmodel import Field, SQLModel


class Event(SQLModel, table=True):
    __table_args__ = ({"postgresql_partition_by": "LIST (shard)"},)
    id: int = Field(primary_key=True)
    shard: int = Field(primary_key=True, index=True)


class Page(SQLModel, table=True):
    __table_args__ = ({"schema": "wiki"},)
    id: int = Field(default=None, primary_key=True)
    title: str = Field(index=True)


class Visit(SQLModel, table=True):
    __table_args__ = ({"schema": "wiki", "postgresql_partition_by": "LIST (shard)"},)
    id: int = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    page_id: int = Field(foreign_key="wiki.page.id", index=True)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("pyproject.toml", PYPROJECT)
    project.write("shop/__init__.py", "")
    project.write("shop/models/__init__.py", "")
    project.write("shop/models/hero.py", MODELS)
    return project


def settings(project: Project) -> dict[str, object]:
    return tomllib.loads((project.root / "pyproject.toml").read_text())["tool"]["ctrlgen"]


def test_settings_are_written_and_nothing_else_changes(shop: Project) -> None:
    done = shop.run("init", "--yes")
    assert done.returncode == 0, done.stderr
    section = '\n[tool.ctrlgen]\nmodels = ["shop.models"]\noutput = "shop/db"\n'
    assert (shop.root / "pyproject.toml").read_text() == PYPROJECT + section
    assert "next: `ctrlgen generate`, then `from shop.db import Database`" in done.stdout
    assert shop.run("generate").returncode == 0
    assert shop.run("check").returncode == 0


@pytest.mark.parametrize(
    ("alembic", "installed", "first"),
    [
        (True, set[str](), "first: `pip install 'ctrlgen[drift]'`\n"),
        (True, {"alembic"}, "first: `pip install 'ctrlgen[asyncpg]'`\n"),
        (False, set[str](), "first: `pip install 'ctrlgen[asyncpg]'`\n"),
        (False, {"asyncpg"}, ""),
    ],
)
def test_first_step_installs_what_the_next_ones_need(
    shop: Project,
    alembic: bool,
    installed: set[str],
    first: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("ctrlgen.init.find_spec", lambda name: name if name in installed else None)
    init(shop.root, Settings(), InitOptions(False, alembic, yes=True, dry_run=False, quiet=False))
    assert f"0 removed\n\n{first}next: `ctrlgen generate`" in capsys.readouterr().out


@pytest.mark.parametrize("before", [PYPROJECT.replace("\n", "\r\n"), PYPROJECT.rstrip("\n"), "", "[tool]\n"])
def test_existing_bytes_are_kept(shop: Project, before: str) -> None:
    (shop.root / "pyproject.toml").write_bytes(before.encode())
    done = shop.run("init", "--yes", "--no-alembic")
    assert done.returncode == 0, done.stderr
    after = (shop.root / "pyproject.toml").read_bytes().decode()
    assert after.startswith(before)
    assert ("\r\n" in after) == ("\r\n" in before)
    assert "\r\n" not in before or "\n" not in after.replace("\r\n", "")
    assert settings(shop) == {"models": ["shop.models"], "output": "shop/db"}


def test_flags_determine_the_settings(shop: Project) -> None:
    flags = ["--models", "shop.models.hero", "--output", "shop/data", "--package", "shop.data", "--tests", "tests/db"]
    assert shop.run("init", "--yes", "--no-alembic", *flags).returncode == 0
    assert settings(shop) == {
        "models": ["shop.models.hero"],
        "output": "shop/data",
        "package": "shop.data",
        "tests": "tests/db",
    }


@pytest.mark.parametrize(
    ("files", "models", "output"),
    [
        (["models.py"], ["models"], "db"),
        (["app/models.py"], ["app.models"], "app/db"),
        (["src/app/models.py"], ["app.models"], "src/app/db"),
        (["src/app/models/user.py"], ["app.models"], "src/app/db"),
        (["app/users/models.py", "app/posts/models.py"], ["app.posts.models", "app.users.models"], "app/posts/db"),
        (["app/users.py", "app/posts.py"], ["app"], "db"),
        (["app/models.py", "tests/models.py", "migrations/versions/a.py"], ["app.models"], "app/db"),
        (["app/models.py", "app/db/session.py"], ["app.models"], "app/database"),
    ],
)
def test_models_are_found_in_usual_project_layouts(
    tmp_path: Path, files: list[str], models: list[str], output: str
) -> None:
    project = Project(tmp_path)
    for number, file in enumerate(files):
        project.write(file, MODELS.replace("Hero", f"Hero{number}") if "session" not in file else "")
        for folder in Path(file).parents:
            if folder.name not in {"", "src"}:
                project.write(f"{folder}/__init__.py", "")
    done = project.run("init", "--yes", "--no-alembic")
    assert done.returncode == 0, done.stderr
    assert settings(project) == {"models": models, "output": output}
    assert project.run("generate").returncode == 0


def test_configured_project_is_refused(shop: Project) -> None:
    assert shop.run("init", "--yes").returncode == 0
    printed = shop.fails("init", "--yes")
    assert ": `pyproject.toml` already has a section `[tool.ctrlgen]`\n" in printed
    assert "hint: edit it" in printed


def test_missing_models_are_an_error_with_a_hint(tmp_path: Path) -> None:
    printed = Project(tmp_path).fails("init", "--yes")
    assert "declares a table" in printed
    assert "--models app.models" in printed


def test_toml_without_room_for_a_section_is_an_error(shop: Project) -> None:
    shop.write("pyproject.toml", "tool = {}\n")
    assert "add it by hand:\n\n[tool.ctrlgen]\nmodels" in shop.fails("init", "--yes")


@pytest.mark.parametrize(
    ("content", "line", "hint"),
    [
        (b"\xef\xbb\xbf[project]\r\n", 1, "save the file as UTF-8 without a byte order mark"),
        (b"[project]\nname = '\xe4'\n", 2, "save the file as UTF-8"),
        (b"[project]\nname =\n", 2, "fix that line"),
    ],
)
def test_settings_file_that_is_not_toml_is_shown_at_its_line(
    shop: Project, content: bytes, line: int, hint: str
) -> None:
    (shop.root / "pyproject.toml").write_bytes(content)
    for command in (["init", "--yes"], ["generate"]):
        printed = shop.fails(*command)
        assert f"error CGE102: `{shop.root}/pyproject.toml` is not valid TOML" in printed
        assert f"  --> pyproject.toml:{line}\n" in printed
        assert f"hint: {hint}\n" in printed


def test_pre_commit_configuration_in_another_encoding_is_kept(shop: Project) -> None:
    before = b"repos:\n  - repo: local  # f\xfcr uns\n    hooks: []\n"
    (shop.root / ".pre-commit-config.yaml").write_bytes(before)
    assert shop.run("init", "--yes").returncode == 0
    after = (shop.root / ".pre-commit-config.yaml").read_bytes()
    assert after.startswith(b"repos:\n  - repo: https://")
    assert after.endswith(before.removeprefix(b"repos:\n"))


def test_module_that_does_not_exist_is_an_error_and_nothing_is_written(shop: Project) -> None:
    done = shop.run("init", "--yes", "--models", "shop.modles")
    assert done.returncode == 2
    assert "module `shop.modles` does not exist" in done.stderr
    assert "did you mean `shop.models`?" in done.stderr
    assert (shop.root / "pyproject.toml").read_text() == PYPROJECT


def test_dry_run_shows_everything_and_writes_nothing(shop: Project) -> None:
    before = shop.files()
    done = shop.run("init", "--yes", "--dry-run")
    assert done.returncode == 0
    assert '+models = ["shop.models"]' in done.stdout
    assert "+++ b/migrations/env.py" in done.stdout
    assert "--- /dev/null\n+++ b/migrations/versions/.gitkeep\n" in done.stdout
    assert shop.files() == before


def test_dry_run_is_a_patch(shop: Project) -> None:
    patch = shop.run("init", "--yes", "--dry-run").stdout
    subprocess.run(["git", "apply"], input=patch, text=True, cwd=shop.root, check=True)
    applied = shop.files()
    for name in ("alembic.ini", "migrations/env.py", "migrations/script.py.mako"):
        (shop.root / name).unlink()
    (shop.root / "migrations").rmdir()
    shop.write("pyproject.toml", PYPROJECT)
    assert shop.run("init", "--yes").returncode == 0
    assert shop.files() == applied | {"migrations/versions/.gitkeep": b""}


def test_questions_without_a_terminal_are_an_error(shop: Project) -> None:
    assert "`init` needs a terminal to ask questions" in shop.fails("init")


@pytest.mark.parametrize(
    ("answers", "tests"),
    [
        (b"\nshop/data\n\nn\n", {}),
        (b"\nshop/data\ny\n\nn\n", {"tests": "tests/data"}),
        (b"\nshop/data\ny\nchecks\nn\n", {"tests": "checks"}),
    ],
    ids=["without tests", "with tests", "with tests elsewhere"],
)
def test_missing_answers_are_asked_on_a_terminal(shop: Project, answers: bytes, tests: dict[str, str]) -> None:
    master, slave = pty.openpty()
    os.write(master, answers)
    done = subprocess.run(
        [sys.executable, "-m", "ctrlgen", "init"],
        cwd=shop.root,
        stdin=slave,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert settings(shop) == {"models": ["shop.models"], "output": "shop/data"} | tests
    assert "Models [shop.models]:" in done.stderr
    assert "Write tests of the controllers? [y/N]:" in done.stderr
    assert not (shop.root / "alembic.ini").exists()


HOOKS = "repos:\n  - repo: https://example.com/other\n    rev: v1\n    hooks:\n      - id: other\nfail_fast: true\n"


def test_hook_is_added_to_existing_hooks(shop: Project) -> None:
    shop.write(".pre-commit-config.yaml", HOOKS)
    assert shop.run("init", "--yes").returncode == 0
    text = (shop.root / ".pre-commit-config.yaml").read_text()
    entry = "  - repo: https://github.com/ctrlgen/ctrlgen\n    rev: v0.2.0\n    hooks:\n      - id: ctrlgen\n"
    assert text == HOOKS.replace("repos:\n", f"repos:\n{entry}")
    done = subprocess.run([sys.executable, "-m", "pre_commit", "validate-config"], cwd=shop.root, check=False)
    assert done.returncode == 0


def test_hook_is_printed_where_it_cannot_be_added(shop: Project) -> None:
    shop.write(".pre-commit-config.yaml", "repos: []\n")
    done = shop.run("init", "--yes")
    assert "add this to `repos:` in .pre-commit-config.yaml:\n\n  - repo: " in done.stdout
    assert (shop.root / ".pre-commit-config.yaml").read_text() == "repos: []\n"


def test_alembic_settings_may_have_another_encoding(shop: Project) -> None:
    (shop.root / "alembic.ini").write_bytes("# caf\xe9\n[alembic]\n".encode("latin-1"))
    before = shop.files()["alembic.ini"]
    done = shop.run("init", "--yes")
    assert done.returncode == 0, done.stderr
    assert shop.files()["alembic.ini"] == before


def test_existing_alembic_environment_is_left_alone(shop: Project) -> None:
    shop.write("alembic.ini", "mine\n")
    assert shop.run("init", "--yes").returncode == 0
    assert (shop.root / "alembic.ini").read_text() == "mine\n"
    assert not (shop.root / "migrations").exists()


def test_requested_alembic_environment_overwrites_nothing(shop: Project) -> None:
    shop.write("alembic.ini", "mine\n")
    assert "alembic.ini` exists and is not overwritten" in shop.fails("init", "--yes", "--alembic")


def alembic_process(project: Project, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python_process(project, url, "-m", "alembic", *arguments)


def python_process(project: Project, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project.root,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def run_alembic(project: Project, url: str, *arguments: str) -> str:
    done = alembic_process(project, url, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_alembic_environment_without_an_address_says_so(shop: Project) -> None:
    assert shop.run("init", "--yes").returncode == 0
    assert shop.run("generate", "-q").returncode == 0
    for command in ("upgrade head", "current", "check", "revision --autogenerate -m first"):
        done = alembic_process(shop, "", *command.split())
        message = "set DATABASE_URL to the address of the database, postgresql://user:password@host/name"
        assert (done.returncode, done.stderr) == (255, f"ERROR [alembic.util.messaging] {message}\n")
        assert " ".join(done.stdout.split()) == f"FAILED: {message}"
    assert "CREATE TABLE alembic_version" in run_alembic(shop, "", "revision", "-m", "first") + run_alembic(
        shop, "", "upgrade", "head", "--sql"
    )


LOGGERS = """
import logging
from alembic import command
from alembic.config import Config

own = logging.getLogger("own")
command.upgrade(Config("alembic.ini"), "head")
print(own.disabled, logging.getLogger("alembic.runtime.migration").level, logging.getLogger().handlers)
"""


async def test_alembic_environment_logs_what_it_runs(shop: Project, new_database: NewDatabase) -> None:
    assert shop.run("init", "--yes").returncode == 0
    assert shop.run("generate", "-q").returncode == 0
    async with new_database() as url:
        done = alembic_process(shop, url, "revision", "--autogenerate", "-m", "first")
        assert "INFO  [alembic.autogenerate.compare.tables] Detected added table 'hero'" in done.stderr
        done = alembic_process(shop, url, "upgrade", "head")
        assert done.stdout == ""
        assert re.search(
            r"^INFO  \[alembic.runtime.migration\] Running upgrade  -> \w+, first", done.stderr, re.MULTILINE
        )
        done = python_process(shop, url, "-c", LOGGERS)
        assert done.stdout == "False 0 []\n", "another program's logging is its own"


async def test_alembic_environment_migrates_a_real_database(shop: Project, new_database: NewDatabase) -> None:
    assert shop.run("init", "--yes").returncode == 0
    assert shop.run("generate", "-q").returncode == 0
    async with new_database() as url:
        run_alembic(shop, url, "revision", "--autogenerate", "-m", "first")
        run_alembic(shop, url, "upgrade", "head")
        run_alembic(shop, url, "check")
        assert "CREATE TABLE hero" in run_alembic(shop, url, "upgrade", "head", "--sql")
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT count(*) FROM hero") == 0
        await connection.close()
        (migration,) = (shop.root / "migrations/versions").glob("*_first.py")
        assert "sqlmodel" not in migration.read_text()


# https://github.com/sqlalchemy/alembic/issues/539, 1409 and https://github.com/elitan/terradb/issues/73
async def test_alembic_environment_compares_every_schema_and_drops_no_partition(
    shop: Project, new_database: NewDatabase
) -> None:
    shop.write("shop/models/hero.py", SCHEMAS_AND_PARTITIONS)
    assert shop.run("init", "--yes").returncode == 0
    assert shop.run("generate", "-q").returncode == 0
    async with new_database() as url:
        await execute(url, "CREATE SCHEMA wiki", "CREATE SCHEMA elsewhere", "CREATE TABLE elsewhere.log (id int)")
        run_alembic(shop, url, "revision", "--autogenerate", "-m", "first")
        run_alembic(shop, url, "upgrade", "head")
        await execute(
            url,
            "CREATE TABLE event_1 PARTITION OF event FOR VALUES IN (1)",
            "CREATE TABLE wiki.visit_1 PARTITION OF wiki.visit FOR VALUES IN (1)",
            "CREATE TABLE lookup (id int)",
            "ALTER EXTENSION plpgsql ADD TABLE lookup",
        )
        assert "No new upgrade operations" in run_alembic(shop, url, "check")
        await execute(url, "CREATE TABLE wiki.old (id int)")
        run_alembic(shop, url, "revision", "--autogenerate", "-m", "second")
        (migration,) = (shop.root / "migrations/versions").glob("*_second.py")
        upgrade = migration.read_text().partition("def downgrade")[0]
        assert re.findall(r"op\.\w+\(.*\)", upgrade) == ["op.drop_table('old', schema='wiki')"]


def test_alembic_environment_is_typed(shop: Project) -> None:
    assert shop.run("init", "--yes").returncode == 0
    assert shop.run("generate", "-q").returncode == 0
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "migrations/env.py"]
    done = subprocess.run(command, cwd=shop.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_guide_shows_the_alembic_environment(project: Path) -> None:
    assert render_template("init/env.py.jinja", package="app.db") in (project / "docs/guide/migrate.md").read_text(
        "utf-8"
    )
