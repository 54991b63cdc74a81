"""``ctrlgen check`` describes the effects of a change on callers, before the diff."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ctrlgen.staleness import meaning_of
from ctrlgen.write import Change

from .conftest import MODELS, Project


def printed(app: Project, models: str) -> dict[str, list[str]]:
    """Return the description of a change of the models for `Hero`."""
    app.write("app/models.py", models)
    problems = json.loads(app.run("check", "--format", "json").stdout)
    (hero,) = (problem for problem in problems if problem.get("file") == "app/db/hero.py")
    assert (hero["path"], hero["code"], hero["subject"]) == ("app/models.py", "CG601", "Hero")
    return hero["changes"]


def test_replacing_a_key_by_an_index_removes_and_adds_methods(app: Project) -> None:
    changes = printed(app, MODELS.replace("unique=True", "index=True"))
    assert "get_by_name" in changes["removed_methods"]
    assert changes["added_methods"] == ["find_by_name"]


def test_new_field_without_a_default_is_required(app: Project) -> None:
    assert printed(app, f"{MODELS}    power: int\n") == {"added_fields": ["power"], "newly_required_fields": ["power"]}


def test_new_field_with_a_default_is_not_required(app: Project) -> None:
    assert printed(app, f"{MODELS}    power: int = 0\n") == {"added_fields": ["power"]}


def test_default_makes_a_field_no_longer_required(app: Project) -> None:
    changes = printed(app, MODELS.replace("Field(unique=True)", 'Field("x", unique=True)'))
    assert changes["fields_no_longer_required"] == ["name"]
    assert "upsert_by_name" in changes["removed_methods"]


def test_changed_type_is_shown_before_and_after(app: Project) -> None:
    changes = printed(app, MODELS.replace("name: str", "name: int"))
    assert changes["changed_types"] == ["name (str → int)"]
    assert "get_by_name" in changes["methods_with_a_changed_signature"]


def test_index_of_another_name_backs_the_same_methods(app: Project) -> None:
    table = '    __table_args__ = (UniqueConstraint("name", name="uq_brave"),)\n'
    models = MODELS.replace("Field(unique=True)", "Field()").replace('brave."""\n', f'brave."""\n\n{table}')
    changes = printed(app, models.replace("from sqlmodel", "from sqlalchemy import UniqueConstraint\nfrom sqlmodel"))
    assert list(changes) == ["methods_with_a_changed_index_or_docstring"]


def test_changed_predicate_changes_the_behavior_of_methods(app: Project) -> None:
    def partial(predicate: str) -> str:
        index = f'Index("ix_hero_known", "power", postgresql_where=text("{predicate}"))'
        models = MODELS.replace('brave."""\n', f'brave."""\n\n    __table_args__ = ({index},)\n')
        return f"{models}    power: int = 0\n".replace(
            "from sqlmodel", "from sqlalchemy import Index, text\nfrom sqlmodel"
        )

    app.write("app/models.py", partial("power > 1"))
    assert app.run("generate").returncode == 0
    assert printed(app, partial("power > 2")) == {"methods_with_a_changed_index_or_docstring": ["find_known_by_power"]}


def test_added_and_removed_controllers_are_one_line_each(app: Project) -> None:
    app.write("app/models.py", MODELS.replace("Hero", "Villain"))
    lines = app.run("check").stderr.splitlines()
    assert lines[:4] == [
        "Hero (app/db/hero.py)",
        "  controller removed",
        "Villain (app/db/villain.py)",
        "  new controller with 19 methods",
    ]


def test_change_invisible_to_callers_is_described_as_such() -> None:
    before = b"class HeroController(BaseController[Hero, L]):\n    x = 1\n"
    change = Change(Path("hero.py"), before, before.replace(b"1", b"2"))
    assert meaning_of(change).text == "is stale: no change is visible to callers"


def test_edited_file_that_does_not_parse_is_described_as_such() -> None:
    change = Change(Path("hero.py"), b"class (:\n", b"x = 1\n")
    assert meaning_of(change).text == "is stale: the file on disk is not valid Python, so it was edited"


def test_diff_alone_goes_to_standard_output(app: Project) -> None:
    before = app.files()
    app.write("app/models.py", f"{MODELS}    power: int\n")
    patch = app.run("check").stdout
    done = subprocess.run(["git", "apply", "-"], cwd=app.root, input=patch, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert app.files()["app/db/hero.py"] != before["app/db/hero.py"]
    assert app.run("check").returncode == 0


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_diff_is_coloured_on_request(environment: dict[str, str], coloured: bool, app: Project) -> None:
    app.write("app/models.py", f"{MODELS}    power: int\n")
    diff = app.run("check", **environment).stdout
    assert ("\x1b[32m+    power: int\x1b[0m\n" in diff) is coloured
    assert ("\x1b[" in diff) is coloured


def test_sarif_lists_the_rules_with_their_pages(app: Project) -> None:
    app.write("app/models.py", f"{MODELS}    power: int\n")
    (run,) = json.loads(app.run("check", "--format", "sarif").stdout)["runs"]
    rules = {rule["id"]: rule["helpUri"] for rule in run["tool"]["driver"]["rules"]}
    assert rules["CG601"].endswith("/docs/messages.md#cg601")
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("CG601", "error")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 6}


def test_nothing_to_report_is_an_empty_report(app: Project) -> None:
    for command in ("check", "generate"):
        done = app.run(command, "--format", "json")
        assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
