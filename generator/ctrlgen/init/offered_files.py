"""Renders the files that ``init`` writes. Existing content of these files is kept."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ctrlgen import toml
from ctrlgen.errors import BrokenTomlError, UnaddableError
from ctrlgen.render.templates import render_template, template_text
from ctrlgen.settings import Config, Settings

PRE_COMMIT = ".pre-commit-config.yaml"
_REPOS = re.compile(r"^repos:[ \t]*(#.*)?\r?\n(?=(?P<indent>[ \t]*)- )", re.MULTILINE)


def configured_pyproject(file: Path, settings: Settings) -> bytes:
    """Return ``pyproject.toml`` with ``[tool.ctrlgen]`` added, and everything else unchanged.

    Raises
    ------
    ConfigError
        The file is not valid TOML, or has the section already.
    """
    text = file.read_bytes().decode() if file.exists() else ""
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise BrokenTomlError(f"`{file}` is not valid TOML: {error}", hint="fix that file") from error
    if "ctrlgen" in toml.table(document, "tool"):
        raise UnaddableError(
            f"`{file.name}` already has a section `[tool.ctrlgen]`",
            hint="edit it, or remove it first; `ctrlgen generate` uses it",
        )
    section = tomlkit.table()
    section["models"] = list(settings.models or ())
    for name in ("output", "package", "tests"):
        if value := getattr(settings, name):
            section[name] = value
    return _with_section(text, section.as_string())


def _with_section(text: str, section: str) -> bytes:
    """Return the text with the section appended."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = f"[tool.ctrlgen]\n{section}".replace("\n", end)
    if not text:
        return lines.encode()
    gap = end if text.endswith("\n") else end * 2
    added = f"{text}{gap}{lines}"
    try:
        _ = tomlkit.parse(added)
    except TOMLKitError as error:  # `tool` is written in a way that cannot be extended, such as `tool = {}`
        raise UnaddableError(
            f"`[tool.ctrlgen]` cannot be added: {error}", hint=f"add it by hand:\n\n{lines}"
        ) from error
    return added.encode()


def pre_commit_entry() -> str:
    """Return the entry of the hook for ``repos:``."""
    return render_template("init/pre_commit.yaml.jinja", version=version("ctrlgen"))


def with_pre_commit_entry(file: Path) -> bytes | None:
    """Return the pre-commit configuration with the hook, or None if it is there already or cannot be added safely."""
    entry = pre_commit_entry()
    if not file.exists():
        return f"repos:\n{entry}".encode()
    text = file.read_bytes().decode()
    repos = _REPOS.search(text)
    if repos is None or "ctrlgen" in text:
        return None
    indented = "".join(f"{repos['indent']}{line[2:]}" for line in entry.splitlines(keepends=True))
    if "\r\n" in text:
        indented = indented.replace("\n", "\r\n")
    return f"{text[: repos.end()]}{indented}{text[repos.end() :]}".encode()


def alembic_files(config: Config) -> dict[Path, bytes]:
    """Return the files of an Alembic environment for the generated package."""
    folder = config.project / "migrations"
    src = config.output.is_relative_to(config.project / "src")
    return {
        config.project / "alembic.ini": render_template("init/alembic.ini.jinja", src=src).encode(),
        folder / "env.py": render_template("init/env.py.jinja", package=config.package).encode(),
        folder / "script.py.mako": template_text("init/script.py.mako").encode(),
        folder / "versions" / ".gitkeep": b"",
    }


def has_alembic(project: Path) -> bool:
    """Return whether the project has an Alembic environment, or other files in its place."""
    pyproject = project / "pyproject.toml"
    in_pyproject = pyproject.exists() and "[tool.alembic" in pyproject.read_text("utf-8")
    return in_pyproject or any((project / name).exists() for name in ("alembic.ini", "migrations", "alembic"))
