"""Warnings about misleading declarations, each at its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Run

Generate = Callable[[str], tuple[list[str], str]]

HEADER = """\
import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class Hero(SQLModel, table=True):
    __table_args__ = (
"""
FOOTER = """
    )
    id: int | None = Field(default=None, primary_key=True)
    email: str
    level: int = 0
    sent: bool = False
    status: str = "open"
"""


@pytest.fixture
def generate(tmp_path: Path, run: Run, tool: tuple[str, str, str]) -> Generate:
    """Generate from the source of ``models.py``; return the warnings with their lines, and the emitted code."""

    def generate(source: str) -> tuple[list[str], str]:
        (tmp_path / "models.py").write_text(source)
        (tmp_path / "pyproject.toml").write_text('[tool.ctrlgen]\nmodels = ["models"]\noutput = "db"\n')
        done = run(*tool, "generate", cwd=tmp_path)
        emitted = [file for file in sorted((tmp_path / "db").glob("*.py")) if file.name != "__init__.py"]
        warnings = [line for line in done.stderr.splitlines() if ": warning CG" in line]
        return warnings, "\n".join(file.read_text() for file in emitted)

    return generate


def index(generate: Generate, declaration: str) -> tuple[list[str], str]:
    return generate(f"{HEADER}        {declaration},{FOOTER}")


@pytest.mark.parametrize(
    ("expression", "sql", "suggestion"),
    [
        ('sa.func.lower("email")', "lower('email')", "; did you mean `text('lower(email)')`?"),
        ("sa.text(\"lower('email')\")", "lower('email')", "; did you mean `text('lower(email)')`?"),
        ('sa.func.upper(sa.func.btrim("email"))', "upper(btrim('email'))", "; did you mean"),
        ("sa.func.now()", "now()", ""),
    ],
)
def test_expression_without_a_column_gives_a_warning_and_no_method(
    generate: Generate, expression: str, sql: str, suggestion: str
) -> None:
    (warning,), emitted = index(generate, f'sa.Index("ix_hero_mail", {expression}, unique=True)')
    message = f"`{sql}` in index `ix_hero_mail` of `Hero` does not refer to a column, so it is the same for every row"
    assert warning.startswith(f"models.py:7: warning CG109: {message}{suggestion}")
    assert "mail" not in emitted.replace("email", "")


def test_column_before_a_constant_still_gives_a_finder(generate: Generate) -> None:
    (warning,), emitted = index(generate, 'sa.Index("ix_hero_mail", "level", sa.func.lower("email"))')
    assert warning.startswith("models.py:7: warning CG109: ")
    assert "def find_by_level(" in emitted


@pytest.mark.parametrize(
    "expression", ["sa.func.lower(sa.column('email'))", "sa.text('lower(email)')", "sa.text('level + 1')"]
)
def test_expression_with_a_column_gives_no_warning(generate: Generate, expression: str) -> None:
    warnings, emitted = index(generate, f'sa.Index("ix_hero_mail", {expression})')
    assert warnings == []
    assert "def find_by_" in emitted


@pytest.mark.parametrize("where", ["sa.text(\"'status' = 'open'\")", "None is not None"])
def test_predicate_that_names_no_column_is_a_warning(generate: Generate, where: str) -> None:
    (warning,), _ = index(generate, f'sa.Index("ix_hero_open", "level", unique=True, postgresql_where={where})')
    assert warning.startswith("models.py:7: warning CG109: ")
    assert "of `Hero` does not refer to a column" in warning


@pytest.mark.parametrize(
    "declaration",
    [
        'sa.Index("ix_hero_any", "level", postgresql_where=sa.text("NOT snet"))',
        'sa.Index("ix_hero_any", "level", unique=True, postgresql_where=sa.text("snet = false"))',
        'sa.Index("ix_hero_any", "level", postgresql_where="level > 3 AND (snet OR status IN (\'a\'))")',
        'sa.Index("ix_hero_any", "level", postgresql_where=sa.column("snet", sa.Boolean).is_(True))',
        'sa.Index("ix_hero_any", sa.text("coalesce(snet, sent)"))',
        'sa.Index("ix_hero_any", "level", postgresql_using="gin", postgresql_where=sa.text("snet"))',
    ],
)
def test_misspelt_column_in_the_sql_of_an_index_is_found(generate: Generate, declaration: str) -> None:
    (warning,), _ = index(generate, declaration)
    assert warning == (
        "models.py:7: warning CG108: index `ix_hero_any` of `Hero` refers to `snet`, which is not a column of `hero`; "
        "did you mean `sent`?"
    )


@pytest.mark.parametrize(
    "where",
    [
        "hero.sent AND hero IS NOT NULL",
        "xmin IS NOT NULL",
        "status = ANY (ARRAY['a'::character varying, 'b'::text])",
        "extract(year from now()) > level",
        "now() AT TIME ZONE 'utc' > timestamp '2020-01-01' AND level::numeric(10, 2) > 1",
        'CASE WHEN sent THEN level ELSE 1 END > 2 AND "status" COLLATE "C" > \'a\'',
        "this is not SQL at all (",
    ],
)
def test_other_words_of_a_predicate_are_not_mistaken_for_columns(generate: Generate, where: str) -> None:
    warnings, _ = index(generate, f'sa.Index("ix_hero_any", "level", postgresql_where=sa.text({where!r}))')
    assert warnings == []


@pytest.mark.parametrize("where", ["status IN ('a', 'b')", "level > 3", "sent OR level = 1", "status <> 'x'"])
def test_warning_about_a_predicate_names_the_missing_methods(generate: Generate, where: str) -> None:
    declaration = f'sa.Index("uq_hero_live", "email", unique=True, postgresql_where=sa.text({where!r}))'
    (warning,), emitted = index(generate, declaration)
    assert warning.startswith(
        "models.py:7: warning CG110: ctrlgen cannot derive the values of a row from the predicate "
        f"`{where}` of unique index `uq_hero_live` of `Hero`, so there is no `get_or_create_live_by_email`, "
        "`upsert_live_by_email`"
    )
    assert "write it as `column = constant`" in warning
    assert "a condition of another form needs a bool column of its own, as in `WHERE is_active`" in warning
    assert "def get_live_by_email(" in emitted
    assert "def upsert_live_by_email(" not in emitted


def test_no_warning_about_a_predicate_if_methods_are_missing_anyway(generate: Generate) -> None:
    warnings, _ = index(
        generate, 'sa.Index("uq_hero_live", "level", unique=True, postgresql_where=sa.text("level > 3"))'
    )
    assert warnings == [], "`level` has a default, so there is no upsert by it"


def test_predicate_with_a_repeated_condition_is_understood(generate: Generate) -> None:
    where = "status = 'open' AND status IS NOT NULL"
    warnings, emitted = index(
        generate, f'sa.Index("uq_hero_live", "email", unique=True, postgresql_where=sa.text({where!r}))'
    )
    assert warnings == []
    assert "def upsert_live_by_email(" in emitted


@pytest.mark.parametrize(
    "other",
    [
        'sa.Index("ix_hero_b", sa.desc("level"))',
        'sa.Index("ix_hero_b", sa.text("level DESC NULLS LAST"))',
        'sa.Index("ix_hero_b", sa.nulls_first(sa.column("level")))',
        'sa.Index("ix_hero_b", sa.text("level int4_minmax_multi_ops"))',
        'sa.Index("ix_hero_b", "level", postgresql_ops={"level": "int4_bloom_ops"})',
        'sa.Index("ix_hero_b", "level", postgresql_include=["email"])',
    ],
)
def test_index_with_another_order_or_more_columns_is_not_a_duplicate(generate: Generate, other: str) -> None:
    """Two indexes with the same columns may serve different queries, unless they only differ in INCLUDE."""
    warnings, _ = index(generate, f'sa.Index("ix_hero_a", "level", postgresql_include=["status"]), {other}')
    assert warnings == []


@pytest.mark.parametrize(
    "declarations",
    [
        'sa.Index("ix_hero_a", "level"), sa.Index("ix_hero_b", sa.text("level ASC NULLS LAST"))',
        'sa.Index("ix_hero_a", sa.desc("level")), sa.Index("ix_hero_b", sa.text("level desc nulls first"))',
        'sa.Index("ix_hero_a", "level"), sa.Index("ix_hero_b", "level", "email")',
        'sa.Index("ix_hero_a", "level"), sa.Index("ix_hero_b", "level", postgresql_include=["email"])',
    ],
)
def test_duplicate_index_is_found(generate: Generate, declarations: str) -> None:
    (warning,), _ = index(generate, declarations)
    assert warning.startswith("models.py:7: warning CG102: index `ix_hero_")


INHERITED = """\
import sqlmodel
from sqlalchemy.orm import DeclarativeMeta
from sqlmodel import Field, Relationship, SQLModel


class Mapping(type(SQLModel)):
    # Maps classes that derive from a table model, as plug-ins do.
    def __init__(cls, name, bases, members, **options):
        super().__init__(name, bases, members, **options)
        if options.get("table") and "__mapper__" not in vars(cls):
            DeclarativeMeta.__init__(cls, name, bases, members, **options)


class Person(SQLModel, table=True, metaclass=Mapping):
    id: int = Field(primary_key=True)
    kind: str = "person"


class Engineer(Person, table=True):
    id: int = Field(primary_key=True, foreign_key="person.id")
    skill: str = ""


class Desk(SQLModel, table=True):
    id: int = Field(primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    person: Person = Relationship()
"""


def test_model_in_several_tables_is_left_out_and_its_base_is_not(generate: Generate) -> None:
    (warning,), emitted = generate(INHERITED)
    assert warning == (
        "models.py:19: warning CG209: `Engineer` is left out: it inherits from the table of `Person`, and only the "
        "ORM can write both; use `db.session()`"
    )
    assert "class PersonController(" in emitted
    assert "class EngineerController(" not in emitted
    assert "person: Mapped[Person]" in emitted


CLOCK = """\
from datetime import UTC, datetime
import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class Clock(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = {declaration}
"""


CONVERTING = """\
from datetime import UTC
import sqlalchemy as sa


class Converting(sa.TypeDecorator):
    impl, cache_ok = sa.DateTime(timezone=True), True

    def process_bind_param(self, value, dialect):
        return value.replace(tzinfo=UTC)
"""


@pytest.mark.parametrize(
    ("declaration", "problem", "fix"),
    [
        ("Field(default_factory=datetime.now)", "default of `Clock.at` has no time zone", "write `datetime.now(UTC)`"),
        (
            "Field(default_factory=datetime.utcnow)",
            "default of `Clock.at` has no time zone",
            "annotate the column with `NaiveDatetime`",
        ),
        (
            "Field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))",
            "default of `Clock.at` has no time zone",
            "write `datetime.now(UTC)`",
        ),
        ("Field(default=datetime(2024, 1, 1))", "default of `Clock.at` has no time zone", "write `datetime.now(UTC)`"),
        (
            'Field(sa_column_kwargs={"onupdate": datetime.utcnow})',
            "onupdate of `Clock.at` has no time zone",
            "write `datetime.now(UTC)`",
        ),
        (
            "Field(default_factory=lambda: datetime.now(UTC), sa_column=sa.Column(sa.DateTime))",
            "default of `Clock.at` has a time zone",
            'set `naive_datetimes = "utc"`',
        ),
    ],
)
def test_default_refused_by_its_column_is_a_warning(
    generate: Generate, declaration: str, problem: str, fix: str
) -> None:
    (warning,), _ = generate(CLOCK.format(declaration=declaration))
    assert warning.startswith(f"models.py:8: warning CG111: the {problem}, which its column rejects: ")
    assert fix in warning


@pytest.mark.parametrize(
    ("what", "declaration"),
    [
        ("default", "Field(default_factory={naive}, sa_column=sa.Column(sa.DateTime(timezone=True)))"),
        ("default", "Field(default_factory={naive}, sa_type=sa.DateTime(timezone=True))"),
        ("default", "Field(default_factory=lambda values: {naive}(), sa_type=sa.DateTime(timezone=True))"),
        ("default", "Field(default={naive}(), sa_type=sa.DateTime(timezone=True))"),
        ("default", "Field(sa_column=sa.Column(sa.TIMESTAMP(timezone=True), default={naive}))"),
        ("default", "Field(sa_column=sa.Column(sa.DateTime(timezone=True), default=lambda context: {naive}()))"),
        ("onupdate", "Field(sa_column=sa.Column(sa.DateTime(timezone=True), onupdate={naive}))"),
        ("default", "Field(default_factory={naive}, sa_type=Plain)"),
    ],
)
@pytest.mark.parametrize(("naive", "zone"), [("datetime.utcnow", "UTC"), ("datetime.now", "America/New_York")])
def test_naive_default_that_the_driver_reads_as_local_time_is_a_warning(
    generate: Generate, monkeypatch: pytest.MonkeyPatch, what: str, declaration: str, naive: str, zone: str
) -> None:
    plain = "class Plain(sa.TypeDecorator):\n    impl, cache_ok = sa.DateTime(timezone=True), True\n\n\nclass Clock("
    models = CLOCK.replace("class Clock(", plain) + "\nimport warnings\nwarnings.simplefilter('error')\n"
    monkeypatch.setenv("TZ", zone)
    (warning,), _ = generate(models.format(declaration=declaration.format(naive=naive)))
    assert f"warning CG111: the {what} of `Clock.at` has no time zone, so it is stored as local time" in warning
    assert warning.endswith("; write `datetime.now(UTC)`")


@pytest.mark.parametrize(
    "declaration",
    [
        "Field(default_factory=lambda: datetime.now(UTC))",
        "Field(default=datetime.max, sa_type=sa.DateTime(timezone=True))",
        "Field(default_factory=datetime.utcnow, sa_type=Converting)",
        "Field(default_factory=datetime.now, sa_column=sa.Column(sa.DateTime))",
        "Field(default_factory=lambda: 1 / 0)",
        "Field(sa_column=sa.Column(sa.DateTime(timezone=True), default=sa.func.now(), onupdate=sa.func.now()))",
    ],
)
def test_default_accepted_by_its_column_gives_no_warning(generate: Generate, declaration: str) -> None:
    assert generate(CONVERTING + CLOCK.format(declaration=declaration))[0] == []


HOOKS = """\
import sqlalchemy as sa
from pydantic import PrivateAttr, model_validator
from sqlmodel import Field, SQLModel


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    level: int = 0
    version: int = 1
    {member}


{after}
"""


@pytest.mark.parametrize(
    ("member", "after", "line", "hooks"),
    [
        ("def model_post_init(self, context): assert self.level < 9", "", 10, "`model_post_init`"),
        (
            "_cache: int = PrivateAttr(default=1)\n    def model_post_init(self, context): pass",
            "",
            11,
            "`model_post_init`",
        ),
        ("@model_validator(mode='after')\n    def check(self): return self", "", 11, "`check`"),
        ("", "sa.event.listen(Hero, 'before_insert', print)", 6, "`before_insert`"),
        ("__mapper_args__ = {{'version_id_col': sa.Column('counter', sa.Integer)}}", "", 6, "`version_id_col`"),
    ],
)
def test_hooks_that_only_objects_run_are_a_warning(
    generate: Generate, member: str, after: str, line: int, hooks: str
) -> None:
    (warning,), _ = generate(HOOKS.format(member=member.replace("{{", "{").replace("}}", "}"), after=after))
    assert warning.startswith(
        f"models.py:{line}: warning CG113: `Hero` has {hooks}, which its controller does not run, "
    )


@pytest.mark.parametrize("member", ["_cache: int = PrivateAttr(default=1)", "def other(self): pass"])
def test_private_attributes_give_no_warning(generate: Generate, member: str) -> None:
    assert generate(HOOKS.format(member=member, after=""))[0] == []


VALIDATED = """
from sqlalchemy.orm import validates
from sqlmodel import Field, SQLModel

class Named(SQLModel):
    @validates("name", "nickname")
    def check_name(self, key, value):
        return value

class Hero(Named, table=True):
    id: int = Field(primary_key=True)
    name: str
    email: str

    @validates({names})
    def check(self, key, value):
        return value

class Villain(Named, table=True):
    id: int = Field(primary_key=True)
    nickname: str
"""


@pytest.mark.parametrize(
    ("names", "ending"),
    [
        (
            "'email', 'emial'",
            "`emial`, but the model has no such attribute; did you mean `email`?",
        ),
        ("'quux'", "`quux`, but the model has no such attribute"),
    ],
)
def test_validator_of_an_unknown_attribute_is_a_warning(generate: Generate, names: str, ending: str) -> None:
    (warning,), _ = generate(VALIDATED.format(names=names))
    assert warning == f"models.py:16: warning CG118: `check` of `Hero` validates {ending}"


def test_validators_of_attributes_that_a_model_of_the_mixin_has_give_no_warning(generate: Generate) -> None:
    assert generate(VALIDATED.format(names="'email'"))[0] == []


def test_models_named_like_members_of_the_facade_are_supported(generate: Generate) -> None:
    models = [
        f"class {name}(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n" for name in ("Session", "Run")
    ]
    warnings, emitted = generate("from sqlmodel import Field, SQLModel\n" + "\n".join(models))
    assert [line.partition(": warning ")[2].partition(",")[0] for line in warnings] == [
        "CG112: `models.Session` is available as `db.session_`",
        "CG112: `models.Run` is available as `db.run_`",
    ]
    assert "session_: SessionController" in emitted
    assert "run_: RunController" in emitted
