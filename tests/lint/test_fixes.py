"""``--fix``: the changes that it makes, and the code that it does not change."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from ctrlgen.lint.runner import Checker, FileResult

HEAD = (
    "from datetime import datetime, timedelta\n\nfrom sqlmodel import and_, col, not_, or_, select\n\n"
    "from models import User\n\n"
)


def fix(file: Path, text: str, encoding: str = "utf-8") -> tuple[str, FileResult]:
    file.write_bytes(text.encode(encoding))
    result = Checker(fix=True).check_file(file, file.name)
    return file.read_bytes().decode(encoding), result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select(User).where(User.deleted_at == None)", "select(User).where(col(User.deleted_at).is_(None))"),
        ("select(User).where(not User.is_active)", "select(User).where(~col(User.is_active))"),
        (
            "select(User).where((not User.is_active) & (User.a == 1))",
            "select(User).where((~col(User.is_active)) & (User.a == 1))",
        ),
        ("select(User).where(not User.a == 1)", "select(User).where(not_(User.a == 1))"),
        ("select(User).where(User.id not in ids)", "select(User).where(col(User.id).not_in(ids))"),
        ("select(User).where(User.a == 1 and User.b > 2)", "select(User).where(and_(User.a == 1, User.b > 2))"),
        (
            "select(User).where(User.a is None and not User.b and (User.c in x or User.d))",
            "select(User).where(and_(col(User.a).is_(None), ~col(User.b), or_(col(User.c).in_(x), User.d)))",
        ),
        (
            "async def f(u):\n    if db.u.find_by_x(1):\n        return db.u.get_by_id(1).name",
            "async def f(u):\n    if await db.u.find_by_x(1).exists():\n        return (await db.u.get_by_id(1)).name",
        ),
        (
            "async def f(db):\n    user = db.u.get_by_id(1)\n    return user.name, db.u.find_by_x(1)[0]",
            "async def f(db):\n    user = await db.u.get_by_id(1)\n    return user.name, (await db.u.find_by_x(1))[0]",
        ),
    ],
)
def test_condition_or_await_is_fixed(before: str, after: str, tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 120\n")
    text, result = fix(tmp_path / "bot.py", f"{HEAD}{before}\n")
    assert text == f"{HEAD}{after}\n"
    assert result.diagnostics == ()
    assert result.fixed >= 1


def test_utcnow_is_fixed_with_its_import(tmp_path: Path) -> None:
    before = "a = datetime.utcnow()\nb = Field(default_factory=datetime.utcnow)\nc = [datetime.utcnow]\n"
    now = "datetime.now(UTC)"
    after = f"a = {now}\nb = Field(default_factory=lambda: {now})\nc = [(lambda: {now})]\n"
    text, result = fix(tmp_path / "bot.py", f"{HEAD}{before}")
    assert text == f"{HEAD}{after}".replace("import datetime, ", "import UTC, datetime, ")
    assert (result.fixed, result.diagnostics) == (3, ())


def test_existing_name_is_not_replaced_by_an_import(tmp_path: Path) -> None:
    before = f"{HEAD}UTC = 5\na = datetime.utcnow()\n"
    text, result = fix(tmp_path / "bot.py", before)
    assert text == before
    assert [item.code for item in result.diagnostics] == ["CGL602"]


def test_code_with_a_comment_inside_is_not_fixed(tmp_path: Path) -> None:
    before = f"{HEAD}select(User).where(\n    User.a == 1  # the first\n    and User.b == 2\n)\n"
    text, result = fix(tmp_path / "bot.py", before)
    assert text == before
    assert [item.code for item in result.diagnostics] == ["CGL302"]


def test_finding_without_a_fix_is_reported_and_left(tmp_path: Path) -> None:
    before = "async def f(db):\n    return await db.user.find_all()\n"
    text, result = fix(tmp_path / "bot.py", before)
    assert (text, result.fixed) == (before, 0)
    assert [item.code for item in result.diagnostics] == ["CGL203"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_line_endings_are_kept(encoding: str, end: str, tmp_path: Path) -> None:
    cookie = "# coding: latin-1\n" if encoding == "latin-1" else ""
    before = f"{cookie}{HEAD}name = 'größe'; select(User).where(User.größe == None)\n".replace("\n", end)
    text, result = fix(tmp_path / "bot.py", before, encoding)
    assert text == before.replace("User.größe == None", "col(User.größe).is_(None)")
    assert result.fixed == 1


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    file, link = tmp_path / "bot.py", tmp_path / "link.py"
    file.write_text("import datetime\nx = datetime.datetime.utcnow()\n")
    file.chmod(0o755)
    link.symlink_to(file)
    assert Checker(fix=True).check_file(link, "link.py").fixed == 1
    assert link.is_symlink()
    assert (file.stat().st_mode & 0o777, "datetime.UTC" in file.read_text()) == (0o755, True)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["bot.py", "link.py"]


def test_ignored_finding_is_not_fixed(tmp_path: Path) -> None:
    before = "import datetime\nx = datetime.datetime.utcnow()  # ctrlgen: ignore[CGL602]\n"
    text, result = fix(tmp_path / "bot.py", before)
    assert (text, result) == (before, FileResult())


CONDITION = "select(User).where(User.deleted_at == None)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from sqlmodel import Session, select\n", "from sqlmodel import Session, col, select\n"),
        ("from sqlmodel import Session\n", "from sqlmodel import Session, col\n"),
        ("from sqlmodel import (\n    Session,\n)\n", "from sqlmodel import (\n    Session, col,\n)\n"),
        ("from sqlmodel import select as col_\n", "from sqlmodel import col, select as col_\n"),
        (
            "import os\nfrom sqlalchemy import select\n",
            "import os\nfrom sqlalchemy import select\nfrom sqlmodel import col\n",
        ),
        ("from __future__ import annotations\n", "from __future__ import annotations\nfrom sqlmodel import col\n"),
        (
            "if TYPE_CHECKING:\n    from sqlmodel import Session\n",
            "if TYPE_CHECKING:\n    from sqlmodel import Session\nfrom sqlmodel import col\n",
        ),
    ],
)
def test_fix_imports_what_it_uses(before: str, after: str, tmp_path: Path) -> None:
    text, result = fix(tmp_path / "bot.py", f"{before}from models import User\n{CONDITION}{CONDITION}")
    fixed = "select(User).where(col(User.deleted_at).is_(None))\n"
    assert text == f"{after}from models import User\n{fixed}{fixed}"
    assert (result.fixed, result.diagnostics) == (2, ())


@pytest.mark.parametrize("binding", ["col = 5\n", "from mine import col\n", "for col in columns: pass\n"])
def test_condition_is_not_fixed_if_the_name_has_another_meaning(binding: str, tmp_path: Path) -> None:
    before = f"from models import User\n{binding}{CONDITION}"
    text, result = fix(tmp_path / "bot.py", before)
    assert text == before
    assert [it.code for it in result.diagnostics] == ["CGL305"]


def test_imported_function_of_sqlalchemy_is_used(tmp_path: Path) -> None:
    before = "from sqlalchemy import and_\nfrom models import User\nselect(User).where(User.a == 1 and User.b == 2)\n"
    text, _ = fix(tmp_path / "bot.py", before)
    assert text == before.replace("User.a == 1 and User.b == 2", "and_(User.a == 1, User.b == 2)")


LONG = """from sqlmodel import select

from models import User

query = select(User).where(User.is_active == True, User.deleted_at == None)
"""
WRAPPED = """from sqlmodel import col, select

from models import User

query = select(User).where(
    User.is_active == True, col(User.deleted_at).is_(None)
)
"""


def test_fixed_file_stays_formatted(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 77\n")
    text, result = fix(tmp_path / "bot.py", LONG)
    assert (text, result) == (WRAPPED, FileResult(fixed=1))


@pytest.mark.parametrize(
    ("settings", "before"),
    [
        ("line-length = 77\n", LONG.replace("User.is_active == True", "User.is_active  == True")),
        ("line-length = 77\n", LONG.replace("select\n\nfrom", "select\nfrom").replace("query", "\n\n\nquery")),
        ("line-length = nonsense\n", LONG),
        ('line-length = 77\nforce-exclude = true\nexclude = ["bot.py"]\n', LONG),
    ],
    ids=["spaces", "blank lines", "invalid settings", "excluded"],
)
def test_file_that_ruff_does_not_format_keeps_its_layout(settings: str, before: str, tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text(settings)
    text, _ = fix(tmp_path / "bot.py", before)
    fixed = before.replace("User.deleted_at == None", "col(User.deleted_at).is_(None)")
    assert text == fixed.replace("import select", "import col, select")


def test_remaining_findings_are_located_in_the_formatted_file(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 77\n")
    _, result = fix(tmp_path / "bot.py", f"{LONG}\n\nasync def users(db):\n    return await db.user.find_all()\n")
    assert [(item.code, item.line) for item in result.diagnostics] == [("CGL203", 11)]


TYPED = '''"""Queries."""

from datetime import datetime

from sqlmodel import Field, SQLModel, select


class Hero(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True)
    name: str
    points: int
    is_active: bool
    deleted_at: datetime | None = None


QUERIES = [
    select(Hero).where(Hero.deleted_at is None),
    select(Hero).where(Hero.deleted_at == None),
    select(Hero).where(Hero.deleted_at != None),
    select(Hero).where(not Hero.is_active),
    select(Hero).where(not Hero.points == 1),
    select(Hero).where(not (Hero.points == 1 and Hero.is_active)),
    select(Hero).where(Hero.id in [1, 2]),
    select(Hero).where(Hero.points > 5 or not Hero.is_active),
    select(Hero).where(Hero.points > 5 and Hero.deleted_at is None and Hero.id not in {3}),
]
for query in QUERIES:
    print(" ".join(str(query).partition("WHERE")[2].split()))
'''


def test_fixed_conditions_type_check_and_have_the_intended_meaning(tmp_path: Path) -> None:
    file = tmp_path / "queries.py"
    _, result = fix(file, TYPED)
    assert result.diagnostics == ()
    run = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run([sys.executable, file]).stdout.splitlines() == [
        "hero.deleted_at IS NULL",
        "hero.deleted_at IS NULL",
        "hero.deleted_at IS NOT NULL",
        "NOT hero.is_active",
        "hero.points != :points_1",
        "NOT (hero.points = :points_1 AND hero.is_active)",
        "hero.id IN (__[POSTCOMPILE_id_1])",
        "hero.points > :points_1 OR NOT hero.is_active",
        "hero.points > :points_1 AND hero.deleted_at IS NULL AND (hero.id NOT IN (__[POSTCOMPILE_id_1]))",
    ]
    (tmp_path / "pyproject.toml").write_text('[tool.basedpyright]\ntypeCheckingMode = "strict"\n')
    for checker in (["mypy", "--strict"], ["basedpyright", "--pythonpath", sys.executable]):
        done = run([sys.executable, "-m", *checker, file.name])
        assert done.returncode == 0, done.stdout
