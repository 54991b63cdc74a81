"""A small package, and its stubs written to a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctrlgen.blueprint import Package
from ctrlgen.plan import plan
from ctrlgen.schema import Condition, ForeignKey, Imported, Model, Schema
from tests.plan.build import HERE, column, index, model, relation, unique

TAG = model("Tag", column("name", "str", kind="str"), indexes=(unique("name", name="uq_tag_name"),))
POST = model(
    "Post",
    column("tag_id"),
    column("title", "str", kind="str"),
    column("live", "bool", kind="bool", comparison="equal", presence="optional"),
    indexes=(
        index("tag_id", name="ix_post_tag"),
        index("title", name="idx_post_live", where="live", conditions=(Condition("live", "=", "True"),)),
    ),
    foreign_keys=(ForeignKey(("tag_id",), Imported("models", "Tag"), ("id",), HERE),),
    relations=(
        relation("tag", "Tag", many=False, attributes=("tag_id",)),
        relation("labels", "Tag", linked=True, attributes=("id",)),
    ),
)


def package(*models: Model) -> Package:
    """Return the planned package of these models, by default a post and its tag."""
    return plan(Schema(models or (POST, TAG)), "db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for stubs."""
    folder = tmp_path / "tests"
    folder.mkdir()
    return folder
