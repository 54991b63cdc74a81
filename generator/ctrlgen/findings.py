"""Every finding there is, in one table: code, message, what it means, what to do, and its place in the docs.

Each step creates its findings through these rules; ``messages`` renders them for ``docs/messages.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ctrlgen.errors import DOCS
from ctrlgen.finding import Finding, Location


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding.

    Parameters
    ----------
    code
        The stable code, ``CG101``.
    message
        What is printed; ``str.format`` fills in the names.
    meaning
        What it means, for the docs.
    fix
        What to do about it, for the docs.
    silenceable
        Whether the setting ``silence`` may name it.
    fails
        Whether `drift` exits with 1 because of it.
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
        """The address where the code is explained."""
        return f"{DOCS}/messages.md#{self.code.lower()}"


UNINDEXED_FOREIGN_KEY = Rule(
    "CG101",
    "no index over all rows of `{model}` begins with its foreign key {key}: it gets no `find_by_`, and deletes of "
    "what it refers to scan the table; declare `index=True`",
    "no index begins with a foreign key, or only one that leaves out some of its rows: deletes of the parent, and "
    "loaders of the other side, scan the table",
    "declare `index=True`, or an `Index` that begins with it",
)
REDUNDANT_INDEX = Rule(
    "CG102",
    "index `{index}` of `{model}` answers nothing that {other} does not: drop one of them",
    "an index answers nothing that another one, which begins with it, does not",
    "drop it",
)
NULLABLE_KEY = Rule(
    "CG103",
    "`{model}` is unique by {key}, where {nullable} may be NULL: any number of rows may have NULL there, and the "
    "getter finds only those with a value",
    "a unique key has a column that may be NULL: the getter finds only rows with a value",
    "NOT NULL, or NULLS NOT DISTINCT, or live with it",
)
UNNAMED_EXPRESSION = Rule(
    "CG104",
    "no method can be named after the index `{index}` of `{model}`, which is on `{sql}`; give it a name that says "
    "what it finds, as `ix_{table}_something`",
    "no method can be named after an index's expression",
    "name the index by what it finds",
)
REPLACED_MEMBER = Rule(
    "CG105",
    "{origin} of `{model}` would give `{method}`, which every controller has; rename it",
    "a partial index or relationship would give a method that every controller has already",
    "rename the index",
)
RESERVED_KEYWORD = Rule(
    "CG106",
    "finders of `{model}` take `{name}` themselves, so the {what} is no keyword of theirs; {fix}",
    "a column, or the expression of an index, is called like something finders take themselves (`limit`, `order_by`, "
    "...), so it is no keyword of theirs",
    "filter with `c.limit == ...`; rename the index",
)
CONTESTED_METHOD = Rule(
    "CG107",
    "{methods} of `{model}` {are} already taken by another index or key, so {origin} `{index}` does not get {them}; "
    "rename it",
    "two indexes want methods of one name; those of the second are left out",
    "rename the index",
)
UNKNOWN_COLUMN = Rule(
    "CG108",
    "index `{index}` of `{model}` mentions `{name}`, which is no column of `{table}`{suggestion}",
    "the SQL of an index, or of its predicate, mentions a column that its table lacks",
    "fix the name; the database will not make the index",
)
CONSTANT_EXPRESSION = Rule(
    "CG109",
    "`{sql}` in index `{index}` of `{model}` names no column, so it is the same for every row{suggestion}",
    'an expression or predicate of an index names no column: to SQLAlchemy `func.lower("email")` is the function of a '
    "string, and to Python `Hero.deleted_at is None` is False",
    'name the column: `func.lower(column("email"))`, or as `text(...)`; compare with `==`, `is_(None)`',
)
PREDICATE_NOT_UNDERSTOOD = Rule(
    "CG110",
    "ctrlgen cannot tell from the predicate of unique index `{index}` of `{model}` which values a row in it has "
    "(`{sql}`), so there is no `{methods}`; write it as `column = constant`, `column`, `NOT column` or "
    "`column IS [NOT] NULL`, one for each column, joined by AND",
    "the predicate of a partial unique index does not say which values a row in it has, as one with `IN`, `<>`, `OR` "
    "or a function; so the index gives no `upsert_` and no `get_or_create_`",
    "write it as `column = constant`, `column`, `NOT column`, `column IS [NOT] NULL`, joined by AND; nothing, if you "
    "need neither method",
)
UNFIT_DEFAULT = Rule(
    "CG111",
    "the {what} of `{column}` {problem}, which its column refuses: every call that relies on it fails; {fix}",
    "the default, or the `onupdate`, of a column with time zone gives a date and time without one (`datetime.now`, "
    "`datetime.utcnow`), or the other way round",
    "`default_factory=lambda: datetime.now(UTC)`; annotate the column with `NaiveDatetime`, if it has no time zone",
)
RESERVED_NAME = Rule(
    "CG112",
    "`{model}` is `db.{module}`, because the facade has a `{name}` itself; another name is given in pyproject.toml by "
    '`[tool.ctrlgen.names]`, `"{model}" = "Other{stem}"`',
    "a model is called like a member of the facade or a module of the package (`Session`, `Run`, `Engine`, ...); its "
    "name gets an underscore",
    "nothing, or give it another name in `names`",
)
UNRUN_HOOKS = Rule(
    "CG113",
    "`{model}` has {hooks}, which its controller does not run: it writes rows without making objects; check in a "
    "`field_validator` or a CHECK constraint, or write through `db.session()`",
    "a model has `model_post_init`, a `model_validator`, listeners of the mapper (`before_insert`, ...) or a version "
    "counter, which controllers do not run",
    "check in a `field_validator` or a CHECK constraint, or write such rows through `db.session()`; nothing, if they "
    "do not matter to what is stored",
)
FAILED_IMPORT = Rule(
    "CG201",
    "{modules} left out: {error}",
    "a submodule could not be imported; its models are left out",
    "fix the module; it cannot be silenced",
    silenceable=False,
)
UNIMPORTABLE_MODEL = Rule(
    "CG202",
    "`{model}` is left out: it cannot be imported from `{module}`{reason}",
    "a model cannot be imported by name, as when it is made inside a function",
    "move it to its module's top",
)
EMPTY_MODULE = Rule(
    "CG203",
    "`{module}` holds no table model",
    "a configured module declares no table model",
    "take it out of `models`",
)
UNIMPORTABLE_TYPE = Rule(
    "CG204",
    "the type of `{column}` cannot be imported ({name}); it is emitted as Any",
    "a column's type cannot be imported by name; it is emitted as `Any`",
    "move the type to its module's top",
)
NO_LOADER = Rule(
    "CG205",
    '`{relationship}` has no loader: lazy="{lazy}" is never loaded',
    "a relationship is `dynamic` or `write_only` and has no loader",
    "load it through a finder of the other side",
)
UNKNOWN_TARGET = Rule(
    "CG206",
    "`{model}` points at `{target}`, but the table `{table}` {problem}{suggestion}",
    "a foreign key points at a table that no imported model declares, or at a column its table lacks",
    "declare or import the model, or fix the name; nothing, if the table is created elsewhere",
)
UNMAPPED_TABLE = Rule(
    "CG207",
    "`{model}` is left out: SQLModel does not map a table model that derives from another",
    "a class says `table=True` and derives from another table model, which SQLModel does not map",
    "make it a table of its own",
)
UNREADABLE = Rule(
    "CG208",
    "{what} is left out: it cannot be read ({reason})",
    "a column, index, relationship or foreign key could not be read, because something of its declaration raised; it "
    "is left out, and with a column what is built on it. For a column of the primary key, or the table itself, it is "
    "the model. A column left out that a new row needs makes its inserts fail",
    "fix what raises",
)
SQLALCHEMY_MODEL = Rule(
    "CG210",
    "`{model}` is left out: ctrlgen reads SQLModel, and it is a model of SQLAlchemy alone",
    "a configured module declares a model of SQLAlchemy that is no SQLModel",
    "declare it as `class Hero(SQLModel, table=True)`, or use it through `db.session()`",
)
INHERITED_TABLE = Rule(
    "CG209",
    "`{model}` is left out: its rows are rows of `{base}`, too, which only the ORM can write; use `db.session()`",
    "a plug-in has mapped a model that inherits from another one: one statement cannot write its rows",
    "read and write it through `db.session()`; nothing, if that is what you do",
)
INCOMPLETE_FACTORY = Rule(
    "CG301",
    "no valid row of `{model}` is known: {reason}; put a value into `{factory}`, until then its tests are skipped",
    "no value is known that a column of a model accepts: its tests, and those of models that refer to it, are skipped",
    "put a value into the factory, where it says `skip`",
)
STALE_TEST = Rule(
    "CG302",
    "{what} `{target}`, which is no longer emitted",
    "a test is for a method, a relationship or a model that is no longer emitted",
    "delete the test",
)
STALE_IMPORT = Rule(
    "CG303",
    "`{name}` is imported from `{package}`, which no longer has it",
    "a test file imports from the package what it no longer has",
    "fix the import",
)
STALE_FACTORY = Rule(
    "CG304",
    "`{factory}` no longer fits `{values}`: it {differences}",
    "a factory lacks a value that its model requires, or gives one it does not take",
    "fix the factory",
)

UNSETTLED_CHECK = Rule(
    "CG305",
    "the rows that tests make of `{model}` may violate its CHECK constraint `{check}`; if so, fix `{factory}`",
    "a CHECK constraint is not understood, or no values are known that satisfy it: tests may violate it",
    "fix the factory, if tests fail",
)

STALE = Rule(
    "CG601",
    "`{file}` is stale: {meaning}; run `ctrlgen generate`",
    "`check`: the emitted files, or the stubs, are not what the models say",
    "run `ctrlgen generate`, and commit what it writes",
    silenceable=False,
)
OLDER_FORMAT = Rule(
    "CG602",
    "`{folder}` was made by ctrlgen {before}, this is {after}: run `ctrlgen generate`, and read {changelog}",
    "`check`: the emitted files were made by an older ctrlgen, which emits other code for the same models",
    "read the changelog, run `ctrlgen generate`, and commit what it writes",
    silenceable=False,
)

MISSING_TABLE = Rule(
    "CG501",
    "`{model}` has no table: `{table}` is not in the database",
    "a model's table is not in the database",
    "run the migrations; write one, if none makes it",
)
UNKNOWN_TABLE = Rule(
    "CG502",
    "table `{table}` is in the database, and no model declares it",
    "a table of the database is in no model; those of extensions and partitions are not meant",
    "declare it, drop it, or silence it (`CG502:table`), if it is somebody else's",
)
MISSING_COLUMN = Rule(
    "CG503",
    "`{column}` has no column: `{sql}` is not in the database",
    "a model's column is not in the database: every call for the model fails",
    "run the migrations; write one, if none makes it",
)
UNKNOWN_COLUMN_IN_DATABASE = Rule(
    "CG504",
    "column `{column}` is in the database, and `{model}` does not declare it",
    "a column of a model's table is not in the model; a NOT NULL one without default makes every insert fail",
    "declare it, or drop it",
)
DIFFERENT_COLUMN = Rule(
    "CG505",
    "`{column}` is {what} {model} in the model, and {database} in the database",
    "type, NULL or server default of a column are not the same, as Alembic compares them",
    "write a migration, or change the model",
)
MISSING_INDEX = Rule(
    "CG506",
    "index `{index}` of `{model}` is not in the database{consequence}{maker}",
    "an index of a model is not in the database, and what it is for scans the table",
    "run the migrations; `CREATE INDEX CONCURRENTLY` in one of its own, if none makes it",
)
UNKNOWN_INDEX = Rule(
    "CG507",
    "index `{index}` on `{table}` ({form}) is in the database, and `{model}` does not declare it{maker}",
    "an index of the database is in no model: no method uses it, and every write pays for it",
    "declare it, and get its methods; or drop it",
)
DIFFERENT_INDEX = Rule(
    "CG508",
    "index `{index}` of `{model}` is {declared} in the model, and {database} in the database",
    "columns, order, predicate, operator classes or uniqueness of an index are not the same",
    "write a migration that makes it anew, or change the model",
)
INVALID_INDEX = Rule(
    "CG509",
    "index `{index}` of `{model}` is invalid: building it failed or has not ended{consequence}",
    "an index is in the database and no query uses it, because `CREATE INDEX CONCURRENTLY` failed or has not ended",
    "`REINDEX INDEX CONCURRENTLY`; of a unique one first remove the duplicates",
)
UNUSED_INDEX = Rule(
    "CG510",
    "index `{index}` was never used{since}, while its table was read {reads} times; it is for {methods}",
    "by `pg_stat_user_indexes` the index of a finder has served no query, though its table was read a hundred times",
    "nothing, if the finder is rarely called; drop the index otherwise, or see whether the queries can use it",
    fails=False,  # a new index is unused until the first query that needs it
)
UNMIGRATED_INDEX = Rule(
    "CG511",
    "no migration makes index `{index}` of `{model}`: the database has it, and a new one would not",
    "an index of a model was made by hand",
    "write a migration that makes it, with `if_not_exists=True`",
)
MISSING_CONSTRAINT = Rule(
    "CG512",
    "{what} of `{model}` is not in the database{consequence}",
    "a key, foreign key or CHECK constraint of a model is not in the database",
    "run the migrations; write one, if none makes it",
)
UNKNOWN_CONSTRAINT = Rule(
    "CG513",
    "{what} on `{table}` is in the database, and `{model}` does not declare it",
    "a key, foreign key or CHECK constraint of the database is in no model",
    "declare it, or drop it",
)
DIFFERENT_CHECK = Rule(
    "CG514",
    "constraint `{check}` of `{model}` is {declared} in the model, and {database} in the database",
    "a CHECK constraint is not the same, or is NOT VALID in the database",
    "write a migration, or `VALIDATE CONSTRAINT`",
)
DIFFERENT_ENUM = Rule(
    "CG515",
    "enum `{enum}` of `{column}` {difference}",
    "the values of an enum are not the same, or not in the same order",
    "`ALTER TYPE ... ADD VALUE` in a migration; PostgreSQL cannot take a value away",
)
OTHER_REVISION = Rule(
    "CG516",
    "the database {problem}",
    "the database is not at the head of the migrations",
    "`alembic upgrade head`; the other differences may be due to that",
)
NOT_COMPARED = Rule(
    "CG517",
    "{what} cannot be compared: {reason}",
    "the server made no temporary table (a standby, a missing privilege or type), or a migration reads the database",
    "compare with the primary; nothing, if you know what the migration does",
)
UNUSED_SILENCE = Rule(
    "CG401",
    "`silence` lists `{entry}`, which no warning matches; take it out",
    "an entry of `silence` keeps nothing quiet: what it was about was fixed, or it is misspelt",
    "take it out",
)
UNUSED_COMMENT = Rule(
    "CG402",
    "the comment ignores {code}, which is not reported on this line; take it out, or move it to the warning's line",
    "a comment `# ctrlgen: ignore[...]` among the models lists a code that is not found on its line",
    "take it out, or move it to the line that the warning names",
)

RULES = {rule.code: rule for rule in list(vars().values()) if isinstance(rule, Rule)}
"""The rules by their codes, in order."""
