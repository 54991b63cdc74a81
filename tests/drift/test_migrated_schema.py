"""What the SQL of migrations creates, renames and drops."""

from __future__ import annotations

import pytest

from ctrlgen.drift.migrated_schema import FOREIGN_KEY, PRIMARY_KEY, UNIQUE, MigratedSchema

HERO = """
CREATE TABLE IF NOT EXISTS public.Hero (  -- a comment, with a comma
    id SERIAL NOT NULL,
    "Name" VARCHAR(10) DEFAULT 'a, b; CREATE TABLE no (id int)' NOT NULL UNIQUE,
    exclude BOOLEAN,
    price NUMERIC(10, 2) CONSTRAINT positive CHECK (price > 0) CONSTRAINT there NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT (now() + interval '1 day'),
    team_id INTEGER REFERENCES team (id) ON DELETE CASCADE,
    PRIMARY KEY (id, at),
    CONSTRAINT "both" UNIQUE NULLS NOT DISTINCT (price, at),
    FOREIGN KEY(price, at) REFERENCES other (price, at),
    EXCLUDE USING gist (price WITH =)
) PARTITION BY RANGE (at);
"""


def migrated(*statements: str) -> MigratedSchema:
    schema = MigratedSchema()
    for number, statement in enumerate(statements):
        schema.apply(statement, str(number))
    return schema


def columns(schema: MigratedSchema, name: str = "hero") -> set[str]:
    table = schema.table(None, name)
    assert table
    return {*table.columns}


def test_table_has_its_columns_and_constraints() -> None:
    schema = migrated(HERO)
    assert columns(schema) == {"id", "Name", "exclude", "price", "at", "team_id"}
    keys = [(PRIMARY_KEY, "id at"), (UNIQUE, "Name"), (UNIQUE, "price at"), (FOREIGN_KEY, "team_id")]
    for kind, names in [*keys, (FOREIGN_KEY, "price at")]:
        assert schema.has_key("public", "hero", kind, frozenset(names.split()))
    assert not schema.has_key("public", "hero", UNIQUE, frozenset({"id"}))
    assert schema.has_check(None, "hero", {"positive"})
    assert not schema.has_check(None, "hero", {"there"})
    table = schema.table(None, "hero")
    assert table
    assert (table.is_partitioned, table.is_open, schema.table(None, "no")) == (True, False, None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("ALTER TABLE ONLY t ADD COLUMN IF NOT EXISTS c int, ADD d int, DROP COLUMN IF EXISTS a CASCADE", "b c d"),
        ('ALTER TABLE t RENAME a TO "A"; ALTER TABLE IF EXISTS t RENAME COLUMN b TO c', "A c"),
        ("ALTER TABLE t ADD CONSTRAINT a_key UNIQUE (a), ALTER COLUMN a SET NOT NULL, ADD CHECK (a > 0)", "a b"),
        ("DROP TABLE t; CREATE TABLE t (z int)", "z"),
        ("DROP TABLE IF EXISTS u, t CASCADE; CREATE TABLE t (z int)", "z"),
        ("ALTER TABLE t RENAME TO old; CREATE TABLE t (z int); DROP TABLE old", "z"),
        ("CREATE TABLE IF NOT EXISTS t (z int)", "a b"),
        ("COMMENT ON TABLE t IS 'x; ALTER TABLE t ADD z int'; SELECT $$ALTER TABLE t ADD z int$$", "a b"),
    ],
)
def test_columns_follow_the_statements(change: str, expected: str) -> None:
    assert columns(migrated("CREATE TABLE t (a int, b int)", change), "t") == {*expected.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE t AS SELECT 1 AS a",
        "CREATE TABLE t (LIKE other INCLUDING ALL, b int)",
        "CREATE TABLE t (b int) INHERITS (other)",
        "CREATE TABLE t PARTITION OF other FOR VALUES IN (1)",
        "CREATE UNLOGGED TABLE t (b) AS SELECT 1",
        "DO $$ BEGIN IF true THEN CREATE TABLE t (a int); END IF; END $$",
    ],
)
def test_columns_that_are_not_listed_are_not_denied(statement: str) -> None:
    schema = migrated(statement)
    assert schema.table_revision(None, "t") == "0"
    assert schema.column_revision(None, "t", "a") == "0"
    assert schema.may_have_more(None, "t")


def test_revision_is_that_of_the_statement() -> None:
    schema = migrated("CREATE TABLE t (a int)", "ALTER TABLE t ADD b int", "ALTER TABLE other ADD b int")
    assert [schema.column_revision(None, "t", name) for name in ("a", "b", "c")] == ["0", "1", None]
    assert [schema.table_revision(None, name) for name in ("t", "other", "third")] == ["0", None, None]


def test_schema_that_is_not_written_may_be_any() -> None:
    schema = migrated("CREATE TABLE a.t (a int); CREATE TABLE u (a int); ALTER TABLE u SET SCHEMA b")
    assert [schema.table_revision(of, "t") for of in (None, "a", "b")] == ["0", "0", None]
    assert schema.table_revision("b", "u") == "0"
    assert migrated("CREATE TABLE t (a int)").table_revision("a", "t") == "0"


def test_indexes_are_dropped_and_renamed_with_their_tables() -> None:
    schema = migrated(
        "CREATE TABLE t (a int); CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS public.IX_A ON ONLY t USING btree (a DESC)",
        "CREATE INDEX ON t (a); ALTER TABLE t RENAME TO u; ALTER INDEX IF EXISTS ix_a RENAME TO ix_b",
    )
    assert (schema.index_revision("ix_b"), schema.index_revision("ix_a")) == ("0", None)
    assert schema.has_key(None, "u", UNIQUE, frozenset("a")), "a unique index makes the same promise"
    schema.apply("DROP TABLE u", "2")
    assert schema.index_revision("ix_b") is None


def test_constraints_are_dropped_and_renamed() -> None:
    schema = migrated(
        "CREATE TABLE t (a int, b int, CONSTRAINT one UNIQUE (a), CONSTRAINT two UNIQUE (b))",
        "ALTER TABLE t RENAME CONSTRAINT one TO three; ALTER TABLE t DROP CONSTRAINT IF EXISTS two; "
        "ALTER TABLE t RENAME a TO c; ALTER TABLE t ADD CONSTRAINT four CHECK (c > 0) NOT VALID",
    )
    assert schema.has_key(None, "t", UNIQUE, frozenset("c"))
    assert not schema.has_key(None, "t", UNIQUE, frozenset("b"))
    assert [schema.has_check(None, "t", {name}) for name in ("three", "four", "one")] == [True, True, False]
    schema.apply("ALTER TABLE t ADD UNIQUE USING INDEX something", "2")
    assert schema.has_key(None, "t", UNIQUE, frozenset("b")), "its columns are not written"


def test_enum_has_the_values_of_all_statements() -> None:
    schema = migrated(
        "CREATE TYPE mood AS ENUM ('a', 'it''s')",
        "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'B' BEFORE 'a'; ALTER TYPE mood RENAME VALUE 'a' TO 'c'",
        "CREATE TYPE pair AS (a int); ALTER TYPE mood RENAME TO feeling",
    )
    enum = schema.enum("public", "feeling")
    assert enum
    assert (enum.revision, enum.labels) == ("0", {"it's", "B", "c"})
    assert (schema.enum(None, "mood"), schema.enum(None, "pair")) == (None, None)
    schema.apply("DROP TYPE IF EXISTS feeling", "3")
    assert schema.enum(None, "feeling") is None


def test_block_that_changes_rows_creates_nothing() -> None:
    schema = migrated("CREATE TABLE t (a int)", "DO $$ BEGIN UPDATE t SET b = 1; COMMIT; END $$")
    assert not schema.may_have_more(None, "t")
    assert schema.column_revision(None, "t", "b") is None


def test_statement_that_is_not_sql_is_taken_as_creating_what_it_names() -> None:
    schema = migrated("CREATE TABLE t (a int); it isn't SQL, but names b")
    assert [schema.column_revision(None, "t", name) for name in ("b", "c")] == ["0", None]


def test_names_are_cut_off_as_by_postgresql() -> None:
    assert migrated(f"CREATE TABLE {'t' * 80} (a int)").table(None, "t" * 63)
