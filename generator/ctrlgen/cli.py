"""The command line: ``ctrlgen generate | check | diff | lint``.

Exit codes: 0 fine, 1 stale, unknown or findings, 2 a mistake in usage, configuration or models.
"""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import typer

from ctrlgen.errors import CtrlgenError
from ctrlgen.pipeline import compare_with_disk, generate, write
from ctrlgen.report import (
    make_printable,
    print_bug,
    print_error,
    print_findings,
    print_incomplete,
    print_interrupted,
    print_stale,
    print_summary,
    print_unencodable,
    print_usage_error,
)
from ctrlgen.schema import Finding
from ctrlgen.settings import Config, Settings, find_project, read_config
from ctrlgen.write import Changes, unified_diff

app = typer.Typer(
    name="ctrlgen",
    help="Emit typed async controllers for the SQLModel models of a project.",
    epilog="Settings, under \\[tool.ctrlgen] of pyproject.toml: models, output, package, tests. Each is also a flag.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""What typer raises for arguments that it cannot understand; by itself it prints that in another form than ours."""

ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="The project's folder; found from here upwards when omitted.", metavar="DIR"),
]
ModelsOption = Annotated[
    list[str] | None, typer.Option("--models", help="Import path of the models; may be repeated.", metavar="MODULE")
]
OutputOption = Annotated[str | None, typer.Option("--output", help="Folder of the generated package.", metavar="DIR")]
PackageOption = Annotated[str | None, typer.Option("--package", help="Its import name.", metavar="NAME")]
TestsOption = Annotated[str | None, typer.Option("--tests", help="Folder of the test stubs.", metavar="DIR")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print every warning, not only three of a kind.")]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run of the pipeline: the configuration, and what it would change on disk."""

    config: Config
    changes: Changes
    incomplete: Finding | None
    """Why models may be missing: a module of theirs could not be imported."""


@app.command("generate")
def generate_command(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write the controllers: what changed, all of it or nothing."""
    run = _run(Settings.of(models, output, package, tests), project, quiet=quiet, verbose=verbose)
    write(run.changes, run.config)
    if not quiet:
        print_summary(run.changes, run.config.project)


@app.command()
def check(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Exit with 1, and show the diff, when the controllers are not what the models say.

    The same when ctrlgen cannot tell, because a module of models could not be imported.
    """
    run = _run(Settings.of(models, output, package, tests), project, quiet=quiet, verbose=verbose)
    if not run.changes.pending and run.incomplete:
        print_incomplete(run.incomplete)
        raise typer.Exit(1)
    if not run.changes.pending:
        if not quiet:
            typer.echo(f"{len(run.changes.files)} files are up to date")
        return
    typer.echo(unified_diff(run.changes, run.config.project), nl=False)
    print_stale(run.changes, run.config.project)
    raise typer.Exit(1)


@app.command()
def diff(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show what `generate` would change, and change nothing."""
    run = _run(Settings.of(models, output, package, tests), project, quiet=quiet, verbose=verbose)
    typer.echo(unified_diff(run.changes, run.config.project), nl=False)


@app.command(epilog="Example: ctrlgen explain User.get_by_id --format json")
def explain(
    choice: Annotated[
        str | None, typer.Argument(help="A model, or a method of it; every model when omitted.", metavar="MODEL.METHOD")
    ] = None,
    indexes: Annotated[bool, typer.Option("--indexes", help="Print the missing `Index(...)` lines.")] = False,
    output_format: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")] = "text",
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the explorer: one page with a diagram and all details.", metavar="FILE"),
    ] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the tables as a Mermaid diagram.")] = False,
    dot: Annotated[bool, typer.Option("--dot", help="Print the tables as a Graphviz graph.")] = False,
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show what each method is called with, the SQL it sends, and the index behind it; and what is not emitted."""
    from ctrlgen.commands.explain import Form
    from ctrlgen.commands.explain import explain as run_explain

    config = read_config(_project(project), Settings.of(models, output, package, None))
    run_explain(config, choice, Form(output_format, indexes, html, mermaid, dot), quiet=quiet)


@app.command(epilog="Example: ctrlgen init --yes --models app.models --output app/db")
def init(
    project: Annotated[
        Path, typer.Option("--project", help="The project's folder; this one when omitted.", metavar="DIR")
    ] = Path(),
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    pre_commit: Annotated[
        bool | None, typer.Option("--pre-commit/--no-pre-commit", help="Add the hook, or not; asked when omitted.")
    ] = None,
    alembic: Annotated[
        bool | None, typer.Option("--alembic/--no-alembic", help="Set up migrations, or not; asked when omitted.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take what is suggested.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Find the models and write `[tool.ctrlgen]`; nothing else in pyproject.toml changes."""
    from ctrlgen.commands.init import Wishes
    from ctrlgen.commands.init import init as run_init

    settings = Settings.of(models, output, package, tests)
    run_init(project, settings, Wishes(pre_commit, alembic, yes, dry_run, quiet))


@app.command(epilog="Example: ctrlgen watch --quiet")
def watch(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Generate whenever a source or the configuration is saved, until Ctrl-C."""
    from ctrlgen.commands.watch import watch as run_watch

    root, flags = _project(project), Settings.of(models, output, package, tests)
    raise typer.Exit(run_watch(lambda: read_config(root, flags), quiet=quiet, verbose=verbose))


@app.command(epilog="Example: ctrlgen lint app tests --select CGL1,CGL2 --format github")
def lint(
    paths: Annotated[list[str], typer.Argument(help="Files and folders of hand-written code.", metavar="PATH...")],
    select: Annotated[
        list[str] | None, typer.Option("--select", help="Only these codes, or all that begin so.", metavar="CODES")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", help="Not these codes.", metavar="CODES")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Fix what can be fixed without a choice to make.")] = False,
    output_format: Annotated[
        str, typer.Option("--format", help="text, github, json or sarif.", metavar="FORMAT")
    ] = "text",
    project: ProjectOption = None,
    quiet: QuietOption = False,
) -> None:
    """Report queries and database code that an emitted method, or another way of writing it, would improve.

    Exits with 1 when something is found. `# ctrlgen: ignore[CGL101]` on its line keeps a finding quiet. The rules:
    docs/lint.md.
    """
    from ctrlgen.lint.command import lint as run_lint  # libcst is for this command alone

    code = run_lint(
        paths,
        select=select or (),
        ignore=ignore or (),
        fix=fix,
        output_format=output_format,
        project=project,
        quiet=quiet,
    )
    raise typer.Exit(code)


def _project(given: Path | None) -> Path:
    return given or find_project(Path())


def _run(flags: Settings, project: Path | None, *, quiet: bool, verbose: bool) -> Run:
    config = read_config(_project(project), flags)
    generation = generate(config)
    if not quiet:
        print_findings(generation.findings, verbose=verbose)
    return Run(config, compare_with_disk(generation, config), generation.incomplete)


def _print_version(is_set: bool) -> None:
    if is_set:
        from importlib.metadata import version  # which takes as long as all the rest of the start

        typer.echo(f"ctrlgen {version('ctrlgen')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command; a user's mistake is a message, never a traceback."""
    gc.set_threshold(100_000)  # hardly anything is garbage before the end
    make_printable()
    sys.exit(_exit_code())


def _exit_code() -> int:
    """Run the command and return its exit code."""
    try:
        code: object = app(standalone_mode=False)
    except CtrlgenError as error:
        print_error(error)
    except _USAGE_ERROR as error:
        print_usage_error(error)
    except typer.Abort:
        print_interrupted()
        return 130
    except Exception as error:
        if os.environ.get("CTRLGEN_TRACEBACK"):
            raise
        if isinstance(error, UnicodeEncodeError) and sys.getfilesystemencoding() != "utf-8":
            print_unencodable(error)
        else:
            print_bug(error)
    else:
        return code if isinstance(code, int) else 0
    return 2
