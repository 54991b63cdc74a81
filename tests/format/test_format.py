"""Formatting: with ruff, our settings only, and honest about failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctrlgen.errors import FormatError
from ctrlgen.format import format_sources


def test_imports_are_sorted_and_unused_ones_go() -> None:
    source = "import sys\nfrom b import x\nfrom a import y\nimport os\n\nprint( x,y , os )\n"
    assert format_sources({"m.py": source}) == {
        "m.py": "import os\n\nfrom a import y\nfrom b import x\n\nprint(x, y, os)\n"
    }


def test_project_packages_stand_apart() -> None:
    source = "from typing_extensions import Self\nfrom app.models import User\n\nprint(Self, User)\n"
    formatted = format_sources({"m.py": source}, {"app"})["m.py"]
    assert formatted.startswith("from typing_extensions import Self\n\nfrom app.models import User\n")


def test_settings_of_the_working_directory_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 20\n[format]\nquote-style = 'single'\n")
    monkeypatch.chdir(tmp_path)
    source = 'value = function("a rather long argument", "and another rather long argument")\n'
    assert format_sources({"m.py": source}) == {"m.py": source}


def test_other_files_stay_as_they_are() -> None:
    assert format_sources({"py.typed": "# ours\n"}) == {"py.typed": "# ours\n"}


def test_line_ends_are_line_feeds() -> None:
    assert format_sources({"m.py": "x = 1\r\ny = 2\r\n"})["m.py"].encode() == b"x = 1\ny = 2\n"


def test_source_that_is_no_python_is_owned_up_to_as_our_mistake() -> None:
    with pytest.raises(FormatError, match="a mistake in ctrlgen"):
        format_sources({"m.py": "def (:\n"})
