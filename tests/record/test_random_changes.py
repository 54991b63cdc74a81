"""A run gives the same output with and without its record, after any change to the project's files.

``RECORD_EXAMPLES`` is the number of sequences of changes that are tried, by default a few.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .conftest import FILES, Workspace

EXAMPLES = int(os.environ.get("RECORD_EXAMPLES", "6"))
OF_PROJECT = sorted(FILES)
EMITTED = ["app/db/hero.py", "app/db/__init__.py", "app/db/runtime/keyset.py", "tests/db/test_town_controller.py"]
ABSENT = [
    "app/extra.txt",
    "app/sets/one.txt",
    "app/indexed.py",
    "app/models/other.py",
    "tests/db/test_x.py",
    "ruff.toml",
]

# The possible changes of a file. All except the first two keep its size, its content, or its time.
changes = st.one_of(
    st.tuples(st.just("delete"), st.sampled_from([*OF_PROJECT[1:], *EMITTED, *ABSENT])),
    st.tuples(st.just("append"), st.sampled_from([*OF_PROJECT, *EMITTED, *ABSENT])),
    st.tuples(st.just("flip"), st.sampled_from([*OF_PROJECT, *EMITTED])),
    st.tuples(st.just("touch"), st.sampled_from([*OF_PROJECT, *EMITTED])),
    st.tuples(st.just("restore"), st.sampled_from([*OF_PROJECT, *EMITTED])),
    st.tuples(st.just("environment"), st.sampled_from(["TABLE_OF_HEROES", "NOBODY_READS_THIS"])),
    st.tuples(st.just("run"), st.sampled_from(["generate", "check", "diff"])),
)


def test_record_does_not_change_the_output(workspace: Workspace) -> None:
    start = workspace.contents()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES <= 6,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(changes, min_size=1, max_size=4))
    def holds(sequence: list[tuple[str, str]]) -> None:
        workspace.environment.clear()
        workspace.restore(start)
        for change, subject in sequence:
            apply(workspace, change, subject, start)
        assert workspace.run("check") == workspace.run("check", "--no-cache"), sequence
        if workspace.run("generate")[0] == 0:
            code, stdout, _ = workspace.run("diff", "--no-cache")
            assert (code, stdout) == (0, ""), sequence

    holds()


def apply(workspace: Workspace, change: str, subject: str, start: dict[Path, bytes]) -> None:
    """Apply a change, if it is possible."""
    file = workspace.project / subject
    match change:
        case "environment":
            workspace.environment[subject] = "other"
        case "run":
            workspace.run(subject)
        case "append":
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.write("# more\n" if file.suffix != ".txt" else " \n")
        case "restore":
            file.write_bytes(start[file])
        case _ if not file.exists():
            pass
        case "delete":
            file.unlink()
        case "touch":
            file.touch()
        case _:
            status, text = file.stat(), file.read_bytes()
            file.write_bytes(text.replace(b"a", b"b", 1))
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
