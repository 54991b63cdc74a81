"""A run can be interrupted at any time: it prints one line, and leaves all files or none written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import wait_for

from .conftest import SHOP, Run

pytestmark = pytest.mark.usefixtures("real_processes")

FIRST_LINE = """
import os, sys
from ctrlgen.__main__ import main
sys.argv[0] = "ctrlgen"
sys.addaudithook(lambda event, about: event == "import" and about[0] == "ctrlgen.interruption" and os.write(1, b"."))
main()
"""
"""The command as its script starts it. ctrlgen has no control before that."""

STOPPED = """
import pathlib, sys, time
replace, replaced = pathlib.Path.replace, []

def replace_slowly(self, target):
    replaced.append(target)
    if len(replaced) == 4:
        pathlib.Path("writing").touch()
        time.sleep({seconds})
    return replace(self, target)

pathlib.Path.replace = replace_slowly
sys.argv = ["ctrlgen", "generate", "--no-cache", "-q"]
from ctrlgen.__main__ import main
main()
"""
"""The command, slowed down in the middle of writing the package."""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for the temporary files of a test's runs."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def children(pid: int) -> list[int]:
    """Return the running child processes of a process."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in tasks.read_text().split()] if tasks.exists() else []


def is_running(pid: int) -> bool:
    """Return whether a process is running; a zombie is not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def left_behind(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if re.search(r"staged|\.json\.\d", file.name)]


@pytest.mark.parametrize("milliseconds", [0, 5, 15, 30, 60, 120, 250, 500, 800])
@pytest.mark.parametrize("end", [os.kill, os.killpg], ids=["alone", "with its children"])
def test_interrupted_run_prints_one_line(
    shop: Path, temporary: Path, tool: tuple[str, ...], milliseconds: int, end: Callable[[int, int], None]
) -> None:
    """The signal is sent as by `kill -INT`, and as by Ctrl-C in a terminal, which also reaches the children."""
    with subprocess.Popen(
        [tool[0], "-c", FIRST_LINE, "generate"],
        cwd=shop,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.read(1) == b"."
        time.sleep(milliseconds / 1000)
        started = children(process.pid)
        end(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    if milliseconds < 250 or process.returncode:  # the most that a slow machine has left by then
        assert (process.returncode, stderr) == (130, b"error: interrupted\n")
    wait_for(lambda: not any(map(is_running, started)))
    assert list(temporary.iterdir()) == []
    assert left_behind(shop) == []


def test_interruption_waits_until_everything_is_written(
    shop: Path, temporary: Path, tool: tuple[str, ...], run: Run
) -> None:
    with subprocess.Popen([tool[0], "-c", STOPPED.format(seconds=1)], cwd=shop, stderr=subprocess.PIPE) as process:
        wait_for((shop / "writing").exists)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (130, b"error: interrupted\n")
    assert left_behind(shop) == list(temporary.iterdir()) == []
    run(*tool, "check", cwd=shop)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_also_clean_up(shop: Path, temporary: Path, tool: tuple[str, ...], number: int) -> None:
    (shop / "shop.py").write_text("import pathlib, time\npathlib.Path('loading').touch()\ntime.sleep(600)\n")
    with subprocess.Popen([*tool, "generate"], cwd=shop) as process:
        wait_for((shop / "loading").exists)
        started = children(process.pid)
        process.send_signal(number)
        assert process.wait(20) == -number
    assert started
    wait_for(lambda: not any(map(is_running, started)))
    assert list(temporary.iterdir()) == []


def test_next_run_repairs_a_run_killed_while_writing(
    shop: Path, temporary: Path, tool: tuple[str, ...], run: Run
) -> None:
    with subprocess.Popen([tool[0], "-c", STOPPED.format(seconds=600)], cwd=shop) as process:
        wait_for((shop / "writing").exists)
        process.kill()
    assert left_behind(shop), "temporary files that were not moved to their targets"
    assert run(*tool, "check", cwd=shop, code=1).stderr
    run(*tool, "generate", cwd=shop)
    assert left_behind(shop) == []
    run(*tool, "check", cwd=shop)


def test_next_run_deletes_temporary_files_of_a_killed_run(
    shop: Path, temporary: Path, tool: tuple[str, ...], run: Run
) -> None:
    (shop / "shop.py").write_text("import pathlib, time\npathlib.Path('loading').touch()\ntime.sleep(600)\n")
    with subprocess.Popen([*tool, "generate"], cwd=shop) as process:
        wait_for((shop / "loading").exists)
        started = children(process.pid)
        process.kill()
    for pid in started:
        os.kill(pid, signal.SIGKILL)
    assert list(temporary.iterdir())
    (shop / "shop.py").write_text(SHOP)
    time.sleep(1)  # until this age, the process that created the folder may not have locked it yet
    run(*tool, "generate", cwd=shop)
    assert list(temporary.iterdir()) == []


def test_concurrent_run_waits_and_says_so(shop: Path, tool: tuple[str, ...], run: Run) -> None:
    with subprocess.Popen([tool[0], "-c", STOPPED.format(seconds=2)], cwd=shop) as process:
        wait_for((shop / "writing").exists)
        done = run(*tool, "check", cwd=shop)
        assert process.wait(20) == 0
    assert done.stderr == "waiting for another run of ctrlgen in this project\n"
    assert done.stdout.endswith("files are up to date\n")


def test_runs_that_write_nothing_do_not_wait_for_each_other(shop: Path, tool: tuple[str, ...], run: Run) -> None:
    run(*tool, "generate", "-q", cwd=shop)
    with subprocess.Popen([*tool, "check", "--no-cache"], cwd=shop, stdout=subprocess.DEVNULL):
        assert run(*tool, "check", "--no-cache", cwd=shop).stderr == ""


def test_many_concurrent_runs_agree(shop: Path, tool: tuple[str, ...], run: Run) -> None:
    started = [subprocess.Popen([*tool, "generate", "-q"], cwd=shop, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
    assert run(*tool, "check", cwd=shop).stdout == run(*tool, "check", "--no-cache", cwd=shop).stdout
    assert left_behind(shop) == []


def test_test_file_edited_during_a_run_is_not_overwritten(shop: Path, tool: tuple[str, ...], run: Run) -> None:
    run(*tool, "generate", "-q", "--tests", "tests/db", cwd=shop)
    file = shop / "tests/db/test_order_controller.py"
    edited = f"{file.read_text()}\n\n# a thought\n"
    models = SHOP.replace("total: int", "code: str = Field(index=True)\n    total: int")
    (shop / "shop.py").write_text(f"{models}\n\nimport time, pathlib\npathlib.Path('loading').touch()\n")
    slow = STOPPED.replace("pathlib.Path.replace = replace_slowly", "")
    slow = slow.replace('"--no-cache", "-q"', '"--tests", "tests/db"').replace(
        "from ctrlgen.__main__",
        "from ctrlgen import write\napply = write._stage\n"
        f"def stage(*a):\n    pathlib.Path({str(file)!r}).write_text({edited!r})\n    apply(*a)\n"
        "write._stage = stage\nfrom ctrlgen.__main__",
    )
    done = run(tool[0], "-c", slow, cwd=shop, code=2)
    assert "test_order_controller.py` was changed while ctrlgen was running; nothing was written" in done.stderr
    assert file.read_text() == edited
