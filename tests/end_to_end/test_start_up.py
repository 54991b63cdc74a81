"""A run without changes takes little more time than importing the models."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

pytestmark = pytest.mark.usefixtures("real_processes")

SLOW = {"libcst", "rich", "sqlglot", "pygments", "ctrlgen.lint", "sqlmodel", "sqlalchemy"}
"""Libraries that are slow to import, and that the command's own process does not need here."""


def imported(report: str) -> set[str]:
    """Return the modules that a report of `-X importtime` lists."""
    return set(re.findall(r"^import time: .*\| +([\w.]+)$", report, re.MULTILINE))


@pytest.mark.parametrize("command", ["generate", "check", "diff"])
def test_run_without_changes_imports_nothing_slow(shop: Path, run: Run, tool: tuple[str, ...], command: str) -> None:
    run(*tool, "generate", "-q", "--tests", "tests/db", cwd=shop)
    python, *rest = tool
    done = run(python, "-X", "importtime", *rest, command, "--tests", "tests/db", cwd=shop)
    assert "ctrlgen.stubs.merge_tests" in imported(done.stderr)
    assert imported(done.stderr) & SLOW == set()


def test_explain_leaves_the_import_of_sqlalchemy_to_the_child_process(
    shop: Path, run: Run, tool: tuple[str, ...]
) -> None:
    python, *rest = tool
    done = run(python, "-X", "importtime", *rest, "explain", cwd=shop)
    assert "ctrlgen.explain.as_text" in imported(done.stderr)
    assert imported(done.stderr) & {"libcst", "rich", "sqlmodel", "sqlalchemy"} == set()


@pytest.mark.parametrize(
    "command",
    [["generate"], ["check"], ["check", "-q"], ["diff", "-v"], ["check", "--format=json"], ["check", "--project", "."]],
)
def test_recorded_run_imports_almost_nothing(shop: Path, run: Run, tool: tuple[str, ...], command: list[str]) -> None:
    run(*tool, "generate", "-q", cwd=shop)
    run(*tool, "check", cwd=shop)
    python, *rest = tool
    modules = imported(run(python, "-X", "importtime", *rest, *command, cwd=shop).stderr)
    assert modules & (SLOW | {"pydantic", "jinja2", "tempfile", "ctrlgen.schema", "ctrlgen.plan"}) == set()
    assert "ctrlgen.child_start" not in modules, "a process was started to read the models"


def test_run_without_changes_does_not_start_ruff(shop: Path, run: Run, tool: tuple[str, ...]) -> None:
    run(*tool, "generate", "-q", "--tests", "tests/db", cwd=shop)
    hook = (
        "import json, sys\nsys.addaudithook(lambda e, a: e == 'subprocess.Popen' and print(json.dumps(list(a[1]))))\n"
    )
    code = f"{hook}sys.argv = ['ctrlgen', 'check', '--tests', 'tests/db']\nfrom ctrlgen.__main__ import main\nmain()"
    started = [json.loads(line) for line in run(sys.executable, "-c", code, cwd=shop).stdout.splitlines()[:-1]]
    assert [words[1:4] for words in started] == [["-P", "-m", "ctrlgen.child"]]


def test_process_that_loads_models_ends_with_ctrlgen(shop: Path, run: Run, tool: tuple[str, ...]) -> None:
    (shop / "shop.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    with subprocess.Popen([*tool, "generate"], cwd=shop, stderr=subprocess.DEVNULL) as process:
        while not (shop / "pid").exists() or not (shop / "pid").read_text():
            assert process.poll() is None
        process.send_signal(2)
        process.wait(20)
    with pytest.raises(ProcessLookupError):
        os.kill(int((shop / "pid").read_text()), 0)


@pytest.mark.parametrize("arguments", [["check", "--modles", "x"], ["check", "--project", "nowhere"], ["diff", "more"]])
def test_waiting_child_ends_after_a_mistake_in_the_arguments(
    shop: Path, tool: tuple[str, ...], arguments: list[str]
) -> None:
    code = "import sys\nfrom ctrlgen import child_start\nfrom ctrlgen.__main__ import main\n"
    code += f"sys.argv[1:] = {arguments}\nstart = child_start._start\nstarted = []\n"
    code += "child_start._start = lambda: (started.append(start()), started[-1])[1]\n"
    code += "try:\n    main()\nfinally:\n    print([process.returncode for process in started])\n"
    done = subprocess.run([tool[0], "-c", code], cwd=shop, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "[-9]\n")
    assert "Traceback" not in done.stderr


def test_waiting_child_ends_when_its_parent_is_gone(shop: Path, tool: tuple[str, ...]) -> None:
    done = subprocess.run([tool[0], "-P", "-m", "ctrlgen.child"], input=b"", cwd=shop, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
