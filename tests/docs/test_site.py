"""The site builds, and the addresses that ctrlgen prints lead to places in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ctrlgen.errors import DOCS, error_classes
from ctrlgen.findings import RULES
from ctrlgen.lint.rules import RULES as LINT_RULES
from ctrlgen.staleness import CHANGELOG

REPOSITORY = "https://github.com/ctrlgen/ctrlgen/blob/main/"
PRINTED = sorted(
    {each.docs() for each in error_classes()}
    | {each.docs for each in RULES.values()}
    | {each.docs() for each in LINT_RULES}
    | {CHANGELOG}
)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a folder the way `make docs` does."""
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def copy(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources of the site, because the build leaves files behind."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(project / "docs", folder / "docs")
    for name in ("zensical.toml", "README.md", "CHANGELOG.md"):
        shutil.copy(project / name, folder)
    return folder


@pytest.fixture(scope="session")
def site(copy: Path) -> Path:
    """The folder of the site."""
    done = build(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy / "build/site"


@pytest.mark.parametrize("address", PRINTED)
def test_printed_address_leads_to_an_anchor_of_the_repository_and_of_the_site(
    project: Path, site: Path, address: str
) -> None:
    assert address.startswith(REPOSITORY)
    name, _, anchor = address.removeprefix(REPOSITORY).partition("#")
    page = (project / name).read_text("utf-8")
    html = site / ("changelog" if name == "CHANGELOG.md" else Path(name).stem) / "index.html"
    assert html.is_file()
    if anchor:
        assert f'<a id="{anchor}"></a>' in page
        assert f'id="{anchor}"' in html.read_text("utf-8")


def test_printed_addresses_are_those_of_the_docs() -> None:
    assert len(PRINTED) > 100
    assert f"{REPOSITORY}docs" == DOCS


@pytest.mark.parametrize(
    "module", ["cli.py", "lint/lint_command.py", "lint/lint_settings.py", "errors.py", "findings.py"]
)
def test_pages_that_the_tool_mentions_exist(project: Path, module: str) -> None:
    text = (project / "generator/ctrlgen" / module).read_text("utf-8")
    for name in re.findall(r"docs/[\w/-]+\.md", text):
        assert (project / name).is_file(), name


def test_search_index_has_every_page(project: Path, site: Path) -> None:
    index = json.loads((site / "search.json").read_text("utf-8"))
    pages = {each["location"].split("#")[0] for each in index["items"]}
    names = {file.relative_to(project / "docs").with_suffix("") for file in (project / "docs").rglob("*.md")}
    expected = {f"{name.parent if name.name == 'index' else name}/".removeprefix("./") for name in names}
    assert expected <= pages


@pytest.mark.parametrize(
    ("link", "problem"), [("[x](nowhere.md)", "page does not exist"), ("[x](faq.md#nowhere)", "anchor does not exist")]
)
def test_broken_link_fails_the_build(copy: Path, tmp_path: Path, link: str, problem: str) -> None:
    shutil.copytree(copy, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build", ".cache"))
    with (tmp_path / "docs/faq.md").open("a") as file:
        file.write(f"\n{link}\n")
    done = build(tmp_path)
    assert done.returncode != 0
    assert problem in done.stdout + done.stderr


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_links_of_pages_outside_the_site_lead_to_files(project: Path, page: str) -> None:
    for link in LINK.findall((project / page).read_text("utf-8")):
        assert (project / link).exists(), link
