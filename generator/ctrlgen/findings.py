"""Findings, their locations, and the table of all rules: code, message, meaning and fix.

Each step of the pipeline creates its findings from these rules. ``messages`` renders them for ``docs/messages.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DOCS = "https://github.com/ctrlgen/ctrlgen/blob/main/docs"
"""The address of the documentation that messages link to."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where something was declared; ``file`` is relative to the project, even outside it, with forward slashes."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def shown_path(file: Path, project: Path) -> str:
    """Return the path of a file as in locations: relative to the project, or absolute if it is outside."""
    return (file.relative_to(project) if file.is_relative_to(project) else file).as_posix()


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A warning about the models: a stable code, a location and a message. The code identifies its :class:`Rule`.

    ``import_chain`` and ``traceback`` describe an import that failed.
    """

    location: Location
    code: str
    message: str
    import_chain: tuple[str, ...] = field(default=(), compare=False)
    traceback: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding.

    Parameters
    ----------
    code
        The stable code, ``CG101``.
    message
        The message to print, a template for ``str.format``.
    meaning
        The meaning, for the documentation.
    fix
        What to do, for the documentation.
    silenceable
        Whether the setting ``silence`` may list the code.
    fails
        Whether `drift` exits with 1 because of the finding.
    """

    code: str
    message: str
    meaning: str
    fix: str
    silenceable: bool = True
    fails: bool = True

    def at(self, location: Location, **names: object) -> Finding:
        """Return a finding of this kind."""
        return Finding(location, self.code, self.message.format(**names))

    @property
    def docs(self) -> str:
        """The address of the documentation of this code."""
        return f"{DOCS}/messages.md#{self.code.lower()}"


UNINDEXED_FOREIGN_KEY = Rule(
    "CG101",
    "{which} of `{model}` begins with the foreign key {key}: it gets no `find_by_`, and deleting a referenced "
    "row scans the table; {fix}",
    "no index begins with a foreign key, or only a partial one: deletes of the parent, and loaders of the other side, "
    "scan the table",
    "declare `index=True`, or an `Index` that begins with the foreign key",
)
REDUNDANT_INDEX = Rule(
    "CG102",
    "index `{index}` of `{model}` is redundant: {other} serves the same queries; drop one of them",
    "an index is redundant: another index begins with the same columns",
    "drop the index",
)
NULLABLE_KEY = Rule(
    "CG103",
    "`{model}` is unique by {key}, and {nullable} may be NULL: any number of rows may have NULL there, and the getter "
    "finds only rows with a value",
    "a unique key has a nullable column: the getter finds only rows with a value",
    "declare NOT NULL or NULLS NOT DISTINCT, or silence the warning",
)
UNNAMED_EXPRESSION = Rule(
    "CG104",
    "index `{index}` of `{model}` is on `{sql}`, and no method name can be derived from it; name the index after what "
    "it finds, as `ix_{table}_something`",
    "no method name can be derived from the expression of an index",
    "name the index after what it finds",
)
REPLACED_MEMBER = Rule(
    "CG105",
    "{origin} of `{model}` would generate `{method}`, which every controller already has; rename it",
    "a partial index or relationship would generate a method that every controller already has",
    "rename the index or relationship",
)
RESERVED_KEYWORD = Rule(
    "CG106",
    "finders of `{model}` already have a parameter `{name}`, so they do not accept the {what} as a keyword; {fix}",
    "a column, or the expression of an index, has the name of a parameter of finders (`limit`, `order_by`, ...), so "
    "they do not accept it as a keyword",
    "filter with `c.limit == ...`; rename the index",
)
CONTESTED_METHOD = Rule(
    "CG107",
    "{methods} of `{model}` {are} already generated for another index or key, and not for {origin} `{index}`; rename "
    "it",
    "two indexes would generate methods of the same name; those of the second are left out",
    "rename the index",
)
UNKNOWN_COLUMN = Rule(
    "CG108",
    "index `{index}` of `{model}` refers to `{name}`, which is not a column of `{table}`{suggestion}",
    "the SQL of an index, its predicate or INCLUDE refers to a column that its table does not have",
    "fix the name; the database cannot create the index",
)
CONSTANT_EXPRESSION = Rule(
    "CG109",
    "`{sql}` in index `{index}` of `{model}` does not refer to a column, so it is the same for every row{suggestion}",
    'an expression or predicate of an index does not refer to a column: for SQLAlchemy, `func.lower("email")` is a '
    "function of a string; for Python, `Hero.deleted_at is None` is False",
    'refer to the column: `func.lower(column("email"))` or `text(...)`; compare with `==` or `is_(None)`',
)
PREDICATE_NOT_UNDERSTOOD = Rule(
    "CG110",
    "ctrlgen cannot derive the values of a row from the predicate `{sql}` of unique index `{index}` of `{model}`, so "
    "there is no `{methods}`. If you need them, write it as `column = constant`, `column`, `NOT column` or `column IS "
    "[NOT] NULL`, one for each column, joined by AND; a condition of another form needs a bool column of its own, as "
    "in `WHERE is_active`. Otherwise, silence the warning",
    "the predicate of a partial unique index does not determine the values of a row, for example because of `IN`, "
    "`<>`, `OR` or a function, so neither `upsert_` nor `get_or_create_` is generated",
    "write it as `column = constant`, `column`, `NOT column` or `column IS [NOT] NULL`, joined by AND; store a "
    "condition of another form, such as `status <> 'cancelled'`, in a bool column `is_active`, and write `is_active`; "
    "silence the warning if you need neither method",
)
UNFIT_DEFAULT = Rule(
    "CG111",
    "the {what} of `{column}` {problem}; {fix}",
    "the default or the `onupdate` of a column with time zone returns a naive datetime (`datetime.now`, "
    "`datetime.utcnow`), which the column rejects or, with `DateTime(timezone=True)`, reads as local time; or the "
    "reverse, which it rejects",
    "use `default_factory=lambda: datetime.now(UTC)`; annotate a column without time zone with `NaiveDatetime`",
)
RESERVED_NAME = Rule(
    "CG112",
    "`{model}` is available as `db.{module}`, because `Database` has its own `{name}`; set another name in "
    "pyproject.toml: "
    '`[tool.ctrlgen.names]`, `"{model}" = "Other{stem}"`',
    "a model has the name of a member of `Database` or of a module of the package (`Session`, `Run`, `Engine`, ...); "
    "an underscore is appended to its attribute",
    "do nothing, or set another name in `names`",
)
UNRUN_HOOKS = Rule(
    "CG113",
    "`{model}` has {hooks}, which its controller does not run, because it writes rows without creating model "
    "instances; validate in a `field_validator` or a CHECK constraint, or write through `db.session()`",
    "a model has `model_post_init`, a `model_validator`, listeners of the mapper (`before_insert`, ...) or a version "
    "counter, which controllers do not run",
    "validate in a `field_validator` or a CHECK constraint, or write such rows through `db.session()`; do nothing if "
    "the hooks do not affect what is stored",
)
PRIVATE_NAME = Rule(
    "CG114",
    "{what} is private by its underscore, and the package imports it, which basedpyright and pyright report in "
    "strict mode; rename it",
    "a model, or the type of a column, has a name that begins with an underscore: basedpyright and pyright report its "
    "import in the package as `reportPrivateUsage` in strict mode",
    "rename it; do nothing if you do not use these type checkers",
)
UNPARTITIONABLE_KEY = Rule(
    "CG115",
    "{key} of `{model}` {problem}, but the table is partitioned by `{partitioning}`: PostgreSQL cannot create it; "
    "{fix}",
    "a unique key of a partitioned table does not contain every column that the table is partitioned by, or the table "
    "is partitioned by an expression: PostgreSQL cannot create the table",
    "add the columns to the key; partition by columns",
)
UNKNOWN_PARTITION_COLUMN = Rule(
    "CG116",
    "`{model}` is partitioned by `{name}`, which is not a column of `{table}`{suggestion}",
    "a table is partitioned by a column that it does not have",
    "fix the name in `postgresql_partition_by`; the database cannot create the table",
)
CROSSES_TENANTS = Rule(
    "CG117",
    "{methods} of `{model}` {reach} other tenants: {reason}; {fix}",
    "with the setting `tenant`: methods are not given the tenant, because their key, index or join does not contain "
    "its column, so they read or write the rows of all tenants",
    "make the column the first of the key or the index, or join by it; `tenant_strict = true` leaves the methods out",
)
UNKNOWN_VALIDATED = Rule(
    "CG118",
    "`{function}` of `{model}` validates `{name}`, but the model has no such attribute{suggestion}",
    "`@validates` of SQLAlchemy names an attribute that the model does not have, which SQLAlchemy accepts silently",
    "fix the name",
)
FAILED_IMPORT = Rule(
    "CG201",
    "{modules} left out: {error}",
    "a submodule cannot be imported; its models are left out",
    "fix the module; this warning cannot be silenced",
    silenceable=False,
)
UNIMPORTABLE_MODEL = Rule(
    "CG202",
    "`{model}` is left out: it cannot be imported from `{module}`{reason}",
    "a model cannot be imported by name, for example because it is defined inside a function",
    "move it to the top level of its module",
)
EMPTY_MODULE = Rule(
    "CG203",
    "`{module}` declares no table model",
    "a configured module declares no table model",
    "remove it from `models`",
)
UNIMPORTABLE_TYPE = Rule(
    "CG204",
    "the type of `{column}` cannot be imported ({name}); it is emitted as Any",
    "a column's type cannot be imported by name; it is emitted as `Any`",
    "move the type to the top level of its module",
)
NO_LOADER = Rule(
    "CG205",
    '`{relationship}` has no loader: lazy="{lazy}" is never loaded',
    "a relationship is `dynamic` or `write_only` and has no loader",
    "load it through a finder of the other side",
)
UNKNOWN_TARGET = Rule(
    "CG206",
    "`{model}` references `{target}`, but the table `{table}` {problem}{suggestion}",
    "a foreign key references a table that no imported model declares, or a column that the table does not have",
    "declare or import the model, or fix the name; do nothing if the table is created elsewhere",
)
UNMAPPED_TABLE = Rule(
    "CG207",
    "`{model}` is left out: SQLModel does not map a table model that inherits from another one",
    "a class with `table=True` inherits from another table model, which SQLModel does not map",
    "declare it as a table of its own",
)
UNREADABLE = Rule(
    "CG208",
    "{what} is left out: it cannot be read ({reason})",
    "a column, index, relationship or foreign key cannot be read, because its declaration raises an exception. It is "
    "left out; with a column, everything that uses the column; with a column of the primary key, or the table itself, "
    "the whole model. Inserts fail if a column that is left out is required",
    "fix the exception",
)
SQLALCHEMY_MODEL = Rule(
    "CG210",
    "`{model}` is left out: it is a plain SQLAlchemy model, and ctrlgen reads only SQLModel models",
    "a configured module declares a SQLAlchemy model that is not a SQLModel",
    "declare it as `class Hero(SQLModel, table=True)`, or access it through `db.session()`",
)
INHERITED_TABLE = Rule(
    "CG209",
    "`{model}` is left out: it inherits from the table of `{base}`, and only the ORM can write both; use "
    "`db.session()`",
    "a plug-in maps a model that inherits from another one: its rows cannot be written by one statement",
    "read and write it through `db.session()`; do nothing if you already do",
)
INCOMPLETE_FACTORY = Rule(
    "CG301",
    "ctrlgen cannot determine a valid row of `{model}`: {reason}; add a value to `{factory}`; its tests are skipped "
    "until then",
    "ctrlgen cannot determine a valid value of a column: the tests of the model, and of models that reference it, are "
    "skipped",
    "add a value to the factory, in the place of `skip`",
)
STALE_TEST = Rule(
    "CG302",
    "{what} `{target}`, which is no longer emitted",
    "a test is for a method, a relationship or a model that is no longer emitted",
    "delete the test",
)
STALE_IMPORT = Rule(
    "CG303",
    "`{name}` is imported from `{package}`, which no longer exports it: {failing} fail until the import is removed",
    "a test file imports a name that the package no longer exports, so pytest cannot import the file",
    "remove the import and what uses it, as docs/guide/test.md shows",
)
STALE_FACTORY = Rule(
    "CG304",
    "`{factory}` no longer matches `{values}`: it {differences}",
    "a factory does not set a value that its model requires, or sets one that the model does not accept",
    "fix the factory",
)

UNSETTLED_CHECK = Rule(
    "CG305",
    "test rows of `{model}` may violate its CHECK constraint `{check}`; if they do, fix `{factory}`",
    "ctrlgen cannot parse a CHECK constraint, or cannot determine values that satisfy it: test rows may violate it",
    "fix the factory if tests fail",
)

STALE = Rule(
    "CG601",
    "`{file}` {meaning}; run `ctrlgen generate`, and commit the result",
    "`check`: the emitted files or the test stubs do not match the models, or have not been generated yet",
    "run `ctrlgen generate`, and commit the result",
    silenceable=False,
)
OLDER_FORMAT = Rule(
    "CG602",
    "`{folder}` was generated by ctrlgen {before}, and this is {after}: run `ctrlgen generate`, and read {changelog}",
    "`check`: the emitted files were generated by an older version of ctrlgen, which emits different code for the same "
    "models",
    "read the changelog, run `ctrlgen generate`, and commit the result",
    silenceable=False,
)

MISSING_TABLE = Rule(
    "CG501",
    "`{model}` has no table: `{table}` is not in the database{maker}",
    "a model's table is not in the database",
    "run the migrations; write one if none creates it",
)
UNKNOWN_TABLE = Rule(
    "CG502",
    "table `{table}` is in the database, but no model declares it{maker}",
    "no model declares a table of the database; tables of extensions and partitions are not reported",
    "declare it, drop it, or silence the warning (`CG502:table`) if the table belongs to another application",
)
MISSING_COLUMN = Rule(
    "CG503",
    "`{column}` has no column: `{sql}` is not in the database{maker}",
    "a model's column is not in the database: every call for the model fails",
    "run the migrations; write one if none creates it",
)
UNKNOWN_COLUMN_IN_DATABASE = Rule(
    "CG504",
    "column `{column}` is in the database, but `{model}` does not declare it{maker}",
    "a model does not declare a column of its table; if the column is NOT NULL without a default, every insert fails",
    "declare it, or drop it",
)
DIFFERENT_COLUMN = Rule(
    "CG505",
    "`{column}` is {what} {model} in the model, but {database} in the database",
    "the type, nullability or server default of a column differs, as compared by Alembic",
    "write a migration, or change the model",
)
MISSING_INDEX = Rule(
    "CG506",
    "index `{index}` of `{model}` is not in the database{consequence}{maker}",
    "an index of a model is not in the database, so its methods scan the table",
    "run the migrations; if none creates the index, write one with only `CREATE INDEX CONCURRENTLY`",
)
UNKNOWN_INDEX = Rule(
    "CG507",
    "index `{index}` on `{table}` ({form}) is in the database, but `{model}` does not declare it{maker}",
    "no model declares an index of the database: no method uses it, and every write maintains it",
    "declare it, which generates its methods, or drop it",
)
DIFFERENT_INDEX = Rule(
    "CG508",
    "index `{index}` of `{model}` is {declared} in the model, but {database} in the database",
    "the columns, order, predicate, operator classes or uniqueness of an index differ",
    "write a migration that recreates it, or change the model",
)
INVALID_INDEX = Rule(
    "CG509",
    "index `{index}` of `{model}` is invalid: its build failed or has not finished{consequence}",
    "an index is in the database, but no query can use it, because `CREATE INDEX CONCURRENTLY` failed or has not "
    "finished",
    "run `REINDEX INDEX CONCURRENTLY`; if the index is unique, remove the duplicates first",
)
UNUSED_INDEX = Rule(
    "CG510",
    "index `{index}` has never been used{since}, although its table was read {reads} times; it serves {methods}",
    "according to `pg_stat_user_indexes`, the index of a finder has served no query, although its table was read at "
    "least a hundred times",
    "do nothing if the finder is rarely called; otherwise drop the index, or check whether the queries can use it",
    fails=False,  # a new index is unused until the first query that needs it
)
UNMIGRATED_INDEX = Rule(
    "CG511",
    "no migration creates index `{index}` of `{model}`: it is in this database, but would not be in a new one",
    "an index of a model is in the database, but no migration creates it",
    "write a migration that creates it, with `if_not_exists=True`",
)
MISSING_CONSTRAINT = Rule(
    "CG512",
    "{what} of `{model}` is not in the database{consequence}",
    "a key, foreign key or CHECK constraint of a model is not in the database",
    "run the migrations; write one if none creates it",
)
UNKNOWN_CONSTRAINT = Rule(
    "CG513",
    "{what} on `{table}` is in the database, but `{model}` does not declare it",
    "no model declares a key, foreign key or CHECK constraint of the database",
    "declare it, or drop it",
)
DIFFERENT_CHECK = Rule(
    "CG514",
    "constraint `{check}` of `{model}` is {declared} in the model, but {database} in the database",
    "a CHECK constraint differs, or is NOT VALID in the database",
    "write a migration, or run `VALIDATE CONSTRAINT`",
)
DIFFERENT_ENUM = Rule(
    "CG515",
    "enum `{enum}` of `{column}` {difference}",
    "the values of an enum, or their order, differ",
    "write a migration with `ALTER TYPE ... ADD VALUE`; PostgreSQL cannot remove a value",
)
OTHER_REVISION = Rule(
    "CG516",
    "the database {problem}",
    "the database is not at the head of the migrations",
    "run `alembic upgrade head`; it may resolve the other differences",
)
NOT_COMPARED = Rule(
    "CG517",
    "{what} cannot be compared: {reason}",
    "the server cannot create a temporary table (it is a standby, or a privilege or type is missing), a migration "
    "reads the database, or several tables have revisions of the migrations",
    "compare with the primary server; write the `version_table` in `env.py` as a string; do nothing if you know what "
    "the migration does",
)
DIFFERENT_PARTITIONING = Rule(
    "CG518",
    "`{model}` is {declared} in the model, but {database} in the database",
    "a table is partitioned in another way than its model declares, which Alembic does not compare",
    "change `postgresql_partition_by`, or write a migration that creates another table and copies the rows",
)
NO_MIGRATIONS = Rule(
    "CG519",
    "the database was migrated by Alembic, to revision {revisions}, but the project has neither an `alembic.ini` nor "
    "`[tool.alembic]`: pass Alembic's settings file with `--alembic`",
    "the migrations are not compared, because the project has neither an `alembic.ini` nor `[tool.alembic]`, although "
    "Alembic has migrated the database",
    "pass Alembic's settings file with `--alembic FILE`; do nothing if the migrations are in another repository",
    fails=False,  # nothing differs
)
UNMIGRATED_TABLE = Rule(
    "CG520",
    "no migration creates table `{table}` of `{model}`: it is in this database, but would not be in a new one",
    "a table of a model is in the database, but no migration creates it, for example because `create_all` did; its "
    "columns and indexes are not reported",
    "let `alembic revision --autogenerate` write the migration against a new database that is at the head, and run "
    "`alembic stamp head` for this one; if the first migration is meant for a database that has the table, silence "
    "`CG520`",
)
UNMIGRATED_COLUMN = Rule(
    "CG521",
    "no migration creates column `{sql}` of `{column}`: it is in this database, but would not be in a new one",
    "a column of a model is in the database, but no migration creates it",
    "let `alembic revision --autogenerate` write the migration against a new database that is at the head, and run "
    "`alembic stamp head` for this one",
)
UNMIGRATED_CONSTRAINT = Rule(
    "CG522",
    "no migration creates {what} of `{model}`: it is in this database, but would not be in a new one",
    "a key, foreign key, CHECK or exclusion constraint of a model is in the database, but no migration creates it",
    "write a migration that creates it, and run `alembic stamp head` for this database; Alembic does not write CHECK "
    "constraints",
)
UNMIGRATED_ENUM = Rule(
    "CG523",
    "no migration creates {what}, the type of `{column}`: it is in this database, but would not be in a new one",
    "an enum of a model, or one of its values, is in the database, but no migration creates it",
    "write a migration with `CREATE TYPE`, or `ALTER TYPE ... ADD VALUE IF NOT EXISTS`",
)
UNMIGRATED_PARTITIONING = Rule(
    "CG524",
    "no migration partitions the table of `{model}` by `{by}`: it is partitioned in this database, but would not be in "
    "a new one",
    "the table of a model is partitioned, but its migration creates one that is not",
    'pass `postgresql_partition_by="..."` to `op.create_table`',
)
UNUSED_SILENCE = Rule(
    "CG401",
    "`silence` lists `{entry}`, which matches no warning; remove it",
    "an entry of `silence` matches no warning: the cause was fixed, or the entry is misspelled",
    "remove the entry",
)
UNUSED_COMMENT = Rule(
    "CG402",
    "the comment ignores {code}, which is not reported on this line; remove it, or move it to the line of the warning",
    "a comment `# ctrlgen: ignore[...]` in the models lists a code that is not reported on its line",
    "remove it, or move it to the line of the warning",
)

RULES = {rule.code: rule for rule in list(vars().values()) if isinstance(rule, Rule)}
"""All rules by code, in the order of declaration."""
