"""Starts the commands of the tests as forks of processes that have imported their libraries already.

Starting ``ctrlgen`` takes 0.7 seconds, most of which is the import of SQLModel, and the tests start it nearly a
thousand times. ``tests/conftest.py`` therefore sets two environment variables for all processes that the tests start:
``PYTHONPATH``, so that every Python imports ``startup/sitecustomize.py`` first, and ``CTRLGEN_FORK_SERVERS``. If a
process is about to run one of the :data:`PROGRAMS`, ``sitecustomize`` asks the server of that program for a fork with
the same arguments, environment, folder and streams, waits for it, and ends as it ended. The command itself is not
changed, and it starts its own child process as always.

Forks do not test how a process starts and is interrupted, and have the umask, limits, priority and process group of
the server. Tests of these use the fixture ``real_processes``. Every process is real that has another interpreter, other
variables for Python, such as ``PYTHONHASHSEED``, or a working directory with a module that has the name of one that the
server has imported. With ``FORK_SERVERS=off`` all processes of all tests are real.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent
VARIABLE = "CTRLGEN_FORK_SERVERS"
"""The environment variable with the folder of the servers' sockets."""

_COMMAND = ("ctrlgen.cli", "ctrlgen.pipeline", "ctrlgen.write", "ctrlgen.record", "ctrlgen.report")
PROGRAMS = {
    "ctrlgen": (*_COMMAND, "ctrlgen.format", "ctrlgen.render", "ctrlgen.stubs"),
    "ctrlgen explain": (*_COMMAND, "ctrlgen.explain.explain_command", "ctrlgen.explain.as_text"),
    "ctrlgen lint": (*_COMMAND, "ctrlgen.lint.lint_command"),
    "ctrlgen.child": ("ctrlgen.inspect", "ctrlgen.load"),
    "ctrlgen.drift.drift_process": ("ctrlgen.drift.drift_findings",),
}
"""The programs, and the modules that their servers import: only those that each run of the program imports itself."""


@contextmanager
def fork_servers(programs: Mapping[str, Sequence[str]] = PROGRAMS) -> Generator[dict[str, str]]:
    """Run a server for each program, and return the environment variables for the processes that may use them."""
    # Not in TMPDIR: the path of a socket must be shorter than 104 characters.
    folder = tempfile.mkdtemp(prefix="forks-", dir="/tmp")  # which the last server removes
    with ExitStack() as servers:
        path = os.pathsep.join(filter(None, [str(FOLDER / "startup"), os.environ.get("PYTHONPATH")]))
        variables = {"PYTHONPATH": path, VARIABLE: folder}
        for program, modules in programs.items():
            command = [sys.executable, FOLDER / "server.py", Path(folder) / program, *modules]
            server = subprocess.Popen(
                command, env=os.environ | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            servers.enter_context(server)  # closes its input, at which it ends
            assert server.stdout
            assert server.stdout.readline() == b"ready\n"
        yield variables
