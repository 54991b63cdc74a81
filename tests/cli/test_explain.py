"""``ctrlgen explain``: the SQL, cost and index of methods, and the reasons for methods that are not emitted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generated import Database

from .conftest import Project

if TYPE_CHECKING:
    from tests.conftest import NewDatabase

BLOG = '''"""Models."""

from typing import Any

from sqlalchemy import Column, Index
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlmodel import Field, Relationship, SQLModel, String


class Author(SQLModel, table=True):
    """Who writes."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    nickname: str | None = Field(default=None, unique=True)
    posts: list["Post"] = Relationship(back_populates="author")


class Post(SQLModel, table=True):
    """What is written."""

    __table_args__ = (
        Index("ix_post_published", "slug", postgresql_where="published"),
        Index("ix_post_tags", "tags", postgresql_using="gin"),
    )

    id: int | None = Field(default=None, primary_key=True)
    author_id: int = Field(foreign_key="author.id")
    title: str
    slug: str
    limit: int = 0
    published: bool = False
    tags: list[str] = Field(sa_column=Column(ARRAY(String)))
    extra: dict[str, Any] = Field(sa_column=Column(JSON))
    author: Author = Relationship(back_populates="posts")
'''


@pytest.fixture
def blog(app: Project) -> Project:
    app.write("app/models.py", BLOG)
    return app


def explained(project: Project, *arguments: str) -> dict[str, Any]:
    done = project.run("explain", *arguments, "--format", "json", "-q")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def methods(project: Project, *arguments: str) -> dict[str, Any]:
    shape = explained(project, *arguments)
    return {method["name"]: method for model in shape["models"] for method in model["methods"]}


def test_method_has_its_signature_its_statement_and_its_index(blog: Project) -> None:
    method = methods(blog, "Author.get_by_email")["get_by_email"]
    assert method == {
        "name": "get_by_email",
        "kind": "get",
        "signature": "async def get_by_email(email: str, *, load: Iterable[AuthorLoad] = ()) -> Author | None",
        "doc": "Return the row with this `email`, or None.",
        "statements": [
            {
                "sql": "SELECT author.id, author.email, author.nickname FROM author WHERE author.email = $1",
                "parameters": ["email"],
            }
        ],
        "cost": {
            "least": 1,
            "most": 1,
            "per": "call",
            "loads": True,
            "transaction": False,
            "orm": False,
            "cached": False,
        },
        "index": {"name": None, "origin": "unique constraint"},
        "scans": False,
        "summary": "1 statement; 1 more for each relationship in `load`; by the unnamed unique constraint on email",
        "problem": None,
    }


def test_model_has_the_structure_of_its_table(blog: Project) -> None:
    post = next(model for model in explained(blog)["models"] if model["name"] == "Post")
    columns = {column["name"]: column for column in post["columns"]}
    assert columns["id"] == {
        "name": "id",
        "column": "id",
        "type": "int",
        "sql_type": "INTEGER",
        "nullable": False,
        "primary_key": True,
        "presence": "optional",
        "default": "serial",
        "comment": None,
    }
    assert (columns["limit"]["default"], columns["limit"]["presence"]) == ("0", "optional")
    assert (columns["tags"]["type"], columns["tags"]["sql_type"]) == ("list[str] | None", "VARCHAR[]")
    assert post["foreign_keys"] == [
        {
            "columns": ["author_id"],
            "target": "app.models.Author",
            "table": "author",
            "target_columns": ["id"],
            "on_delete": None,
            "unique": False,
            "nullable": False,
            "indexed": False,
        }
    ]
    assert post["relationships"] == [
        {
            "name": "author",
            "target": "app.models.Author",
            "many": False,
            "optional": False,
            "through": None,
            "loader": "load_author",
        }
    ]
    partial = next(index for index in post["indexes"] if index["name"] == "ix_post_published")
    assert partial == {
        "name": "ix_post_published",
        "origin": "index",
        "unique": False,
        "parts": ["slug"],
        "method": "btree",
        "where": "published",
        "include": [],
        "nulls_not_distinct": False,
        "location": "app/models.py:23",
        "backs": ["find_published_by_slug"],
    }
    assert post["doc"] == "What is written."


def test_index_backs_the_methods_that_name_it(project: Path) -> None:
    for model in explained(Project(project))["models"]:
        backed = {name: index for index in model["indexes"] for name in index["backs"]}
        for method in model["methods"]:
            index = backed.get(method["name"])
            assert method["index"] == ({"name": index["name"], "origin": index["origin"]} if index else None)


@pytest.mark.parametrize(
    ("method", "cost", "number"),
    [
        ("get_or_create_by_email", {"least": 1, "most": 2}, 2),
        ("create_many", {"most": 1, "per": "row", "transaction": True}, 1),
        ("update_many", {"most": 1, "per": "row", "transaction": False}, 1),
        ("paginate", {"least": 2, "most": 2}, 2),
        ("load_posts", {"least": 1, "most": 1, "loads": False}, 1),
    ],
)
def test_statements_that_a_method_costs(blog: Project, method: str, cost: dict[str, object], number: int) -> None:
    explanation = methods(blog, f"Author.{method}")[method]
    assert cost.items() <= explanation["cost"].items()
    assert len(explanation["statements"]) == number


@pytest.mark.parametrize("method", ["find_all", "find_one", "count", "exists", "delete_where", "update_where"])
def test_method_that_takes_any_filter_is_explained_without_one(blog: Project, method: str) -> None:
    explanation = methods(blog, f"Author.{method}")[method]
    assert all("WHERE" not in statement["sql"] for statement in explanation["statements"])
    assert explanation["statements"]


def test_methods_that_are_not_emitted_have_reasons(blog: Project) -> None:
    blog.write(
        "pyproject.toml", (blog.root / "pyproject.toml").read_text() + 'skip = { methods = ["Post.delete_by_id"] }'
    )
    models = {model["name"]: model for model in explained(blog)["models"]}
    reasons = {each["name"]: each["reason"] for model in models.values() for each in model["absent"]}
    assert reasons["find_by_title"] == "no index begins with `title`: find_all(title=...) scans the table"
    assert reasons["find_by_slug"].startswith("only partial indexes begin with `slug`: use their finders")
    assert "find_by_slug" not in [method["name"] for method in models["Post"]["methods"]]
    assert reasons["find_by_tags"] == (
        "the index that begins with `tags` does not support `=`: filter with find_all(c.tags...)"
    )
    assert reasons["find_by_extra"].startswith("PostgreSQL cannot compare json values")
    assert reasons["find_by_limit"] == "`limit` is a parameter of finders: filter with find_all(c.limit == ...)"
    assert reasons["find_by_email"] == "`email` is a unique key: use get_by_email"
    assert reasons["upsert_by_id"] == "a new row may omit `id`"
    assert reasons["upsert_by_nickname"] == "`nickname` may be NULL, and NULL never conflicts"
    assert reasons["delete_by_id"] == "skipped by `skip.methods` in pyproject.toml"


def test_attribute_error_gives_the_same_reason(blog: Project) -> None:
    assert blog.run("generate", "-q").returncode == 0
    code = "from app.db import Database\ndb = Database('postgresql://nobody@nowhere/x')\n"
    for expression in ("db.post.find_by_title", "db.author.upsert_by_id", "db.author.get_by_mail", "db.author.zzz"):
        code += f"try:\n    {expression}\nexcept AttributeError as error:\n    print(error)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=blog.root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        ("PostController has no find_by_title: no index begins with `title`: find_all(title=...) scans the table"),
        "AuthorController has no upsert_by_id: a new row may omit `id`",
        "AuthorController has no get_by_mail; did you mean get_by_email?",
        "AuthorController has no zzz; to query rows, use find_all",
    ]


def test_type_checkers_see_no_getattr_of_a_controller(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "use.py"
    file.write_text("from generated import Database\n\ndef f(db: Database) -> None:\n    db.user.find_by_title\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", file], cwd=project, capture_output=True, text=True, check=False
    )
    assert 'has no attribute "find_by_title"' in done.stdout


def test_pasted_missing_indexes_resolve_the_findings(blog: Project) -> None:
    done = blog.run("explain", "--indexes", "-q")
    heading, source = done.stdout.splitlines()
    assert heading == "# Post (app/models.py:19), in its __table_args__; adds find_by_author_id"
    assert source == 'Index("ix_post_author_id", "author_id"),'
    title = blog.run("explain", "Post.find_by_title", "--indexes").stdout.splitlines()[-1]
    text = (blog.root / "app/models.py").read_text()
    blog.write(
        "app/models.py", text.replace("__table_args__ = (", f"__table_args__ = (\n        {source}\n        {title}")
    )
    assert methods(blog, "Post").keys() >= {"find_by_author_id", "find_by_title"}
    assert blog.run("explain", "--indexes").stdout == ""


@pytest.mark.parametrize("name", ["Post", "app.models.Post", "post", "PostController"])
def test_model_can_be_named_in_every_usual_way(blog: Project, name: str) -> None:
    assert [model["name"] for model in explained(blog, name)["models"]] == ["Post"]
    assert list(methods(blog, f"{name}.get_by_id")) == ["get_by_id"]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("Pst", "there is no model `Pst`", "did you mean `Post`?"),
        ("Pst.get_by_id", "there is no model `Pst`", "did you mean `Post`?"),
        ("zebra", "there is no model `zebra`", "the models are `Author`, `Post`"),
        ("Post.get_by_idd", "`PostController` has no method `get_by_idd`", "did you mean `get_by_id`?"),
        (
            "Post.get_by_title",
            "`PostController` has no method `get_by_title`",
            "no index begins with `title`: find_all(title=...) scans the table",
        ),
        (
            "Post.find_by_titl",
            "`PostController` has no method `find_by_titl`",
            "nor `find_by_title`: no index begins with `title`: find_all(title=...) scans the table",
        ),
        ("Post.zebra", "`PostController` has no method `zebra`", "`ctrlgen explain Post` lists its methods"),
    ],
)
def test_misspelt_name_gets_a_suggestion(blog: Project, name: str, message: str, hint: str) -> None:
    printed = blog.fails("explain", name)
    assert f": {message}\n" in printed
    assert f"hint: {hint}\n" in printed


@pytest.mark.parametrize("form", ["--mermaid", "--dot", "--indexes"])
def test_output_without_sql_does_not_need_the_driver(blog: Project, tmp_path: Path, form: str) -> None:
    blog.write("without/sitecustomize.py", "import sys\nsys.modules['asyncpg'] = None\n")
    expected = blog.run("explain", form)
    done = blog.run("explain", form, PYTHONPATH=str(blog.root / "without"))
    assert (done.returncode, done.stdout) == (0, expected.stdout), done.stderr
    assert done.stdout
    printed = blog.run("explain", PYTHONPATH=str(blog.root / "without"))
    assert "`asyncpg` is not installed; it is needed to render the SQL" in printed.stderr


def test_unknown_format_is_refused(blog: Project) -> None:
    printed = blog.fails("explain", "--format", "jsno")
    assert ": `--format jsno`: no such format\n" in printed
    assert "hint: did you mean `json`?\n" in printed


def test_text_fits_eighty_columns(project: Path) -> None:
    done = Project(project).run("explain")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert "cannot be tried" not in done.stdout


def test_default_that_fails_is_named_and_the_other_methods_are_explained(blog: Project) -> None:
    text = (blog.root / "app/models.py").read_text()
    blog.write("app/models.py", text.replace("limit: int = 0", "limit: int = Field(default_factory=lambda: 1 // 0)"))
    explained_methods = methods(blog, "Post")
    assert (
        explained_methods["create"]["problem"]
        == "the call of create failed: ZeroDivisionError: integer division or modulo by zero"
    )
    assert explained_methods["get_by_id"]["statements"]


def test_getter_of_a_cached_model_costs_nothing_while_its_answer_is_in_memory(project: Path) -> None:
    explained = methods(Project(project), "GuildConfig")
    cost = explained["get_by_guild_id"]["cost"]
    assert (cost["least"], cost["most"], cost["cached"]) == (0, 1, True)
    assert explained["count"]["cost"]["cached"] is False
    (update,) = explained["update_by_guild_id"]["statements"]
    assert "pg_notify" in update["sql"], "the notification of other processes is part of the statement"


def test_same_models_have_the_same_explanation(project: Path) -> None:
    assert len({Project(project).run("explain", "GuildConfig").stdout for _ in range(2)}) == 1


def test_explaining_writes_nothing(blog: Project) -> None:
    before = blog.files()
    assert blog.run("explain").returncode == 0
    assert blog.files() == before


async def test_explained_statements_match_those_a_database_receives(project: Path, new_database: NewDatabase) -> None:
    done = Project(project).run("explain", "--format", "json", COLUMNS="80", **os.environ)
    explanation = {
        (model["attribute"], method["name"]): [statement["sql"] for statement in method["statements"]]
        for model in json.loads(done.stdout)["models"]
        for method in model["methods"]
    }
    sent: list[str] = []

    def note(statement: str, _arguments: Sequence[object]) -> None:
        sent.append(statement)

    async def recorded(call: Any) -> list[str]:
        sent.clear()
        await call
        return list(dict.fromkeys(sent))

    async with new_database() as url, Database(url) as db:
        (metadata,) = {model.metadata for model in db.models}
        async with db.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        guild = await db.guild.create(id=1, name="guild")
        user = await db.user.create(discord_id=1, guild_id=1, username="someone")
        assert user.id
        new_user = {"discord_id": 2, "guild_id": 1, "username": "else"}
        calls = {
            ("user", "create"): lambda: db.user.create(discord_id=3, guild_id=1, username="third"),
            ("user", "get_by_id"): lambda: db.user.get_by_id(1),
            ("user", "get_one_by_discord_id"): lambda: db.user.get_one_by_discord_id(1),
            ("user", "update_by_discord_id"): lambda: db.user.update_by_discord_id(1, username="new"),
            ("user", "delete_by_discord_id"): lambda: db.user.delete_by_discord_id(99),
            ("user", "get_or_create_by_discord_id"): lambda: db.user.get_or_create_by_discord_id(**new_user),
            ("user", "upsert_by_discord_id"): lambda: db.user.upsert_by_discord_id(**new_user),
            ("user", "create_or_update_by_discord_id"): lambda: db.user.create_or_update_by_discord_id(
                new_user, {"username": "new"}
            ),
            ("user", "find_by_guild_id"): lambda: db.user.find_by_guild_id(1),
            ("user", "load_guild"): lambda: db.user.load_guild([user]),
            ("user", "create_many"): lambda: db.user.create_many([{**new_user, "discord_id": 7}]),
            ("user", "update_many"): lambda: db.user.update_many([(1, {"username": "other"})]),
            ("user", "delete_many"): lambda: db.user.delete_many([77]),
            ("user", "paginate"): lambda: db.user.paginate(),
            ("user", "exists"): lambda: db.user.exists(),
            ("user", "find_all"): lambda: db.user.find_all(),
            ("user", "count"): lambda: db.user.count(),
            ("snippet", "delete_where"): lambda: db.snippet.delete_where(all_rows=True),
            ("guild", "load_users"): lambda: db.guild.load_users([guild]),
            ("reminder", "find_pending_by_expires_at"): lambda: db.reminder.find_pending_by_expires_at(user.created_at),
            ("reminder", "get_pending_by_user_id_and_key"): lambda: db.reminder.get_pending_by_user_id_and_key(1, "x"),
            ("guild_config", "get_by_guild_id"): lambda: db.guild_config.get_by_guild_id(1),
            ("afk", "get_by_guild_id_and_member_id"): lambda: db.afk.get_by_guild_id_and_member_id(1, 2),
        }
        with db.watched(note):
            recordings = {name: await recorded(call()) for name, call in calls.items()}
    assert recordings == {name: explanation[name] for name in calls}
