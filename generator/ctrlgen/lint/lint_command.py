"""Implements ``ctrlgen lint``. ``cli`` passes the arguments, and exits with the code that ``lint`` returns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer

from ctrlgen.errors import CtrlgenError, UnknownCodeError, counted
from ctrlgen.findings import DOCS
from ctrlgen.lint.codes import Choice, codes_of
from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.emitted_methods import EmittedMethods, emitted_methods
from ctrlgen.lint.files import python_files
from ctrlgen.lint.lint_settings import LintSettings, read_lint_settings
from ctrlgen.lint.registry import docs_of
from ctrlgen.lint.rules import RULES
from ctrlgen.lint.runner import Checker, FileResult, check_files, needs_plan
from ctrlgen.output_formats import FORMATS, TEXT, Problem, Reporter, RuleEntry, check_format
from ctrlgen.report import print_details, reported
from ctrlgen.settings import Settings, find_project, is_configured, read_config, read_section


def lint(
    paths: Sequence[str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    fix: bool = False,
    force_exclude: bool = False,
    output_format: str = "text",
    project: Path | None = None,
    quiet: bool = False,
) -> int:
    """Check files, print the findings, and return the exit code.

    Raises
    ------
    CtrlgenError
        A path, code or format does not exist.
    """
    check_format(output_format)
    root = project or _project_of([Path(path) for path in paths])
    with reported(root or Path(), output_format):
        settings = read_lint_settings(root)
        if force_exclude:
            settings = replace(settings, force_exclude=True)
        choice = _choice(select, ignore, settings)
        files = python_files(paths or ["."], settings)
        emitted = _emitted(files, choice, root, quiet=quiet)
    results = check_files(files, Checker(choice, emitted, fix, settings), _shown)
    diagnostics = [diagnostic for result in results for diagnostic in result.diagnostics]
    typer.echo(_formatted(diagnostics, output_format), nl=False)
    if not quiet:
        _print_summary(diagnostics, results, fix=fix)
    for result in results:
        if result.unwritten:
            typer.echo(f"error: {result.unwritten}", err=True)
    return 1 if diagnostics else 0


def _formatted(diagnostics: Sequence[Diagnostic], output_format: str) -> str:
    if output_format == TEXT:
        return "".join(diagnostic.text for diagnostic in diagnostics)
    rules = tuple(RuleEntry(rule.code, rule.name, rule.why, rule.docs()) for rule in RULES)
    return FORMATS[output_format](
        [_problem(diagnostic) for diagnostic in diagnostics], Reporter("ctrlgen lint", Path(), rules)
    )


def _problem(diagnostic: Diagnostic) -> Problem:
    return Problem(
        diagnostic.path,
        diagnostic.code,
        diagnostic.message,
        f"Instead: {diagnostic.replacement}",
        line=diagnostic.line,
        column=diagnostic.column,
        end_line=diagnostic.end.line,
        end_column=diagnostic.end.column + 1,
        docs=docs_of(diagnostic.code),
        details={"replacement": diagnostic.replacement, "fixable": bool(diagnostic.edits)},
    )


def _choice(select: Sequence[str], ignore: Sequence[str], settings: LintSettings) -> Choice:
    """Return the codes to report. As in ruff, the command line takes precedence over the settings."""
    selected, ignored = _codes(select, "--select"), _codes(ignore, "--ignore")
    if selected:
        return Choice(selected, ignored)
    return Choice(settings.select, (*settings.ignore, *ignored))


def _codes(values: Sequence[str], option: str) -> tuple[str, ...]:
    """Return the codes and prefixes in ``CGL101,CGL3``."""
    codes, unknown = codes_of(values)
    if unknown:
        hint = f"use a code such as CGL101, or a prefix such as CGL1; {DOCS}/lint.md lists the codes"
        raise UnknownCodeError(f"`{option} {unknown[0]}`: no rule has that code", hint=hint)
    return codes


def _emitted(files: Sequence[Path], choice: Choice, root: Path | None, *, quiet: bool) -> EmittedMethods | None:
    """Return the methods emitted for the project's models; None without a project, or if they cannot be loaded."""
    if not (choice.allows("CGL101") or choice.allows("CGL103")) or not needs_plan(files):
        return None
    if root is None or "models" not in read_section(root / "pyproject.toml"):
        return None
    try:
        return emitted_methods(read_config(root, Settings()))
    except CtrlgenError as error:
        if not quiet:
            typer.echo(f"warning: the models cannot be loaded, so CGL103 is not checked: {error}", err=True)
            print_details(error.import_chain, error.traceback)
        return None


def _project_of(paths: Sequence[Path]) -> Path | None:
    """Return the configured project of the current directory, or of the first path."""
    for start in (Path(), *paths[:1]):
        root = find_project(start)
        if is_configured(root):
            return root
    return None


def _shown(file: Path) -> str:
    """Return a path relative to the current directory."""
    path = Path(os.path.relpath(file)) if file.is_absolute() and file.is_relative_to(Path.cwd()) else file
    return path.as_posix()


def _print_summary(diagnostics: Sequence[Diagnostic], results: Sequence[FileResult], *, fix: bool) -> None:
    fixed = sum(result.fixed for result in results)
    files = len({diagnostic.path for diagnostic in diagnostics})
    parts = [f"{counted(len(results), 'file')} checked"]
    if fix:
        parts.append(f"{fixed} fixed")
    findings = f"{counted(len(diagnostics), 'finding')} in {counted(files, 'file')}"
    parts.append(findings if diagnostics else "no findings")
    fixable = sum(result.fixable for result in results)
    if fixable and not fix:
        parts.append(f"{fixable} can be fixed with --fix")
    typer.echo(", ".join(parts), err=True)
