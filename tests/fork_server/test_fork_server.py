"""Forks behave like the processes that they replace, and nothing of them is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import wait_for

from . import VARIABLE, fork_servers

PROBE = """
import json, os, sys

if __name__ == "__main__":
    code = sys.argv[1:]
    print(json.dumps([os.getppid(), "wave" in sys.modules, sys.argv, os.getcwd(), os.environ.get("NAME")]), flush=True)
    exec("".join(code))
"""

SLEEP = "open('pid', 'w').write(str(os.getpid())); import time; time.sleep(600)"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    with fork_servers({"probe": ["wave"]}) as variables:
        yield variables


@pytest.fixture
def run(variables: Mapping[str, str], tmp_path: Path) -> Run:
    (tmp_path / "probe.py").write_text(PROBE)

    def run(code: str = "", text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return run_probe(tmp_path, {**variables, **environment}, code, text)

    return run


def is_fork(done: subprocess.CompletedProcess[str]) -> bool:
    return "true" in done.stdout


def test_fork_has_the_arguments_folder_and_environment_of_its_process(run: Run, tmp_path: Path) -> None:
    done = run("x = 1", NAME="hero" * 30_000)
    assert is_fork(done)
    assert f'["{tmp_path}/probe.py", "x = 1"], "{tmp_path}", "{"hero" * 30_000}"]' in done.stdout


def test_fork_has_the_streams_of_its_process(run: Run) -> None:
    done = run(
        "print(sys.stdin.read().upper(), flush=True); print('wrong', file=sys.stderr); os.write(1, b'written')", "read"
    )
    assert is_fork(done)
    assert (done.stdout.splitlines()[1:], done.stderr) == (["READ", "written"], "wrong\n")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('no')", 1),
        ("1 / 0", 1),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM),
    ],
)
def test_process_ends_as_its_fork(run: Run, code: str, status: int) -> None:
    done = run(code)
    assert is_fork(done)
    assert done.returncode == status, done.stderr


def test_functions_for_the_exit_of_a_fork_run(run: Run) -> None:
    assert "goodbye" in run("import atexit; atexit.register(print, 'goodbye')").stdout


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "PYTHONPATH", "PYTHONUTF8", "LC_ALL", "TZ"])
def test_process_with_another_setting_of_the_interpreter_is_real(run: Run, name: str) -> None:
    done = run(**{name: "0" if name == "PYTHONHASHSEED" else "1" if name == "PYTHONUTF8" else "C"})
    assert done.returncode == 0
    assert not is_fork(done)


def test_process_beside_a_module_that_the_server_has_imported_is_real(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wave.py").touch()
    assert not is_fork(run())
    (tmp_path / "wave.py").unlink()
    assert is_fork(run())


def test_process_of_another_program_is_real(variables: Mapping[str, str]) -> None:
    command = [sys.executable, "-c", "import sys; print('wave' in sys.modules)"]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_fork_ends_with_its_process(variables: Mapping[str, str], run: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "probe", SLEEP]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ | variables) as process:
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
        process.kill()
    wait_for(lambda: not is_alive((tmp_path / "pid").read_text()))
    assert is_fork(run()), "the server goes on"


def test_forks_end_with_their_server(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(PROBE)
    with fork_servers({"probe": []}) as variables:
        process = subprocess.Popen(
            [sys.executable, "-m", "probe", SLEEP],
            cwd=tmp_path,
            env=os.environ | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    assert process.wait(30) == 255
    wait_for(lambda: not is_alive((tmp_path / "pid").read_text()))
    assert not Path(variables[VARIABLE]).exists()


def test_process_whose_server_ends_fails_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(PROBE)
    with fork_servers({"probe": []}) as variables:
        done = run_probe(tmp_path, variables, "os.kill(os.getppid(), 9)")
        assert done.returncode == 255
        assert done.stderr == f"{variables[VARIABLE]}/probe: the fork server has ended\n"
        assert run_probe(tmp_path, variables, "").returncode == 255, "nor does the next one start silently"
    shutil.rmtree(variables[VARIABLE])


def test_servers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = (
        "import os\nfrom tests.fork_server import fork_servers\n"
        "with fork_servers({'probe': []}):\n    os.system(f'pgrep -P {os.getpid()}'); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    server = next(pid for pid in done.stdout.split() if pid)
    wait_for(lambda: not is_alive(server))


def run_probe(
    folder: Path, variables: Mapping[str, str], code: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "probe", code],
        cwd=folder,
        env=os.environ | variables,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True
