"""The reference models are good examples: names, indexes, descriptions and types of their tables."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from sqlalchemy import BigInteger, Column, Index, Integer, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import configure_mappers
from sqlmodel import SQLModel

import models
from models import Base

TABLES = {table.name: table for table in Base.metadata.sorted_tables}
MODELS = [item for item in vars(models).values() if inspect.isclass(item) and hasattr(item, "__table__")]

SNOWFLAKES = {"discord_id", "guild_id", "member_id", "channel_id", "message_id", "posted_id", "role_id", "mod_log_id"}


def leading_columns(table: Table) -> Iterator[tuple[str, ...]]:
    """Yield the leading columns of each key and of each index on all rows, as tuples."""
    keys = [table.primary_key, *(item for item in table.constraints if isinstance(item, UniqueConstraint))]
    yield from (tuple(column.name for column in key.columns) for key in keys)
    full = (index for index in table.indexes if index.dialect_options["postgresql"]["where"] is None)
    yield from (tuple(part.name for part in index.expressions if isinstance(part, Column)) for index in full)


def test_every_relationship_finds_its_other_side() -> None:
    configure_mappers()


def test_every_table_belongs_to_a_model_that_the_package_exports() -> None:
    assert {model.__table__.name for model in MODELS} == set(TABLES)
    assert set(models.__all__) >= {model.__name__ for model in MODELS}


def test_table_names_are_in_snake_case_and_plural() -> None:
    assert models.GuildConfig.__table__.name == "guild_configs"
    assert models.Levels.__table__.name == "levels"
    assert models.PointsTransaction.__table__.name == "points_transactions"


@pytest.mark.parametrize("name", TABLES)
def test_every_foreign_key_has_an_index(name: str) -> None:
    table = TABLES[name]
    leading = list(leading_columns(table))
    for key in table.foreign_key_constraints:
        columns = tuple(key.column_keys)
        assert any(parts[: len(columns)] == columns for parts in leading), columns


@pytest.mark.parametrize("name", TABLES)
def test_every_constraint_and_index_has_a_name_that_postgresql_does_not_truncate(name: str) -> None:
    table = TABLES[name]
    for item in [*table.constraints, *table.indexes]:
        assert isinstance(item.name, str), item
        assert len(item.name) <= 63, item.name


def test_deleting_is_forbidden_only_for_members_with_cases() -> None:
    keys = [key for table in TABLES.values() for key in table.foreign_key_constraints]
    assert {key.name for key in keys if key.ondelete is None} == {"fk_cases_moderator_id", "fk_cases_target_id"}
    assert {key.name for key in keys if key.ondelete == "SET NULL"} == {"fk_snippets_author_id"}
    assert {key.ondelete for key in keys} == {None, "SET NULL", "CASCADE"}


@pytest.mark.parametrize("name", TABLES)
def test_every_datetime_has_a_time_zone(name: str) -> None:
    for column in TABLES[name].columns:
        assert "WITHOUT TIME ZONE" not in column.type.compile(dialect=postgresql.dialect()), column


@pytest.mark.parametrize("name", TABLES)
def test_discord_ids_are_bigint_and_not_generated(name: str) -> None:
    table = TABLES[name]
    counted = table.autoincrement_column
    assert counted is None or (counted.name == "id" and type(counted.type) is Integer)
    for column in table.columns:
        if column.name in SNOWFLAKES:
            assert isinstance(column.type, BigInteger), column


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_describes_its_rows(model: type[SQLModel]) -> None:
    own = vars(model).get("__doc__") or ""
    assert own.endswith(".")
    for field in model.model_fields.values():
        assert field.description is None or field.description.endswith("."), field


def test_models_have_partial_and_functional_indexes() -> None:
    def index_named(table: str, name: str) -> Index:
        return next(index for index in TABLES[table].indexes if index.name == name)

    for table, name, unique in [
        ("reminders", "idx_reminder_pending", False),
        ("reminders", "uq_reminder_pending", True),
        ("cases", "idx_case_expiring", False),
        ("afks", "idx_afk_temporary", False),
    ]:
        index = index_named(table, name)
        assert index.dialect_options["postgresql"]["where"] is not None
        assert bool(index.unique) is unique
    assert [str(part) for part in index_named("levels", "idx_levels_leaderboard").expressions][1:] == ["xp DESC"]
    assert [str(part) for part in index_named("snippets", "uq_snippets_guild_id_lower_name").expressions][1:] == [
        "lower(name)"
    ]
