"""Migrations compared with models and database: their effects, the applied ones, and unreadable ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import MODELS, Live, Project, create

ENV = """
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine
import asyncio

def migrate(connection):
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(context.get_x_argument(as_dictionary=True)["url"])
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""
FIRST = """
revision = "one"
down_revision = None

import sqlalchemy as sa
from alembic import op

def upgrade():
    op.execute("CREATE TYPE status AS ENUM ('OPEN', 'CLOSED')")
    op.create_table("team", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String, nullable=False), sa.UniqueConstraint("name"))
    op.execute(
        "CREATE TABLE hero (id serial PRIMARY KEY, name varchar NOT NULL, power int NOT NULL DEFAULT 0, status status NOT NULL,"
        " team_id int NOT NULL REFERENCES team (id), CONSTRAINT ck_hero_power CHECK (power >= 0 AND power IN (0, 1, 2)))"
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_hero_lower_name ON hero (lower(name))  -- CREATE INDEX ix_not_this ON hero (id)")
    op.create_index("ix_hero_other", "hero", ["power"], postgresql_where=sa.text("status = 'OPEN'"))
    op.execute("ALTER INDEX ix_hero_other RENAME TO ix_hero_open")
    op.create_index("ix_hero_passing", "hero", ["name"])
    op.drop_index("ix_hero_passing")
"""
SECOND = """
revision = "two"
down_revision = "one"

from alembic import op

def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("ix_hero_team_id", "hero", ["team_id"], postgresql_concurrently=True)
"""
READS = """
revision = "three"
down_revision = "two"

from alembic import op

def upgrade():
    rows = op.get_bind().exec_driver_sql("SELECT id FROM hero").fetchall()
    op.create_index("ix_hero_read", "hero", ["id"])
"""


def migrations(project: Project, *sources: str) -> None:
    project.write("alembic.ini", "[alembic]\nscript_location = %(here)s/migrations\n")
    project.write("migrations/env.py", ENV)
    for number, source in enumerate(sources):
        project.write(f"migrations/versions/{number}.py", source)


def upgrade(live: Live, revision: str) -> None:
    url = live.url.replace("postgresql://", "postgresql+asyncpg://")
    command = [sys.executable, "-m", "alembic", "-x", f"url={url}", "upgrade", revision]
    subprocess.run(command, cwd=live.project.root, check=True, capture_output=True)


async def migrated(live: Live, *sources: str, revision: str = "head") -> Live:
    """Make the database by migrations in place of the models."""
    await live.execute("DROP TABLE hero, team", "DROP TYPE status")
    migrations(live.project, *sources)
    upgrade(live, revision)
    return live


async def test_database_made_by_the_migrations_is_what_the_models_say(live: Live) -> None:
    await migrated(live, FIRST, SECOND)
    assert live.lines() == []


async def test_database_behind_the_head_says_which_migration_makes_what_it_lacks(live: Live) -> None:
    await migrated(live, FIRST, SECOND, revision="one")
    assert live.lines() == [
        "app/models.py:30: CG506 index `ix_hero_team_id` of `Hero` is not in the database: `db.hero.find_by_team_id` scans the "
        "table; migration `two`, which is not applied, creates it",
        "pyproject.toml:2: CG516 the database is at revision `one`, but the head of the migrations is `two`",
    ]


async def test_dropped_index_is_distinguished_from_one_never_created(live: Live) -> None:
    await migrated(live, FIRST, SECOND)
    await live.execute("DROP INDEX ix_hero_team_id")
    assert [line.rpartition("; ")[2] for line in live.lines()] == [
        "migration `two` created it, but it was dropped later"
    ]
    (live.project.root / "migrations/versions/1.py").unlink()
    lines = live.lines()
    assert [line.split()[1] for line in lines] == ["CG506", "CG516"]
    assert lines[0].endswith("; no migration creates it")
    assert "is at revision `two`, which is not in the migrations; their head is `one`" in lines[1]


async def test_index_created_by_hand_is_found(live: Live) -> None:
    await migrated(live, FIRST)
    await live.execute("CREATE INDEX ix_hero_team_id ON hero (team_id)", "CREATE INDEX ix_hero_passing ON hero (name)")
    assert live.lines() == [
        "app/models.py:19: CG507 index `ix_hero_passing` on `hero` (btree (name)) is in the database, but `Hero` does not "
        "declare it; no migration creates it",
        "app/models.py:30: CG511 no migration creates index `ix_hero_team_id` of `Hero`: it is in this database, "
        "but would not be in a new one",
    ]


THIRD = """
revision = "three"
down_revision = "two"

import sqlalchemy as sa
from alembic import op

def upgrade():
    %s
"""


async def changed(live: Live, model: str, *statements: str) -> None:
    """Change the models, and change the migrated database by hand."""
    live.project.write("app/models.py", model)
    await live.execute(*statements)


async def test_table_and_column_created_by_hand_are_found(live: Live) -> None:
    await migrated(live, FIRST, SECOND)
    models = (
        f"{MODELS}    age: int | None = Field(default=None, index=True)\n\n\n"
        "class Medal(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n    name: str = Field(index=True)\n"
    )
    await changed(live, models, "ALTER TABLE hero ADD age int", "CREATE INDEX ix_hero_age ON hero (age)")
    create(live.project, live.url)
    expected = [
        "app/models.py:31: CG511 no migration creates index `ix_hero_age` of `Hero`: it is in this database, but would not "
        "be in a new one",
        "app/models.py:31: CG521 no migration creates column `hero.age` of `Hero.age`: it is in this database, but would not "
        "be in a new one",
        "app/models.py:34: CG520 no migration creates table `medal` of `Medal`: it is in this database, but would not be in "
        "a new one",
    ]
    assert live.lines() == expected
    migrations(
        live.project,
        FIRST,
        SECOND,
        THIRD
        % "op.add_column('hero', sa.Column('age', sa.Integer))\n    op.create_index('ix_hero_age', 'hero', ['age'])",
        THIRD.replace('"two"', '"three"').replace('"three"', '"four"', 1)
        % "op.create_table('medal', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String))\n"
        "    op.create_index('ix_medal_name', 'medal', ['name'])",
    )
    await live.execute("UPDATE alembic_version SET version_num = 'four'")
    assert live.lines() == []


HAND_MADE = {
    "CHECK": (
        MODELS.replace(
            'name="ck_hero_power"),', 'name="ck_hero_power"),\n        CheckConstraint("id > 0", name="ck_id"),'
        ),
        ("ALTER TABLE hero ADD CONSTRAINT ck_id CHECK (id > 0)",),
        ["app/models.py:19: CG522 no migration creates constraint `ck_id`, CHECK ((id > 0)) of `Hero`"],
    ),
    "unique": (
        MODELS.replace("    name: str\n", "    name: str = Field(unique=True)\n"),
        ("ALTER TABLE hero ADD UNIQUE (name)",),
        ["app/models.py:27: CG522 no migration creates unique constraint `hero_name_key` of `Hero`"],
    ),
    "foreign key": (
        MODELS.replace("power: int = Field(", 'power: int = Field(foreign_key="team.id", '),
        ("ALTER TABLE hero ADD FOREIGN KEY (power) REFERENCES team (id)",),
        ["app/models.py:28: CG522 no migration creates foreign key on power to `team` of `Hero`"],
    ),
    "value of an enum": (
        MODELS.replace('    CLOSED = "closed"\n', '    CLOSED = "closed"\n    LATE = "late"\n'),
        ("ALTER TYPE status ADD VALUE 'LATE'",),
        ["app/models.py:30: CG523 no migration creates value `LATE` of enum `status`, the type of `Hero.status`"],
    ),
    "enum": (
        MODELS.replace("    status: Status\n", "    status: Status\n    other: Mood | None = None\n").replace(
            "class Team", 'class Mood(Enum):\n    GOOD = "good"\n\n\nclass Team'
        ),
        ("CREATE TYPE mood AS ENUM ('GOOD')", "ALTER TABLE hero ADD other mood"),
        [
            "app/models.py:34: CG521 no migration creates column `hero.other` of `Hero.other`",
            "app/models.py:34: CG523 no migration creates enum `mood`, the type of `Hero.other`",
        ],
    ),
}


@pytest.mark.parametrize("name", HAND_MADE)
async def test_part_of_a_table_created_by_hand_is_found(live: Live, name: str) -> None:
    models, statements, expected = HAND_MADE[name]
    await migrated(live, FIRST, SECOND)
    await changed(live, models, *statements)
    assert live.lines() == [f"{line}: it is in this database, but would not be in a new one" for line in expected]


async def test_partitioning_by_hand_is_found(live: Live) -> None:
    await migrated(
        live, FIRST, SECOND, THIRD % "op.create_table('event', sa.Column('id', sa.Integer, primary_key=True))"
    )
    event = (
        "\n\nclass Event(SQLModel, table=True):\n"
        '    __table_args__ = {"postgresql_partition_by": "LIST (id)"}\n    id: int = Field(primary_key=True)\n'
    )
    live.project.write("app/models.py", f"{MODELS}{event}")
    await live.execute("DROP TABLE event", "CREATE TABLE event (id int PRIMARY KEY) PARTITION BY LIST (id)")
    assert live.lines() == [
        "app/models.py:33: CG524 no migration partitions the table of `Event` by `LIST (id)`: it is partitioned in this "
        "database, but would not be in a new one"
    ]
    text = (
        "op.create_table('event', sa.Column('id', sa.Integer, primary_key=True), postgresql_partition_by='LIST (id)')"
    )
    live.project.write("migrations/versions/2.py", THIRD % text)
    assert live.lines() == []


async def test_missing_table_and_column_name_the_migration_that_creates_them(live: Live) -> None:
    third = THIRD % "op.add_column('team', sa.Column('motto', sa.String))\n    op.create_table('medal')"
    await migrated(live, FIRST, SECOND, third, revision="two")
    models = MODELS.replace("unique=True)\n", "unique=True)\n    motto: str | None\n    age: int\n", 1)
    live.project.write(
        "app/models.py", f"{models}\n\nclass Medal(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n"
    )
    await live.execute("ALTER TABLE hero ADD extra int", "CREATE TABLE by_hand (id int)")
    endings = [(line.split()[1], line.partition("; ")[2]) for line in live.lines() if "CG516" not in line]
    assert endings == [
        ("CG503", "migration `three`, which is not applied, creates it"),
        ("CG503", "no migration creates it"),
        ("CG504", "no migration creates it"),
        ("CG501", "migration `three`, which is not applied, creates it"),
        ("CG502", "no migration creates it"),
    ]


UNREADABLE = {
    "names the table and its columns": "op.get_bind().exec_driver_sql('CREATE TABLE medal (id int, name text)').all()",
    "creates the tables of the models": "import app.models; app.models.SQLModel.metadata.create_all(op.get_bind())",
    "creates what cannot be read": "op.get_bind().exec_driver_sql('SELECT 1').all(); sa.MetaData().create_all(op.get_bind())",
    "is procedural": 'op.execute("DO $$ BEGIN CREATE TABLE medal (id int, name text); END $$")',
    "takes the columns from a query": 'op.execute("CREATE TABLE medal AS SELECT 1 AS id")',
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_migration_that_may_create_a_table_is_believed(live: Live, name: str) -> None:
    await migrated(live, FIRST, SECOND)
    migrations(live.project, FIRST, SECOND, THIRD % UNREADABLE[name])
    await live.execute("UPDATE alembic_version SET version_num = 'three'")
    medal = "\n\nclass Medal(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n    name: str\n"
    live.project.write("app/models.py", f"{MODELS}{medal}")
    create(live.project, live.url)
    assert [line for line in live.lines() if "CG517" not in line] == []


CONVENTION = """SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Status"""


async def test_naming_convention_of_the_models_names_constraints_of_migrations(live: Live) -> None:
    models = MODELS.replace("class Status", CONVENTION, 1).replace("ck_hero_power", "power")
    live.project.write("app/models.py", models)
    third = THIRD % "op.create_check_constraint('power', 'hero', 'power >= 0 AND power IN (0, 1, 2)')"
    first = FIRST.replace(", CONSTRAINT ck_hero_power CHECK (power >= 0 AND power IN (0, 1, 2))", "")
    await migrated(live, first, SECOND, third, revision="two")
    await live.execute(
        "ALTER TABLE hero ADD CONSTRAINT ck_hero_power CHECK (power >= 0 AND power IN (0, 1, 2))",
        "UPDATE alembic_version SET version_num = 'three'",
    )
    assert live.lines() == []


async def test_database_without_any_migration_says_so(live: Live) -> None:
    migrations(live.project, FIRST, SECOND)
    assert live.lines() == [
        "pyproject.toml:2: CG516 the database has no revision: no migration was applied, and the head is `two`"
    ]


async def test_migration_that_reads_the_database_is_named_and_the_rest_compared(live: Live) -> None:
    await migrated(live, FIRST, SECOND, READS)
    lines = live.lines()
    assert [line.split()[1] for line in lines] == ["CG507", "CG517"]
    assert lines[0].endswith("; migration `three` creates it"), "its source names the index"
    assert "the result of migration `three` cannot be compared: the migration needs a database (" in lines[1]


async def test_alembic_in_pyproject_and_elsewhere_is_found(live: Live) -> None:
    await migrated(live, FIRST, SECOND)
    settings = (live.project.root / "pyproject.toml").read_text()
    (live.project.root / "alembic.ini").rename(live.project.root / "other.ini")
    await live.execute("DROP INDEX ix_hero_team_id")
    assert "migration" not in live.lines()[0]
    assert "; migration `two` created it" in live.lines("--alembic", "other.ini")[0]
    live.project.write("pyproject.toml", f'{settings}\n[tool.alembic]\nscript_location = "%(here)s/migrations"\n')
    assert "; migration `two` created it" in live.lines()[0]


async def test_several_heads_and_broken_migrations_are_errors(live: Live) -> None:
    migrations(live.project, FIRST, SECOND, SECOND.replace('"two"', '"other"'))
    done = live.drift()
    assert done.returncode == 2
    assert (
        "error CGE603: the migrations have several heads: other, two\n"
        '  --> migrations/versions/1.py:2\n   2 | revision = "two"\n     | ^^^^^^^^^^^^^^^^\n'
        "hint: run `alembic merge heads`"
    ) in done.stderr
    live.project.write("migrations/versions/2.py", "import nothing_here\n")
    assert "error CGE603: Alembic cannot read the migrations: ModuleNotFoundError" in (done := live.drift()).stderr
    assert "  --> migrations/versions/2.py:1\n   1 | import nothing_here\n" in done.stderr
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    live.project.write("migrations/versions/2.py", "def (:\n")
    assert "  --> migrations/versions/2.py:1\n" in live.drift().stderr
    live.project.write("migrations/versions/2.py", SECOND.replace('"two"', '"three"').replace('"one"', '"none"'))
    done = live.drift()
    assert "error CGE603: a migration follows revision `none`, which does not exist\n" in done.stderr
    assert "  --> migrations/versions/2.py:3\n" in done.stderr
    live.project.write("alembic.ini", "[alembic]\nscript_location = %(here)s/nowhere\n")
    done = live.drift()
    assert "error CGE603: Alembic cannot find the migrations: " in done.stderr
    assert "  --> alembic.ini:2\n" in done.stderr
    assert "does not exist" in live.drift("--alembic", "nowhere.ini").stderr


OTHER_BRANCH = """
revision = "apart"
down_revision = None
branch_labels = ("statistics",)

def upgrade():
    pass
"""


async def test_independent_branch_has_a_head_of_its_own(live: Live) -> None:
    await migrated(live, FIRST, SECOND, OTHER_BRANCH, revision="heads")
    assert live.lines() == []
    await live.execute("DELETE FROM alembic_version WHERE version_num = 'apart'")
    assert live.lines() == [
        "pyproject.toml:2: CG516 the database is at revision `two`, but the heads of the migrations are `apart`, `two`"
    ]


@pytest.mark.parametrize("dependency", ["two", "main"])
async def test_branch_that_depends_on_another_is_the_only_revision_of_the_database(live: Live, dependency: str) -> None:
    first = FIRST.replace("down_revision = None", "down_revision = None\nbranch_labels = ('main',)")
    other = OTHER_BRANCH.replace("\nbranch_labels", f"\ndepends_on = '{dependency}'\nbranch_labels")
    await migrated(live, first, SECOND, other, revision="heads")
    assert live.lines() == []
    await live.execute("DROP INDEX ix_hero_team_id")
    (line,) = live.lines()
    assert line.endswith("; migration `two` created it, but it was dropped later")


@pytest.mark.parametrize(
    ("labels", "forked"), [("None", True), ("('side',)", False)], ids=["without a label", "with a label"]
)
async def test_branch_with_two_heads_is_an_error_unless_a_label_tells_them_apart(
    live: Live, labels: str, forked: bool
) -> None:
    left = SECOND.replace('"two"', '"left"').replace("from alembic", f"branch_labels = {labels}\nfrom alembic")
    left = left.replace("ix_hero_team_id", "ix_hero_left").replace('["team_id"]', '["name"]')
    await migrated(live, FIRST, SECOND, left, OTHER_BRANCH, revision="heads")
    done = live.drift()
    if forked:
        assert done.returncode == 2
        assert "error CGE603: the migrations have several heads: left, two\n  --> migrations/versions/" in done.stderr
    else:
        assert [line.split()[1] for line in live.lines()] == ["CG507"]


async def test_migrations_beside_their_settings_are_found_from_the_project(live: Live) -> None:
    await migrated(live, FIRST, SECOND)
    (live.project.root / "ops").mkdir()
    (live.project.root / "migrations").rename(live.project.root / "ops/history")
    (live.project.root / "alembic.ini").unlink()
    live.project.write("ops/alembic.ini", "[alembic]\nscript_location = history\nprepend_sys_path = .\n")
    live.project.write("ops/names.py", "NAME = 'ix_hero_team_id'\n")
    live.project.write(
        "ops/history/versions/1.py", f"import names\n{SECOND}".replace('"ix_hero_team_id"', "names.NAME")
    )
    assert live.lines("--alembic", "ops/alembic.ini") == []
    live.project.write("ops/history/versions/2.py", "no python\n")
    done = live.drift("--alembic", "ops/alembic.ini")
    assert done.returncode == 2
    assert "\n  --> ops/history/versions/2.py:1\n" in done.stderr


async def test_migrations_that_are_not_found_are_a_note(live: Live) -> None:
    await migrated(live, FIRST, SECOND)
    (live.project.root / "alembic.ini").unlink()
    done = live.drift()
    assert done.returncode == 0
    assert done.stdout.startswith(
        "pyproject.toml:2: CG519 the database was migrated by Alembic, to revision `two`, but "
    )
    assert done.stderr.startswith("no differences between the models and postgresql://")
    assert done.stderr.endswith(", and 1 note\n")


def configured(live: Live, **arguments: str) -> None:
    """Let env.py keep the revisions in another table."""
    text = "".join(f", {name}={value}" for name, value in arguments.items())
    env = ENV.replace("transaction_per_migration=True", f"transaction_per_migration=True{text}")
    live.project.write("migrations/env.py", f"import os\n{env}\nTABLE = 'hero_versions'\n")


async def in_other_table(live: Live, name: str) -> None:
    await migrated(live, FIRST, SECOND)
    await live.execute("CREATE SCHEMA ops", f"ALTER TABLE alembic_version RENAME TO {name}")


@pytest.mark.parametrize("value", ["'hero_versions'", "TABLE", "os.environ.get('TABLE', 'hero_versions')"])
async def test_revision_is_read_from_the_table_that_env_py_configures(live: Live, value: str) -> None:
    await in_other_table(live, "hero_versions")
    configured(live, version_table=value)
    assert live.lines() == []
    await live.execute("UPDATE hero_versions SET version_num = 'one'")
    assert [line for line in live.lines() if "CG516" in line] == [
        "pyproject.toml:2: CG516 the database is at revision `one`, but the head of the migrations is `two`"
    ]


@pytest.mark.parametrize("schema", ["'ops'", "os.environ.get('SCHEMA', 'ops')"])
async def test_revision_is_read_from_the_schema_that_env_py_configures(live: Live, schema: str) -> None:
    await in_other_table(live, "versions")
    await live.execute("ALTER TABLE versions SET SCHEMA ops")
    configured(live, version_table="'versions'", version_table_schema=schema)
    assert live.lines() == []


async def test_default_schema_may_be_named(live: Live) -> None:
    await in_other_table(live, "versions")
    configured(live, version_table="'versions'", version_table_schema="'public'")
    assert live.lines() == []


async def test_table_of_another_application_does_not_count(live: Live) -> None:
    await in_other_table(live, "hero_versions")
    await live.execute(
        "CREATE TABLE alembic_version (version_num varchar)", "INSERT INTO alembic_version VALUES ('of another')"
    )
    configured(live, version_table="os.environ.get('TABLE', 'hero_versions')")
    assert "CG516" not in "\n".join(live.lines())


async def test_several_tables_with_revisions_are_named(live: Live) -> None:
    await in_other_table(live, "hero_versions")
    await live.execute("CREATE TABLE ops.old_versions AS TABLE hero_versions")
    configured(live, version_table="os.environ.get('TABLE', 'hero_versions')")
    assert (
        "pyproject.toml:2: CG517 the revision of the database cannot be compared: `ops.old_versions`, "
        "`hero_versions` have revisions of these migrations; write one of the names as a string in "
        "`context.configure(version_table=..., version_table_schema=...)` of `env.py`"
    ) in live.lines()
    configured(live, version_table="'hero_versions'")
    assert live.lines() == []
