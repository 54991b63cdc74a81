"""Implements ``ctrlgen init``: finds the models, asks for the missing options, and writes the requested files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from ctrlgen.errors import ForeignFileError, MissingModuleError, MissingPathError, NoModelsError, NoTerminalError
from ctrlgen.init.found_models import exists, found_models, suggested_output
from ctrlgen.init.offered_files import (
    PRE_COMMIT,
    alembic_files,
    configured_pyproject,
    has_alembic,
    pre_commit_entry,
    with_pre_commit_entry,
)
from ctrlgen.load.discovery import missing_module
from ctrlgen.report import print_summary
from ctrlgen.settings import Config, Settings, read_config
from ctrlgen.write import Changes, apply, compare_contents, unified_diff


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of the command. None means that the user is asked.

    ``yes`` accepts all suggestions, and ``dry_run`` writes nothing.
    """

    pre_commit: bool | None
    alembic: bool | None
    yes: bool
    dry_run: bool
    quiet: bool


def init(project: Path, given: Settings, wishes: Wishes) -> None:
    """Write the settings of a project, and the optional files that the user accepts.

    Raises
    ------
    CtrlgenError
        The project is configured already, no models are found, or there is no terminal to ask questions.
    """
    root = project.resolve()
    if not root.is_dir():
        raise MissingPathError(f"`{project}` is not a folder", hint="pass the project's folder with `--project`")
    pyproject = root / "pyproject.toml"
    _ = configured_pyproject(pyproject, given)  # rejects a configured project before any question is asked
    settings = _settings(root, given, wishes)
    config = read_config(root, settings)
    contents: dict[Path, bytes | None] = {pyproject: configured_pyproject(pyproject, settings)}
    entry_to_paste = _add_pre_commit(root, wishes, contents)
    if _wants(wishes.alembic, wishes, "Set up Alembic in migrations?", offered=not has_alembic(root)):
        contents |= _alembic(config)
    changes = compare_contents(contents)
    if wishes.dry_run:
        typer.echo(unified_diff(changes, root), nl=False)
        return
    apply(changes, root)
    if not wishes.quiet:
        print_summary(changes, root)
        _print_next_step(config, entry_to_paste, changes)


def _settings(root: Path, given: Settings, wishes: Wishes) -> Settings:
    models = list(given.models or ()) or found_models(root)
    if not models:
        raise NoModelsError(
            f"no module in `{root}` declares a table (`table=True`)",
            hint="pass the models with `--models app.models`, or the project's folder with `--project`",
        )
    if given.models is not None:
        _check_modules(root, models)
    elif not wishes.yes:
        models = _answered_models(root, models, wishes)
    output = given.output or _answer("Folder of the controllers", suggested_output(root, models), wishes)
    return Settings(tuple(models), output, given.package, given.tests)


def _answered_models(root: Path, suggestion: list[str], wishes: Wishes) -> list[str]:
    """Ask for the modules of the models until all of them exist."""
    while True:
        models = _answer("Models", ", ".join(suggestion), wishes).replace(",", " ").split()
        try:
            _check_modules(root, models)
        except MissingModuleError as error:
            typer.echo(f"error: {error.message}\nhint: {error.hint}", err=True)
        else:
            return models


def _check_modules(root: Path, models: list[str]) -> None:
    for module in models:
        if not exists(root, module):
            raise missing_module(module, root)


def _answer(question: str, suggestion: str, wishes: Wishes) -> str:
    if wishes.yes:
        return suggestion
    _check_terminal()
    answer: object = typer.prompt(question, default=suggestion, err=True)
    return str(answer)


def _wants(said: bool | None, wishes: Wishes, question: str, *, offered: bool) -> bool:
    """Return the answer to a yes-or-no question: the option if it is set, else whether the user accepts the offer."""
    if said is not None or not offered:
        return bool(said)
    if wishes.yes:
        return True
    _check_terminal()
    return typer.confirm(question, default=True, err=True)


def _check_terminal() -> None:
    if not sys.stdin.isatty():
        raise NoTerminalError(
            "`init` needs a terminal to ask questions", hint="pass `--yes`, with `--models` and `--output`"
        )


def _add_pre_commit(root: Path, wishes: Wishes, contents: dict[Path, bytes | None]) -> str:
    """Add the pre-commit configuration to ``contents``; return the entry if the user must paste it instead."""
    file = root / PRE_COMMIT
    is_set_up = file.exists() and "ctrlgen" in file.read_text("utf-8")
    offered = not is_set_up and (file.exists() or (root / ".git").exists())
    if not _wants(wishes.pre_commit, wishes, f"Add the hook to {PRE_COMMIT}?", offered=offered) or is_set_up:
        return ""
    if (content := with_pre_commit_entry(file)) is None:
        return pre_commit_entry()
    contents[file] = content
    return ""


def _alembic(config: Config) -> dict[Path, bytes]:
    files = alembic_files(config)
    for file in files:
        if file.exists():
            raise ForeignFileError(
                f"`{file}` exists and is not overwritten; nothing was written", hint="pass `--no-alembic`"
            )
    return files


def _print_next_step(config: Config, entry_to_paste: str, changes: Changes) -> None:
    if entry_to_paste:
        typer.echo(f"\nadd this to `repos:` in {PRE_COMMIT}:\n\n{entry_to_paste}")
    typer.echo(f"\nnext: `ctrlgen generate`, then `from {config.package} import Database`")
    if any(change.file.name == "alembic.ini" for change in changes.files):
        typer.echo("then: `alembic revision --autogenerate -m first`, and `alembic upgrade head`")
