"""User code runs in the child process: whatever it does, only the result reaches the parent."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from ctrlgen.child import read_reply

from .conftest import HERO, Workspace


def test_what_models_print_goes_to_stderr(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    workspace.write(app=HERO + "import os, sys\nprint('by print')\nos.write(1, b'by descriptor')\n")
    assert workspace.load("app").models
    out, err = capfd.readouterr()
    assert out == ""
    assert "by print" in err
    assert "by descriptor" in err


@pytest.mark.parametrize(
    "mischief",
    [
        "sys.stdout = sys.stderr = None",
        "sys.stdout.close()",
        "sys.excepthook = None",
        "os.chdir('/')",
        "sys.path.clear()",
        "threading.Thread(target=time.sleep, args=(60,)).start()",
        "atexit.register(os._exit, 3)",
        "subprocess.Popen(['sleep', '60'])",
        "warnings.simplefilter('error'); warnings.filterwarnings('error')",
    ],
)
def test_side_effects_of_models_do_not_matter(workspace: Workspace, mischief: str) -> None:
    imports = "import atexit, os, subprocess, sys, threading, time, warnings\n"
    workspace.write(app=HERO + imports + mischief)
    assert [model.reference.name for model in workspace.load("app").models] == ["Hero"]


def test_schema_is_sent_even_if_names_have_unusual_types(workspace: Workspace) -> None:
    workspace.write(
        app="""
        import enum
        from sqlalchemy import Column, Index, Integer, MetaData, UniqueConstraint
        from sqlalchemy.sql import quoted_name
        from sqlmodel import Field, SQLModel

        class Limit(enum.IntEnum):
            LOW = 1

        class Text(str):
            pass

        class Hero(SQLModel, table=True):
            metadata = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s"})
            __tablename__ = quoted_name("Heroes", True)
            __table_args__ = (UniqueConstraint("a"), Index(quoted_name("Ix", True), "a"), {"schema": Text("s")})
            id: int = Field(primary_key=True)
            a: int = Field(ge=Limit.LOW, sa_column=Column(quoted_name("a", True), Integer))
        """
    )
    (model,) = workspace.load("app").models
    assert model.table == "Heroes"
    assert [index.name for index in model.indexes] == [None, "Ix", "uq_Heroes_a"]
    assert model.column("a").bounds.minimum == "1"


def test_reply_with_other_classes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reply"
    path.write_bytes(pickle.dumps(Path()))
    with pytest.raises(pickle.UnpicklingError, match="must not be sent from the child process"):
        read_reply(path)


def test_parent_imports_neither_sqlmodel_nor_sqlalchemy(workspace: Workspace) -> None:
    workspace.write(app=HERO)
    program = """
import sys
from pathlib import Path
from types import SimpleNamespace
from ctrlgen.child import schema_from_child
assert schema_from_child(SimpleNamespace(project=Path(sys.argv[1]), models=("app",), package="db")).models
print({"sqlmodel", "sqlalchemy", "pydantic"} & set(sys.modules))
"""
    command = [sys.executable, "-c", program, str(workspace.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
