"""``ctrlgen explain --html``: the file, without a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.conftest import Project

from .conftest import Explorer, scratch
from .schemas import HOSTILE, ODD


class Reader(HTMLParser):
    """Records the elements of a page, and the text of its scripts and styles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.is_raw = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.is_raw = tag in {"script", "style"}
        if self.is_raw:
            self.texts.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self.is_raw = False

    def handle_data(self, data: str) -> None:
        if self.is_raw:
            tag, text = self.texts[-1]
            self.texts[-1] = tag, text + data


def read(file: Path) -> Reader:
    reader = Reader()
    reader.feed(file.read_text("utf-8"))
    return reader


def test_page_contains_the_data_of_the_json_format(odd: Explorer) -> None:
    reader = read(odd.file)
    scripts = [attributes for tag, attributes in reader.elements if tag == "script"]
    number = next(number for number, attributes in enumerate(scripts) if attributes.get("id") == "explanation")
    text = [text for tag, text in reader.texts if tag == "script"][number]
    assert json.loads(text) == odd.data


def test_hostile_names_neither_end_the_data_nor_become_markup(odd: Explorer) -> None:
    text = odd.file.read_text("utf-8")
    assert HOSTILE not in text
    assert odd.model("Note")["comment"] == HOSTILE
    assert odd.model("Cover")["table"] == HOSTILE
    reader = read(odd.file)
    assert not [attributes for tag, attributes in reader.elements if tag == "img"]
    assert len([tag for tag, _ in reader.elements if tag == "script"]) == text.count("</script>")


def test_nothing_is_fetched_and_only_the_page_itself_may_run(odd: Explorer) -> None:
    reader = read(odd.file)
    addresses = [
        value
        for _, attributes in reader.elements
        for name, value in attributes.items()
        if name in {"src", "href", "action", "srcset"} and value
    ]
    assert [each for each in addresses if not each.startswith(("#", "data:"))] == []
    style = next(text for tag, text in reader.texts if tag == "style")
    assert "url(" not in style
    assert "@import" not in style
    policy = next(
        attributes["content"] or ""
        for tag, attributes in reader.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    data = next(text for tag, text in reader.texts if text.startswith('{"version"'))
    for _, text in reader.texts:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert (f"'sha256-{digest}'" in policy) == (text != data)
    assert "sourceMappingURL" not in odd.file.read_text("utf-8")


def test_same_models_give_the_same_bytes(tmp_path: Path, odd: Explorer) -> None:
    project = scratch(tmp_path, ODD)
    for seed in ("1", "2"):
        done = project.run("explain", "--html", f"{seed}.html", "-q", PYTHONHASHSEED=seed)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    first, second = ((tmp_path / f"{seed}.html").read_bytes() for seed in ("1", "2"))
    assert first == second == odd.file.read_bytes()


def test_summary_names_the_file_and_its_contents(app: Project) -> None:
    done = app.run("explain", "--html", "out/page.html")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"wrote out/page\.html: 1 table, \d+ kB; open it in a browser\n", done.stdout)
    assert (app.root / "out/page.html").is_file()


def test_page_is_printed_for_a_dash(app: Project) -> None:
    done = app.run("explain", "--html", "-")
    assert done.stdout.startswith("<!doctype html>")
    assert not (app.root / "-").exists()


def test_page_of_one_model_has_only_that_model(odd: Explorer, tmp_path: Path) -> None:
    file = tmp_path / "one.html"
    done = odd.project.run("explain", "Note", "--html", str(file), "-q")
    assert done.returncode == 0, done.stderr
    text = next(text for _, text in read(file).texts if text.startswith('{"version"'))
    assert [model["name"] for model in json.loads(text)["models"]] == ["Note"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--html", "page.html", "--dot"], "`--html` and `--dot` are mutually exclusive"),
        (["--mermaid", "--dot"], "`--mermaid` and `--dot` are mutually exclusive"),
        (["--indexes", "--format", "json"], "`--format json` and `--indexes` are mutually exclusive"),
    ],
)
def test_two_forms_at_once_are_refused(app: Project, flags: list[str], message: str) -> None:
    printed = app.fails("explain", *flags)
    assert f": {message}\nhint: run the command once with each of them\n" in printed


def test_file_that_cannot_be_written_is_an_error(app: Project) -> None:
    printed = app.fails("explain", "--html", "app")
    assert "CGE401: `app` cannot be written: Is a directory\nhint: pass the name of a writable file\n" in printed


def test_picture_in_the_readme_is_small(project: Path) -> None:
    assert "docs/explorer.png" in (project / "README.md").read_text("utf-8")
    assert (project / "docs/explorer.png").stat().st_size < 300_000


def test_vendored_scripts_are_those_that_the_readme_names(project: Path) -> None:
    folder = project / "templates/explorer/vendor"
    readme = (folder / "README.md").read_text("utf-8")
    versions = dict(re.findall(r"^\| `([\w.]+)` \| `[^`]+`, `[^`]+` \| ([\d.]+) \| MIT \|", readme, re.MULTILINE))
    assert versions.keys() == {file.name for file in folder.glob("*.js")}
    for name, version in versions.items():
        assert version in (folder / name).read_text("utf-8")
        licence = (folder / name.replace(".min.js", ".LICENSE.txt")).read_text("utf-8")
        assert "Permission is hereby granted, free of charge" in licence
