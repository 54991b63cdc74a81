"""The command ``ctrlgen lint``: paths, exit codes, formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctrlgen.write import HEADER

from ..cli.conftest import MODELS, SETTINGS, Project
from .conftest import BOT


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without models: one file with two findings, and a clean one."""
    project = Project(tmp_path)
    project.write("app/bot.py", BOT)
    project.write("app/clean.py", "x = 1\n")
    return project


def test_findings_are_printed_with_their_location_and_replacement(project: Project) -> None:
    done = project.run("lint", "app")
    assert done.returncode == 1
    assert done.stdout == (
        "app/bot.py:5:18: CGL203 `find_all()` reads all rows of the table into memory, however many there are\n"
        "    instead: `db.user.find_all().page(size=50)`, `db.user.find_all().limit(100)`, or "
        "`async for row in db.user.find_all()`\n"
        "app/bot.py:5:38: CGL602 `datetime.utcnow` returns a naive datetime, which is interpreted as local time\n"
        "    instead: datetime.now(UTC)\n"
    )
    assert done.stderr == "2 files checked, 2 findings in 1 file, 1 can be fixed with --fix\n"


def test_clean_code_exits_with_zero(project: Project) -> None:
    done = project.run("lint", "app/clean.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "1 file checked, no findings\n")
    assert project.run("lint", "-q", "app/clean.py").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["--select", "CGL2"], ["CGL203"]),
        (["--select", "CGL203,CGL602"], ["CGL203", "CGL602"]),
        (["--ignore", "CGL2"], ["CGL602"]),
        (["--select", "CGL", "--ignore", "CGL203", "--ignore", "CGL602"], []),
    ],
)
def test_codes_are_selected_by_prefix(arguments: list[str], codes: list[str], project: Project) -> None:
    done = project.run("lint", "app", "--format", "json", *arguments)
    assert [it["code"] for it in json.loads(done.stdout)] == codes
    assert done.returncode == (1 if codes else 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "error CGE003: `nowhere` does not exist"),
        (["app", "--select", "CGL9"], "error CGE107: `--select CGL9`: no rule has that code"),
        (["app", "--format", "xml"], "error CGE002: `--format xml`: no such format"),
        ([], "error CGE001: missing argument"),
    ],
)
def test_usage_error_exits_with_two(arguments: list[str], message: str, project: Project) -> None:
    assert message in project.fails("lint", *arguments)


def test_fix_applies_safe_fixes_and_reports_the_rest(project: Project) -> None:
    done = project.run("lint", "app", "--fix")
    assert done.returncode == 1
    assert done.stderr == "2 files checked, 1 fixed, 1 finding in 1 file\n"
    fixed = (project.root / "app/bot.py").read_text()
    assert fixed == BOT.replace("import datetime", "import UTC, datetime").replace(
        "datetime.utcnow()", "datetime.now(UTC)"
    )
    assert project.run("lint", "app", "--fix").stderr == "2 files checked, 0 fixed, 1 finding in 1 file\n"


@pytest.mark.parametrize(
    ("condition", "fixed"),
    [
        ("User.a == 1 and not User.b", 2),
        ("not (User.a == 1 and User.b == None)", 3),
        ("User.a is None and not User.b and (User.c in x or User.d)", 5),
        ("User.a == None, User.b in x", 2),
    ],
)
def test_announced_fixes_are_those_that_are_made(condition: str, fixed: int, project: Project) -> None:
    head = "from sqlmodel import select\nfrom models import User\n"
    project.write("app/bot.py", f"{head}query = select(User).where({condition})\n")
    arguments = ("lint", "app", "--ignore", "CGL2")
    assert project.run(*arguments).stderr.endswith(f", {fixed} can be fixed with --fix\n")
    assert project.run(*arguments, "--fix").stderr == f"2 files checked, {fixed} fixed, no findings\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"def f(:\n    pass\n", "1:7"),
        (b"x = 1\nif x\n    y = 2\n", "2:5"),
        (b"x = '\xff'\n", "1:1"),
        (b"# coding: nonsense\nx = 1\n", "1:1"),
        (b"x = 1\0\n", "1:6"),
        (b"select(" * 4000, "1:1"),
    ],
)
def test_file_that_cannot_be_read_is_a_finding(text: bytes, place: str, project: Project) -> None:
    (project.root / "app/broken.py").write_bytes(text)
    done = project.run("lint", "app/broken.py", "--select", "CGL602")
    assert done.returncode == 1
    assert done.stdout.startswith("app/broken.py:")
    assert "CGL001 this file was not checked: " in done.stdout
    assert "Traceback" not in done.stderr


def test_annotations_for_github(project: Project) -> None:
    lines = project.run("lint", "app", "--format", "github").stdout.splitlines()
    assert lines[1] == (
        "::error file=app/bot.py,line=5,col=38,endLine=5,title=ctrlgen CGL602::`datetime.utcnow` returns a naive "
        "datetime, which is interpreted as local time. Instead: datetime.now(UTC)"
    )


def test_json_has_everything_a_tool_needs(project: Project) -> None:
    finding = json.loads(project.run("lint", "app", "--format", "json").stdout)[1]
    assert finding == {
        "path": "app/bot.py",
        "line": 5,
        "column": 38,
        "end_line": 5,
        "end_column": 55,
        "level": "error",
        "code": "CGL602",
        "docs": "https://github.com/ctrlgen/ctrlgen/blob/main/docs/lint.md#cgl602",
        "message": "`datetime.utcnow` returns a naive datetime, which is interpreted as local time",
        "replacement": "datetime.now(UTC)",
        "fixable": True,
    }
    assert project.run("lint", "app/clean.py", "--format", "json").stdout == "[]\n"


def test_sarif_log_refers_to_the_rules(project: Project) -> None:
    log = json.loads(project.run("lint", "app", "--format", "sarif").stdout)
    (run,) = log["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert log["version"] == "2.1.0"
    assert [result["ruleId"] for result in run["results"]] == ["CGL203", "CGL602"]
    assert {result["ruleId"] for result in run["results"]} <= rules
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 5, "startColumn": 18, "endLine": 5, "endColumn": 36}


def test_emitted_files_environments_and_templates_are_left_out(project: Project) -> None:
    for path in (".venv/x.py", "env/x.py", "app/{{name}}/x.py", "app/__pycache__/x.py", "own/lib/x.py"):
        project.write(path, BOT)
    project.write("own/pyvenv.cfg", "")
    project.write("app/db/user.py", f"{HEADER}\n{BOT}")
    assert project.run("lint", ".", "-q").stdout.count("CGL203") == 1


def test_many_files_are_checked_by_several_processes_in_order(project: Project) -> None:
    for number in range(60):
        project.write(f"app/many/m{number:02}.py", BOT)
    lines = project.run("lint", "app/many", "--select", "CGL602").stdout.splitlines()[::2]
    assert [line.partition(":")[0] for line in lines] == [f"app/many/m{number:02}.py" for number in range(60)]


def test_models_of_the_project_determine_the_replaced_queries(project: Project) -> None:
    project.write("pyproject.toml", SETTINGS)
    project.write("app/__init__.py", "")
    project.write("app/models.py", MODELS)
    query = (
        "from app.models import Hero\n\n\nasync def f(session: AsyncSession):\n    return await session.get(Hero, 1)\n"
    )
    project.write("app/queries.py", query)
    done = project.run("lint", "app/queries.py")
    assert "app/queries.py:5:18: CGL103 this query is equivalent to `db.hero.get_by_id`" in done.stdout
    assert "instead: await db.hero.get_by_id(1)\n" in done.stdout


def test_models_that_cannot_be_loaded_do_not_stop_the_rest(project: Project) -> None:
    project.write("pyproject.toml", SETTINGS)
    project.write("app/models.py", "import nonexistent\n")
    project.write("app/bot.py", BOT + "\n\nasync def g(session: AsyncSession):\n    await session.get(Hero, 1)\n")
    done = project.run("lint", "app/bot.py")
    assert done.returncode == 1
    assert "warning: the models cannot be loaded, so CGL103 is not checked: " in done.stderr
    assert "CGL203" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        f"x = {'1 + ' * 3000}1\n",
        f"x = a{'.b()' * 300}\n",
        f"x = {'a and ' * 5000}a\n",
        "if a:\n    pass\n" + "elif a:\n    pass\n" * 500,
        f"x = [{'1,' * 5000}]\n",
        'x = "(((((((((("\n' * 30,
    ],
    ids=["sum", "chain", "and", "elif", "list", "brackets in strings"],
)
def test_long_chains_are_checked_like_anything_else(text: str, project: Project) -> None:
    project.write("app/long.py", f"import datetime\n{text}y = datetime.datetime.utcnow()\n")
    done = project.run("lint", "app/long.py")
    assert "CGL602" in done.stdout, done.stdout + done.stderr[:500]
