"""The command line: ``ctrlgen generate | check | diff | lint | drift``.

Exit codes: 0 fine, 1 stale, unknown or findings, 2 a mistake in usage, configuration or models.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

from ctrlgen.error_reports import reported
from ctrlgen.errors import CtrlgenError
from ctrlgen.finding import Finding, Location
from ctrlgen.output_formats import TEXT, check_format
from ctrlgen.pipeline import compare_with_disk, generate, write
from ctrlgen.project_lock import locked
from ctrlgen.record import Record
from ctrlgen.report import (
    make_printable,
    print_bug,
    print_diff,
    print_error,
    print_findings,
    print_interrupted,
    print_summary,
    print_unencodable,
    print_usage_error,
)
from ctrlgen.settings import Config, Settings, find_project, read_config
from ctrlgen.write import Changes, unified_diff

app = typer.Typer(
    name="ctrlgen",
    help="Emit typed async controllers for the SQLModel models of a project.",
    epilog="Settings, in \\[tool.ctrlgen] of pyproject.toml: models, output, package, tests, cache_dir. "
    "Each is also a flag.",
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
CacheOption = Annotated[
    str | None, typer.Option("--cache-dir", help="Folder of the cache; else $CTRLGEN_CACHE_DIR.", metavar="DIR")
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Run without the cache: use it not, keep nothing.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")]
FormatOption = Annotated[
    str, typer.Option("--format", help="text, github, json or sarif.", metavar="FORMAT", show_default=False)
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print every warning, not only three of a kind.")]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run of the pipeline, or a recorded one: the configuration, and what it would change on disk."""

    config: Config
    changes: Changes
    findings: tuple[Finding, ...]
    origins: Mapping[str, Location] = field(default_factory=dict[str, Location])
    """Where the models are declared, by the modules of their controllers."""
    incomplete: Finding | None = None
    """Why models may be missing: a module of theirs could not be imported."""


@app.command("generate")
def generate_command(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    cache_dir: CacheOption = None,
    no_cache: NoCacheOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    output_format: FormatOption = TEXT,
) -> None:
    """Write the controllers: what changed, all of it or nothing."""
    flags = Settings.of(models, output, package, tests, cache_dir)
    with _run(
        flags, project, quiet=quiet, verbose=verbose, no_cache=no_cache, output_format=output_format, to_write=True
    ) as run:
        write(run.changes, run.config)
    if output_format != TEXT:
        _print_report(run, output_format, None)
    elif not quiet:
        print_summary(run.changes, run.config.project)
        _print_upgrade(run)


@app.command()
def check(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    cache_dir: CacheOption = None,
    no_cache: NoCacheOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    output_format: FormatOption = TEXT,
) -> None:
    """Exit with 1, and show the diff, when the controllers are not what the models say.

    The same when ctrlgen cannot tell, because a module of models could not be imported.
    """
    flags = Settings.of(models, output, package, tests, cache_dir)
    with _run(flags, project, quiet=quiet, verbose=verbose, no_cache=no_cache, output_format=output_format) as run:
        pass  # the disk has been read
    if output_format != TEXT:
        _print_report(run, output_format, run.changes)
    elif run.changes.pending or run.incomplete:
        from ctrlgen.staleness import print_outcome  # only where there is something to say

        print_outcome(run.changes, run.incomplete, run.config)
    elif not quiet:
        typer.echo(f"{len(run.changes.files)} files are up to date")
    if run.changes.pending or run.incomplete:
        raise typer.Exit(1)


@app.command()
def diff(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    cache_dir: CacheOption = None,
    no_cache: NoCacheOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show what `generate` would change, and change nothing."""
    flags = Settings.of(models, output, package, tests, cache_dir)
    with _run(flags, project, quiet=quiet, verbose=verbose, no_cache=no_cache) as run:
        pass  # the disk has been read
    print_diff(unified_diff(run.changes, run.config.project))


@app.command(epilog="Example: ctrlgen lint app tests --select CGL1,CGL2 --format github")
def lint(
    paths: Annotated[list[str], typer.Argument(help="Files and folders of hand-written code.", metavar="PATH...")],
    select: Annotated[
        list[str] | None, typer.Option("--select", help="Only these codes, or all that begin so.", metavar="CODES")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", help="Not these codes.", metavar="CODES")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Fix what can be fixed without a choice to make.")] = False,
    output_format: FormatOption = TEXT,
    force_exclude: Annotated[bool, typer.Option("--force-exclude", help="Exclude files that are named, too.")] = False,
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
        force_exclude=force_exclude,
        output_format=output_format,
        project=project,
        quiet=quiet,
    )
    raise typer.Exit(code)


@app.command(epilog="Example: ctrlgen drift --database postgresql://bot@localhost/bot")
def drift(
    database: Annotated[
        str | None,
        typer.Option("--database", help="Its address.", metavar="URL", envvar="DATABASE_URL", show_envvar=True),
    ] = None,
    alembic: Annotated[
        Path | None, typer.Option("--alembic", help="Alembic's file, if not alembic.ini here.", metavar="FILE")
    ] = None,
    project: ProjectOption = None,
    models: ModelsOption = None,
    output_format: FormatOption = TEXT,
    quiet: QuietOption = False,
) -> None:
    """Compare the models with a live database, and with the migrations; change nothing.

    Exits with 1 for differences, one line each. What they mean: docs/messages.md.
    """
    from ctrlgen.drift.drift_command import drift as run_drift  # for this command alone

    flags = Settings.of(models, None, None, None)
    code = run_drift(database, flags=flags, project=project, alembic=alembic, output_format=output_format, quiet=quiet)
    raise typer.Exit(code)


@contextmanager
def _run(
    flags: Settings,
    project: Path | None,
    *,
    quiet: bool,
    verbose: bool,
    no_cache: bool,
    output_format: str = TEXT,
    to_write: bool = False,
) -> Generator[Run]:
    """Run the pipeline up to the changes, or recall what it would come to; nobody else writes until the block ends.

    With the block, the changes are written if that is what the run is for.
    """
    root = project or find_project(Path())
    with reported(root, output_format):
        check_format(output_format)
        config = read_config(root, flags)
        config = replace(config, cache=None) if no_cache else config
        silent = quiet or output_format != TEXT
        record = Record.of(config)
        with locked(config.project, to_write=to_write):
            if record and (known := record.recall()):
                sys.stderr.write(known.printed)
                _print_findings(known.findings, quiet=silent, verbose=verbose)
                yield Run(config, Changes.of_unchanged(known.files), known.findings)
                return
            generation = generate(config)
            _print_findings(generation.findings, quiet=silent, verbose=verbose)
            changes = compare_with_disk(generation, config)
            yield Run(config, changes, generation.findings, generation.origins, generation.incomplete)
            if record and (to_write or not changes.pending):
                record.remember(generation, changes, config.output)
            _delete_leftovers()


def _delete_leftovers() -> None:
    from ctrlgen.scratch import delete_leftovers  # which a run that is recalled does without

    delete_leftovers()


def _print_findings(findings: tuple[Finding, ...], *, quiet: bool, verbose: bool) -> None:
    if not quiet:
        print_findings(findings, verbose=verbose)


def _print_report(run: Run, output_format: str, changes: Changes | None) -> None:
    from ctrlgen.staleness import print_report, stale_problems

    warnings = run.findings if run.incomplete is None else [each for each in run.findings if each != run.incomplete]
    failures = stale_problems(changes, run.config, run.origins, run.incomplete) if changes else []
    print_report(output_format, warnings, failures)


def _print_upgrade(run: Run) -> None:
    """Say that the files were made by an older ctrlgen, if they were."""
    if run.changes.pending:
        from ctrlgen.staleness import print_upgraded

        print_upgraded(run.changes, run.config)


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


def main() -> NoReturn:
    """Run the command; a user's mistake is a message, never a traceback."""
    gc.set_threshold(100_000)  # hardly anything is garbage before the end
    make_printable()
    sys.exit(_exit_code())


_COMMANDS = {"generate": generate_command, "check": check, "diff": diff}
_FLAGS = {"-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose"}


def _run_plainly() -> bool:
    """Run a command whose arguments need no parsing: for that Typer imports pydantic, which doubles a short run."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in _COMMANDS or not _FLAGS.keys() >= {*arguments}:
        return False
    flags = {_FLAGS[argument] for argument in arguments}
    try:
        _COMMANDS[name](quiet="quiet" in flags, verbose="verbose" in flags)
    except typer.Exit as ending:
        sys.exit(ending.exit_code)
    return True


def _exit_code() -> int:
    """Run the command and return its exit code."""
    try:
        code: object = 0 if _run_plainly() else app(standalone_mode=False)
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
