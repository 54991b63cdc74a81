"""Formatting with ruff and the settings of the folder, and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import ctrlgen.format
from ctrlgen.errors import ConfigError, FormatError
from ctrlgen.format import format_sources, with_wrapped_docstrings


def test_imports_are_sorted_and_unused_ones_are_removed() -> None:
    source = "import sys\nfrom b import x\nfrom a import y\nimport os\n\nprint( x,y , os )\n"
    assert format_sources({"m.py": source}) == {
        "m.py": "import os\n\nfrom a import y\nfrom b import x\n\nprint(x, y, os)\n"
    }


def test_project_packages_are_first_party() -> None:
    source = "from typing_extensions import Self\nfrom app.models import User\n\nprint(Self, User)\n"
    formatted = format_sources({"m.py": source}, {"app"})["m.py"]
    assert formatted.startswith("from typing_extensions import Self\n\nfrom app.models import User\n")


def test_settings_of_the_working_directory_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 20\n[format]\nquote-style = 'single'\n")
    monkeypatch.chdir(tmp_path)
    source = 'value = function("a rather long argument", "and another rather long argument")\n'
    assert format_sources({"m.py": source}) == {"m.py": source}


def test_other_files_are_not_changed() -> None:
    assert format_sources({"py.typed": "# ours\n"}) == {"py.typed": "# ours\n"}


def test_line_endings_are_line_feeds() -> None:
    assert format_sources({"m.py": "x = 1\r\ny = 2\r\n"})["m.py"].encode() == b"x = 1\ny = 2\n"


def test_invalid_source_is_reported_as_a_bug_of_ctrlgen() -> None:
    with pytest.raises(FormatError, match="a bug in ctrlgen"):
        format_sources({"m.py": "def (:\n"})


CALL = 'value = function("a rather long argument", "and another rather long argument")\n'


def test_settings_of_the_folder_determine_the_layout(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 50\n[format]\nquote-style = 'single'\n")
    formatted = format_sources({"m.py": CALL}, folder=tmp_path / "app/db")["m.py"]
    assert formatted == "value = function(\n    'a rather long argument',\n    'and another rather long argument',\n)\n"


def test_nearest_settings_of_ruff_are_used(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/pyproject.toml").write_text("[project]\nname = 'x'\nversion = '1'\n")
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 50\n")
    assert len(format_sources({"m.py": CALL}, folder=tmp_path / "app/db")["m.py"].splitlines()) == 4


def test_unused_imports_are_removed_whatever_the_project_ignores(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("[lint]\nunfixable = ['F401']\nignore = ['F401', 'I']\n")
    source = "import sys\nimport json\nimport abc\n\nprint(json, abc)\n"
    formatted = format_sources({"m.py": source}, folder=tmp_path)
    assert formatted == {"m.py": "import abc\nimport json\n\nprint(json, abc)\n"}


def test_own_package_is_first_party_in_any_folder(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").touch()
    (tmp_path / "backend/app").mkdir(parents=True)
    (tmp_path / "backend/app/__init__.py").touch()
    source = "from app.models import User\nfrom sqlmodel import select\n\nprint(User, select)\n"
    formatted = format_sources({"__init__.py": "", "m.py": source}, folder=tmp_path / "backend/app/db")["m.py"]
    assert formatted.startswith("from sqlmodel import select\n\nfrom app.models import User\n")


def test_package_that_is_not_written_yet_is_first_party(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("lint.isort.known-first-party = ['zebra']\n")
    source = "import pytest\nimport generated\nimport zebra\n\nprint(generated, pytest, zebra)\n"
    before = format_sources({"m.py": source}, {"generated"}, tmp_path / "tests")
    assert before["m.py"].startswith("import pytest\n\nimport generated\nimport zebra\n")
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/__init__.py").touch()
    assert format_sources({"m.py": source}, {"generated"}, tmp_path / "tests") == before


def test_only_the_sources_are_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").touch()
    (tmp_path / "mine.py").write_text("import  sys\n")
    monkeypatch.chdir(tmp_path)
    format_sources({"py.typed": ""}, folder=tmp_path)
    format_sources({"m.py": "x=1\n"}, folder=tmp_path)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"ruff.toml": "", "mine.py": "import  sys\n"}


@pytest.mark.parametrize("settings", ["required-version = '==0.1.0'", "line-length = 'wide'", "extend = 'gone.toml'"])
def test_settings_that_ruff_rejects_are_an_error_of_the_user(tmp_path: Path, settings: str) -> None:
    (tmp_path / "ruff.toml").write_text(settings)
    with pytest.raises(ConfigError, match=r"with the settings in `.*ruff\.toml`") as caught:
        format_sources({"m.py": "x = 1\n"}, folder=tmp_path)
    assert str(caught.value.hint).startswith("ruff says:\n")


def test_long_docstrings_are_wrapped_and_nothing_else() -> None:
    string = '    x = """a long string, which is no docstring at all, and stays"""\n'
    source = f'def f():\n    """Return every row that is not archived (where a IS NULL)."""\n{string}'
    assert with_wrapped_docstrings(source, 100) == source
    wrapped = 'def f():\n    """Return every row that is not\n    archived (where a IS NULL).\n    """\n'
    assert with_wrapped_docstrings(source, 38) == wrapped + string


@pytest.mark.parametrize(
    "source",
    [
        "text = '''\ndef f():\n    \"\"\"A line of a string.\"\"\"\n'''\n",
        'text = """\ndef f():\n""" + "of two strings" + """\n"""\n',
        'f(\n    """An argument of a call."""\n)\n',
        'x = {\n    key(\n        1\n    ):\n    """A value of a dictionary."""\n}\n',
        'with (\n    a as b,\n):\n    """An expression in a block."""\n',
        'for x in g(\n    1\n):\n    """An expression in a loop."""\n',
        'def f(): return 1  # see:\n"""An expression after a function."""\n',
        'f(\n)  # see:\n"""An expression after a call."""\n',
        'def f():\n    """A quotation mark: \\"""\n    and the end."""\n',
    ],
)
def test_strings_that_look_like_docstrings_are_not_wrapped(source: str) -> None:
    assert with_wrapped_docstrings(source, 20) == source


@pytest.mark.parametrize("width", [30, 60, 88])
def test_docstrings_of_controllers_are_wrapped_without_parsing(
    project: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    controllers = [file.read_text().partition("\n\n")[2] for file in sorted((project / "generated").glob("*.py"))]
    monkeypatch.setattr(ctrlgen.format, "_surely_docstrings", lambda *_: set())
    by_parsing = [with_wrapped_docstrings(source, width) for source in controllers]
    monkeypatch.undo()
    monkeypatch.setattr(ctrlgen.format, "ast", None)
    assert [with_wrapped_docstrings(source, width) for source in controllers] == by_parsing != controllers
