"""Implements ``ctrlgen init``: finds the models, asks for the missing options, and writes the requested files."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import tomlkit
import typer
from tomlkit.exceptions import TOMLKitError

from ctrlgen import toml
from ctrlgen.errors import (
    ForeignFileError,
    MissingModuleError,
    MissingPathError,
    NoModelsError,
    NoTerminalError,
    UnaddableError,
)
from ctrlgen.render.templates import render_template, template_text
from ctrlgen.report import print_summary
from ctrlgen.settings import Config, Settings, read_config, read_document
from ctrlgen.table_modules import missing_module, table_modules
from ctrlgen.write import Changes, apply, compare_contents, unified_diff

_PRE_COMMIT = ".pre-commit-config.yaml"
_REPOS = re.compile(r"^repos:[ \t]*(#.*)?\r?\n(?=(?P<indent>[ \t]*)- )", re.MULTILINE)
_NOT_MODELS = frozenset({"tests", "test", "migrations", "alembic", "docs", "examples", "scripts"})
_FOLDERS_OF_MODELS = ("model", "table", "entit", "schema")
_OUTPUTS = ("db", "database", "controllers", "generated")


@dataclass(frozen=True, slots=True)
class InitOptions:
    """The options of the command. None means that the user is asked.

    ``yes`` accepts all suggestions, and ``dry_run`` writes nothing.
    """

    pre_commit: bool | None
    alembic: bool | None
    yes: bool
    dry_run: bool
    quiet: bool


def init(project: Path, flags: Settings, options: InitOptions) -> None:
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
    _ = _configured_pyproject(pyproject, flags)  # rejects a configured project before any question is asked
    settings = _settings(root, flags, options)
    config = read_config(root, settings)
    contents: dict[Path, bytes | None] = {pyproject: _configured_pyproject(pyproject, settings)}
    entry_to_paste = _add_pre_commit(root, options, contents)
    if _wants(options.alembic, options, "Set up Alembic in migrations?", offered=not _has_alembic(root)):
        contents |= _alembic(config)
    changes = compare_contents(contents)
    if options.dry_run:
        typer.echo(unified_diff(changes, root), nl=False)
        return
    apply(changes, root)
    if not options.quiet:
        print_summary(changes, root)
        _print_next_step(config, entry_to_paste, changes)


def _settings(root: Path, flags: Settings, options: InitOptions) -> Settings:
    models = list(flags.models or ()) or _suggested_models(root)
    if not models:
        raise NoModelsError(
            f"no module in `{root}` declares a table (`table=True`)",
            hint="pass the models with `--models app.models`, or the project's folder with `--project`",
        )
    if flags.models is not None:
        _check_modules(root, models)
    elif not options.yes:
        models = _answered_models(root, models, options)
    output = flags.output or _answer("Folder of the controllers", _suggested_output(root, models), options)
    return Settings(tuple(models), output, flags.package, flags.tests or _answered_tests(output, options))


def _answered_tests(output: str, options: InitOptions) -> str | None:
    """Ask whether to write tests, and where. ``--yes`` writes none, because tests need an environment of their own."""
    if options.yes:
        return None
    _check_terminal()
    if not typer.confirm("Write tests of the controllers?", default=False, err=True):
        return None
    return _answer("Folder of the tests", f"tests/{Path(output).name}", options)


def _answered_models(root: Path, suggestion: list[str], options: InitOptions) -> list[str]:
    """Ask for the modules of the models until all of them exist."""
    while True:
        models = _answer("Models", ", ".join(suggestion), options).replace(",", " ").split()
        try:
            _check_modules(root, models)
        except MissingModuleError as error:
            typer.echo(f"error: {error.message}\nhint: {error.hint}", err=True)
        else:
            return models


def _check_modules(root: Path, models: list[str]) -> None:
    for module in models:
        if not _module_exists(root, module):
            raise missing_module(module, root)


def _answer(question: str, suggestion: str, options: InitOptions) -> str:
    if options.yes:
        return suggestion
    _check_terminal()
    answer: object = typer.prompt(question, default=suggestion, err=True)
    return str(answer)


def _wants(option: bool | None, options: InitOptions, question: str, *, offered: bool) -> bool:
    """Return the answer to a yes-or-no question: the option if it is set, else whether the user accepts the offer."""
    if option is not None or not offered:
        return bool(option)
    if options.yes:
        return True
    _check_terminal()
    return typer.confirm(question, default=True, err=True)


def _check_terminal() -> None:
    if not sys.stdin.isatty():
        raise NoTerminalError(
            "`init` needs a terminal to ask questions", hint="pass `--yes`, with `--models` and `--output`"
        )


def _add_pre_commit(root: Path, options: InitOptions, contents: dict[Path, bytes | None]) -> str:
    """Add the pre-commit configuration to ``contents``; return the entry if the user must paste it instead."""
    file = root / _PRE_COMMIT
    is_set_up = file.exists() and b"ctrlgen" in file.read_bytes()
    offered = not is_set_up and (file.exists() or (root / ".git").exists())
    if not _wants(options.pre_commit, options, f"Add the hook to {_PRE_COMMIT}?", offered=offered) or is_set_up:
        return ""
    if (content := _with_pre_commit_entry(file)) is None:
        return _pre_commit_entry()
    contents[file] = content
    return ""


def _alembic(config: Config) -> dict[Path, bytes]:
    files = _alembic_files(config)
    for file in files:
        if file.exists():
            raise ForeignFileError(
                f"`{file}` exists and is not overwritten; nothing was written", hint="pass `--no-alembic`"
            )
    return files


def _print_next_step(config: Config, entry_to_paste: str, changes: Changes) -> None:
    if entry_to_paste:
        typer.echo(f"\nadd this to `repos:` in {_PRE_COMMIT}:\n\n{entry_to_paste}")
    has_alembic = any(change.file.name == "alembic.ini" for change in changes.files)
    extra = _missing_extra(has_alembic=has_alembic)
    typer.echo(f"\nfirst: `pip install 'ctrlgen[{extra}]'`" if extra else "")
    typer.echo(f"next: `ctrlgen generate`, then `from {config.package} import Database`")
    if has_alembic:
        typer.echo("then: `alembic revision --autogenerate -m first`, and `alembic upgrade head`")


def _missing_extra(*, has_alembic: bool) -> str | None:
    """Return the extra of ctrlgen with the libraries that the next steps need, if they are not installed."""
    if has_alembic and find_spec("alembic") is None:
        return "drift"  # which has asyncpg, too
    return None if find_spec("asyncpg") else "asyncpg"


# The models, found without importing them, and the folder of the controllers.


def _suggested_models(project: Path) -> list[str]:
    """Return a value for the setting `models`: packages of several modules with tables, and other such modules."""
    modules: dict[str, Path] = {}
    for root in (project / "src", project):
        for module in table_modules([root]):
            if _is_source(root, project) and not _NOT_MODELS & {*module.split(".")}:
                modules.setdefault(module, root)
    inside_src = {f"src.{module}" for module, root in modules.items() if root != project}
    return _grouped({name: root for name, root in modules.items() if name not in inside_src})


def _module_exists(project: Path, module: str) -> bool:
    """Return whether a module is a source of the project, or belongs to an installed package."""
    path = Path(*module.split("."))
    bases = [project / path, project / "src" / path]
    if any(base.is_dir() or base.with_suffix(".py").is_file() for base in bases):
        return True
    top = path.parts[0]
    if any((root / top).exists() or (root / f"{top}.py").exists() for root in (project, project / "src")):
        return False
    try:
        return find_spec(top) is not None  # its submodules are not searched, because that would import it
    except (ImportError, ValueError):
        return False


def _suggested_output(project: Path, models: Iterable[str]) -> str:
    """Return an unused folder beside the models."""
    first = next(iter(models))
    parts = first.split(".")[:-1]
    root = Path("src") if Path(project, "src", first.split(".")[0]).exists() else Path()
    if root == Path("src") and not parts and (project / "src" / first.split(".")[0]).is_dir():
        parts = [first.split(".")[0]]  # a package that contains only models: put the controllers inside
    folder = root.joinpath(*parts)
    free = (folder / name for name in _OUTPUTS if not (project / folder / name).exists())
    return next(free, folder / "ctrlgen_db").as_posix()


def _is_source(root: Path, project: Path) -> bool:
    return root == project or not (root / "__init__.py").exists()


def _grouped(modules: dict[str, Path]) -> list[str]:
    """Replace modules by their package if it contains several of them, or if its name says that it contains models."""
    by_package: dict[str, list[str]] = {}
    for module in modules:
        by_package.setdefault(module.rpartition(".")[0], []).append(module)
    grouped: list[str] = []
    for package, inside in by_package.items():
        last = package.rpartition(".")[2].lower()
        is_package = bool(package) and (len(inside) > 1 or last.startswith(_FOLDERS_OF_MODELS))
        grouped += [package] if is_package else inside
    return sorted(name for name in set(grouped) if not any(name.startswith(f"{other}.") for other in grouped))


# The files. Existing content of these files is kept.


def _configured_pyproject(file: Path, settings: Settings) -> bytes:
    """Return ``pyproject.toml`` with ``[tool.ctrlgen]`` added, and everything else unchanged.

    Raises
    ------
    ConfigError
        The file is not valid TOML, or has the section already.
    """
    if "ctrlgen" in toml.table(read_document(file), "tool"):
        raise UnaddableError(
            f"`{file.name}` already has a section `[tool.ctrlgen]`",
            hint="edit it, or remove it first; `ctrlgen generate` uses it",
        )
    section = tomlkit.table()
    section["models"] = list(settings.models or ())
    for name in ("output", "package", "tests"):
        if value := getattr(settings, name):
            section[name] = value
    return _with_section(file.read_bytes().decode() if file.exists() else "", section.as_string())


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


def _pre_commit_entry() -> str:
    """Return the entry of the hook for ``repos:``."""
    return render_template("init/pre_commit.yaml.jinja", version=version("ctrlgen"))


def _with_pre_commit_entry(file: Path) -> bytes | None:
    """Return the pre-commit configuration with the hook, or None if it is there already or cannot be added safely."""
    entry = _pre_commit_entry()
    if not file.exists():
        return f"repos:\n{entry}".encode()
    text = file.read_bytes().decode(errors="surrogateescape")  # bytes that are not UTF-8 are kept
    repos = _REPOS.search(text)
    if repos is None or "ctrlgen" in text:
        return None
    indented = "".join(f"{repos['indent']}{line[2:]}" for line in entry.splitlines(keepends=True))
    if "\r\n" in text:
        indented = indented.replace("\n", "\r\n")
    return f"{text[: repos.end()]}{indented}{text[repos.end() :]}".encode(errors="surrogateescape")


def _alembic_files(config: Config) -> dict[Path, bytes]:
    """Return the files of an Alembic environment for the generated package."""
    folder = config.project / "migrations"
    src = config.output.is_relative_to(config.project / "src")
    return {
        config.project / "alembic.ini": render_template("init/alembic.ini.jinja", src=src).encode(),
        folder / "env.py": render_template("init/env.py.jinja", package=config.package).encode(),
        folder / "script.py.mako": template_text("init/script.py.mako").encode(),
        folder / "versions" / ".gitkeep": b"",
    }


def _has_alembic(project: Path) -> bool:
    """Return whether the project has an Alembic environment, or other files in its place."""
    pyproject = project / "pyproject.toml"
    in_pyproject = pyproject.exists() and b"[tool.alembic" in pyproject.read_bytes()
    return in_pyproject or any((project / name).exists() for name in ("alembic.ini", "migrations", "alembic"))
