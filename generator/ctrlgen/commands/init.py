"""What ``ctrlgen init`` does: finds the models, asks what is not said, and writes what is wanted."""

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
    """What is said on the command line; None: to be asked, or not said.

    ``yes`` takes what would be suggested, and ``dry_run`` writes nothing.
    """

    pre_commit: bool | None
    alembic: bool | None
    yes: bool
    dry_run: bool
    quiet: bool


def init(project: Path, given: Settings, wishes: Wishes) -> None:
    """Write the settings of a project, and what else is wanted.

    Raises
    ------
    CtrlgenError
        There are settings already, no models are found, or nobody can be asked.
    """
    root = project.resolve()
    if not root.is_dir():
        raise MissingPathError(f"`{project}` is not a folder", hint="give the project's folder with `--project`")
    pyproject = root / "pyproject.toml"
    _ = configured_pyproject(pyproject, given)  # refuses a configured project before anything is asked
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
            f"no module below `{root}` declares a table (`table=True`)",
            hint="give the models with `--models app.models`, or the project's folder with `--project`",
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
    """Return whether something is wanted: as it is said, else if it is offered and accepted."""
    if said is not None or not offered:
        return bool(said)
    if wishes.yes:
        return True
    _check_terminal()
    return typer.confirm(question, default=True, err=True)


def _check_terminal() -> None:
    if not sys.stdin.isatty():
        raise NoTerminalError(
            "there is no terminal to ask questions in", hint="use `--yes`, with `--models` and `--output`"
        )


def _add_pre_commit(root: Path, wishes: Wishes, contents: dict[Path, bytes | None]) -> str:
    """Add the configuration of pre-commit to what is written; return the entry where it must be pasted."""
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
            raise ForeignFileError(f"`{file}` exists and is left alone; nothing was written", hint="use `--no-alembic`")
    return files


def _print_next_step(config: Config, entry_to_paste: str, changes: Changes) -> None:
    if entry_to_paste:
        typer.echo(f"\nadd this to `repos:` in {PRE_COMMIT}:\n\n{entry_to_paste}")
    typer.echo(f"\nnext: `ctrlgen generate`, then `from {config.package} import Database`")
    if any(change.file.name == "alembic.ini" for change in changes.files):
        typer.echo("then: `alembic revision --autogenerate -m first`, and `alembic upgrade head`")
