"""Finds the templates: inside the wheel, or beside the tool in a checkout of this repository."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ctrlgen.errors import CtrlgenError

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def templates_folder() -> Path:
    """Return the folder of the templates."""
    for folder in (_PACKAGE / "templates", _PACKAGE.parent.parent / "templates"):
        if (folder / "runtime").is_dir():
            return folder
    raise CtrlgenError("the templates are missing from this installation", hint="install ctrlgen again")


def runtime_sources() -> dict[str, str]:
    """Return the runtime's modules: path relative to the output folder → source as it stands."""
    folder = templates_folder()
    files = sorted((folder / "runtime").glob("*.py"))
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8") for file in files}
