"""Each kind of difference between the models and a database, on every available PostgreSQL."""

from __future__ import annotations

import json

import pytest

from ctrlgen.findings import RULES

from .conftest import MODELS, Live

BY_NAME = {
    "nothing": ((), []),
    "table of a model": (
        ("DROP TABLE hero",),
        ["app/models.py:19: CG501 `Hero` has no table: `hero` is not in the database"],
    ),
    "table of nobody": (
        ("CREATE TABLE other (id int)", "CREATE TABLE parted (id int) PARTITION BY LIST (id)", "DROP TABLE parted"),
        ["pyproject.toml:2: CG502 table `other` is in the database, but no model declares it"],
    ),
    "columns": (
        (
            "ALTER TABLE team DROP COLUMN name",
            "ALTER TABLE hero ADD COLUMN age int, ALTER name DROP NOT NULL, ALTER power SET DEFAULT 1",
        ),
        [
            "app/models.py:16: CG503 `Team.name` has no column: `team.name` is not in the database",
            "app/models.py:16: CG512 unique constraint `team_name_key` of `Team` is not in the database: "
            "`db.team.get_by_name` relies on it",
            "app/models.py:19: CG504 column `hero.age` is in the database, but `Hero` does not declare it",
            "app/models.py:27: CG505 `Hero.name` is declared NOT NULL in the model, but NULL in the database",
            "app/models.py:28: CG505 `Hero.power` is by default 0 in the model, but 1 in the database",
        ],
    ),
    "type": (
        ("ALTER TABLE hero ALTER power TYPE bigint",),
        ["app/models.py:28: CG505 `Hero.power` is of type INTEGER in the model, but BIGINT in the database"],
    ),
    "index that is missing": (
        ("DROP INDEX ix_hero_team_id",),
        [
            "app/models.py:30: CG506 index `ix_hero_team_id` of `Hero` is not in the database: "
            "`db.hero.find_by_team_id` scans the table"
        ],
    ),
    "index of nobody": (
        ("CREATE INDEX by_hand ON hero (name DESC) WHERE power > 0",),
        [
            "app/models.py:19: CG507 index `by_hand` on `hero` (btree (name DESC) WHERE (power > 0)) is in the database, "
            "but `Hero` does not declare it"
        ],
    ),
    "predicate and expression": (
        (
            "DROP INDEX ix_hero_open",
            "CREATE INDEX ix_hero_open ON hero (power) WHERE status = 'CLOSED'",
            "DROP INDEX ix_hero_lower_name",
            "CREATE UNIQUE INDEX ix_hero_lower_name ON hero (upper(name))",
        ),
        [
            "app/models.py:21: CG508 index `ix_hero_lower_name` of `Hero` is btree (lower((name)::text)) in the model, but "
            "UNIQUE btree (upper((name)::text)) in the database",
            "app/models.py:22: CG508 index `ix_hero_open` of `Hero` is btree (power) WHERE (status = 'OPEN'::status) in the "
            "model, but btree (power) WHERE (status = 'CLOSED'::status) in the database",
        ],
    ),
    "index that is invalid": (
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_hero_team_id'::regclass",),
        [
            "app/models.py:30: CG509 index `ix_hero_team_id` of `Hero` is invalid: its build failed or has not finished; "
            "`db.hero.find_by_team_id` cannot use it"
        ],
    ),
    "constraints": (
        (
            "ALTER TABLE hero DROP CONSTRAINT hero_team_id_fkey",
            "ALTER TABLE hero ADD CONSTRAINT ck_more CHECK (id > 0)",
            "ALTER TABLE team ADD CONSTRAINT uq_more UNIQUE (id, name)",
            "ALTER TABLE team ADD CONSTRAINT fk_more FOREIGN KEY (id) REFERENCES hero (id)",
        ),
        [
            "app/models.py:14: CG513 constraint `uq_more`, UNIQUE btree (id, name) on `team` is in the database, but `Team` "
            "does not declare it",
            "app/models.py:14: CG513 foreign key `fk_more` on `team` is in the database, but `Team` does not declare it",
            "app/models.py:19: CG512 foreign key on team_id to `team` of `Hero` is not in the database",
            "app/models.py:19: CG513 constraint `ck_more`, CHECK ((id > 0)) on `hero` is in the database, but `Hero` does "
            "not declare it",
        ],
    ),
    "CHECK": (
        (
            "ALTER TABLE hero DROP CONSTRAINT ck_hero_power",
            "ALTER TABLE hero ADD CONSTRAINT ck_hero_power CHECK (power >= 0) NOT VALID",
        ),
        [
            "app/models.py:19: CG514 constraint `ck_hero_power` of `Hero` is CHECK (((power >= 0) AND (power = ANY "
            "(ARRAY[0, 1, 2])))) in the model, but CHECK ((power >= 0)) NOT VALID in the database"
        ],
    ),
    "name of a constraint alone": (
        (
            "ALTER TABLE hero RENAME CONSTRAINT ck_hero_power TO another",
            "ALTER TABLE team RENAME CONSTRAINT team_name_key TO uq_team",
        ),
        [],
    ),
    "value of an enum": (
        ("ALTER TYPE status ADD VALUE 'LATER'",),
        ["app/models.py:29: CG515 enum `status` of `Hero.status` also has `LATER` in the database"],
    ),
    "order of an enum": (
        (
            "DROP INDEX ix_hero_open",  # whose predicate would follow the values
            "ALTER TYPE status RENAME VALUE 'OPEN' TO 'x'",
            "ALTER TYPE status RENAME VALUE 'CLOSED' TO 'OPEN'",
            "ALTER TYPE status RENAME VALUE 'x' TO 'CLOSED'",
            "CREATE INDEX ix_hero_open ON hero (power) WHERE status = 'OPEN'",
        ),
        [
            "app/models.py:29: CG515 enum `status` of `Hero.status` orders its values differently (CLOSED, OPEN) in the "
            "database"
        ],
    ),
}


@pytest.mark.parametrize("name", BY_NAME)
async def test_difference_is_one_line(live_anywhere: Live, name: str) -> None:
    statements, expected = BY_NAME[name]
    await live_anywhere.execute(*statements)
    assert live_anywhere.lines() == expected


async def test_table_without_enum_says_so_and_that_it_cannot_compare_the_rest(live: Live) -> None:
    await live.execute("ALTER TYPE status RENAME TO state")
    codes = [line.split()[1] for line in live.lines()]
    assert codes == ["CG517", "CG505", "CG515"]
    assert 'cannot be compared: type "status" does not exist' in live.drift().stdout


async def test_unused_index_of_a_used_table_is_found(live_anywhere: Live) -> None:
    assert live_anywhere.lines() == [], "a database that nobody has used says nothing about indexes"
    await live_anywhere.execute(
        "DO $$ BEGIN FOR n IN 1..120 LOOP PERFORM count(*) FROM hero; END LOOP; END $$",
        "SELECT pg_stat_force_next_flush()",
        "SELECT 1",
    )
    lines = live_anywhere.lines()
    assert [line.split()[1] for line in lines] == ["CG510", "CG510", "CG510"]
    assert "index `ix_hero_team_id` has never been used" in lines[2]
    assert lines[2].endswith("times; it serves `db.hero.find_by_team_id`")


async def test_nothing_is_changed(live: Live) -> None:
    await live.execute("DROP INDEX ix_hero_team_id")
    assert live.lines() == live.lines()
    await live.execute("DROP TABLE hero", "DROP TABLE team", "DROP TYPE status")


async def test_read_only_server_reports_what_cannot_be_compared(live: Live) -> None:
    name = live.url.partition("?")[0].rpartition("/")[2]
    await live.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on", "DROP INDEX IF EXISTS nothing")
    lines = live.lines()
    assert lines == [
        "app/models.py:14: CG517 indexes and CHECK constraints of `Team`, `Hero` cannot be compared: cannot execute CREATE "
        "TABLE in a read-only transaction"
    ]


async def test_differences_are_silenced_by_the_settings_and_by_comments(live: Live) -> None:
    await live.execute("DROP INDEX ix_hero_team_id", "CREATE TABLE other (id int)", "CREATE TABLE more (id int)")
    settings = (live.project.root / "pyproject.toml").read_text()
    live.project.write("pyproject.toml", f'{settings}silence = ["CG502:other"]\n')
    models = MODELS.replace('"team.id", index=True)', '"team.id", index=True)  # ctrlgen: ignore[CG506]')
    live.project.write("app/models.py", models)
    assert live.lines() == ["pyproject.toml:2: CG502 table `more` is in the database, but no model declares it"]


async def test_formats_for_tools(live: Live) -> None:
    await live.execute("DROP INDEX ix_hero_team_id")
    (problem,) = json.loads(live.drift("--format", "json").stdout)
    assert (problem["path"], problem["line"], problem["code"], problem["level"]) == (
        "app/models.py",
        30,
        "CG506",
        "error",
    )
    assert problem["hint"] == RULES["CG506"].fix
    assert live.drift("--format", "github").stdout.startswith(
        "::error file=app/models.py,line=30,title=ctrlgen CG506::"
    )
    (run,) = json.loads(live.drift("--format", "sarif").stdout)["runs"]
    assert run["tool"]["driver"]["name"] == "ctrlgen drift"


async def test_tables_in_a_schema_of_their_own_are_compared_there(live: Live) -> None:
    options = '        {"schema": "league"},\n    )'
    models = MODELS.replace("    )\n\n    id: int | None", f"{options}\n\n    id: int | None")
    live.project.write("app/models.py", models)
    assert live.lines()[0] == "app/models.py:19: CG501 `Hero` has no table: `hero` is not in the database"
    rename = "ALTER INDEX league.ix_hero_team_id RENAME TO ix_league_hero_team_id"  # SQLAlchemy's name for it
    await live.execute("CREATE SCHEMA league", "ALTER TABLE hero SET SCHEMA league", rename)
    assert live.lines() == []
    await live.execute("DROP INDEX league.ix_hero_open")
    assert [line.split()[1] for line in live.lines()] == ["CG506"]
