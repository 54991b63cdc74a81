"""What ``ctrlgen lint`` does; ``cli`` gives it the arguments and ends with the code it returns."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path

import typer

from ctrlgen.errors import ConfigError, CtrlgenError
from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.emitted_methods import EmittedMethods, emitted_methods
from ctrlgen.lint.files import python_files
from ctrlgen.lint.output_formats import FORMATS
from ctrlgen.lint.rules import RULES
from ctrlgen.lint.runner import SYNTAX_ERROR, Checker, Choice, FileResult, check_files, needs_plan
from ctrlgen.settings import Settings, find_project, read_config


def lint(
    paths: Sequence[str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    fix: bool = False,
    output_format: str = "text",
    project: Path | None = None,
    quiet: bool = False,
) -> int:
    """Check files and print what is found; return the exit code.

    Raises
    ------
    CtrlgenError
        A path does not exist, or a code or format is not known.
    """
    choice = Choice(_codes(select, "--select"), _codes(ignore, "--ignore"))
    if output_format not in FORMATS:
        raise ConfigError(f"`--format {output_format}` is not known", hint=f"known are {', '.join(FORMATS)}")
    files = python_files(paths or ["."])
    emitted = _emitted(files, choice, project)
    results = check_files(files, Checker(choice, emitted, fix), _shown)
    diagnostics = [it for result in results for it in result.diagnostics]
    typer.echo(FORMATS[output_format](diagnostics), nl=False)
    if not quiet:
        _print_summary(diagnostics, results, fix=fix)
    for result in results:
        if result.unwritten:
            typer.echo(f"error: {result.unwritten}", err=True)
    return 1 if diagnostics else 0


def _codes(values: Sequence[str], option: str) -> tuple[str, ...]:
    """Return codes, or what several codes begin with, of ``CGL101,CGL3``."""
    known = [SYNTAX_ERROR, *(rule.code for rule in RULES)]
    codes = [code.strip().upper() for value in values for code in value.split(",") if code.strip()]
    for code in codes:
        if not any(it.startswith(code) for it in known):
            hint = "codes look like CGL101, and CGL1 means all that begin so; `docs/lint.md` lists them"
            raise ConfigError(f"`{option} {code}`: no rule has that code", hint=hint)
    return tuple(codes)


def _emitted(files: Sequence[Path], choice: Choice, project: Path | None) -> EmittedMethods | None:
    """Return what is emitted for the project's models; without a project, or when they cannot be loaded, nothing."""
    if not (choice.allows("CGL101") or choice.allows("CGL103")) or not needs_plan(files):
        return None
    root = project or _project_of(files)
    if root is None:
        return None
    try:
        return emitted_methods(read_config(root, Settings()))
    except CtrlgenError as error:
        typer.echo(f"warning: the models cannot be read, so CGL103 finds nothing: {error}", err=True)
        return None


def _project_of(files: Sequence[Path]) -> Path | None:
    """Return the configured project that one stands in, or that the files do."""
    for start in (Path(), *(file.parent for file in files[:1])):
        root = find_project(start)
        settings = root / "pyproject.toml"
        if settings.is_file() and "ctrlgen" in tomllib.loads(settings.read_text("utf-8")).get("tool", {}):
            return root
    return None


def _shown(file: Path) -> str:
    """Return a path as one would type it here."""
    path = Path(os.path.relpath(file)) if file.is_absolute() and file.is_relative_to(Path.cwd()) else file
    return path.as_posix()


def _print_summary(diagnostics: Sequence[Diagnostic], results: Sequence[FileResult], *, fix: bool) -> None:
    fixed = sum(result.fixed for result in results)
    files = len({it.path for it in diagnostics})
    parts = [f"{len(results)} files checked"] if len(results) != 1 else ["1 file checked"]
    if fix:
        parts.append(f"{fixed} fixed")
    found = len(diagnostics)
    parts.append(f"{found} finding{'s' * (found != 1)} in {files} file{'s' * (files != 1)}" if found else "no findings")
    fixable = sum(bool(it.edits) for it in diagnostics)
    if fixable and not fix:
        parts.append(f"{fixable} can be fixed with --fix")
    typer.echo(", ".join(parts), err=True)
