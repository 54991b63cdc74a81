"""The command line of ctrlgen: ``ctrlgen generate | check | diff | explain | init | watch | lint | drift``.

Exit codes: 0 success; 1 stale files, an unknown state, or findings; 2 an error in the usage, configuration or models.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer

from ctrlgen.errors import CtrlgenError, bug
from ctrlgen.findings import DOCS, Finding, Location
from ctrlgen.output_formats import FORMATS, TEXT, check_format
from ctrlgen.pipeline import compare_with_disk, generate, write
from ctrlgen.plain_options import plain_values
from ctrlgen.progress import shown_progress
from ctrlgen.project_lock import locked
from ctrlgen.record import Record
from ctrlgen.report import (
    DETAIL,
    make_printable,
    print_diff,
    print_error,
    print_findings,
    print_interrupted,
    print_summary,
    print_unencodable,
    print_usage_error,
    reported,
)
from ctrlgen.settings import SETTINGS, Config, Settings, find_project, read_config
from ctrlgen.write import Changes, unified_diff


def _epilog(example: str, page: str, without: Collection[str] = ()) -> str:
    """Return the text below the options of a command: an example, the settings that it reads, and its documentation."""
    obeyed = ", ".join(name for name in SETTINGS if name not in without)
    return f"Example: {example}\n\nSettings in \\[tool.ctrlgen] of pyproject.toml: {obeyed}\n\nDocs: {DOCS}/{page}"


EPILOG = f"""\
Example: ctrlgen init, then ctrlgen generate after every change to a model

`ctrlgen COMMAND --help` lists the settings of a command.

Docs: {DOCS}/index.md"""

app = typer.Typer(
    name="ctrlgen",
    help="Emit typed async controllers for the SQLModel models of a project.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""The exception that typer raises for invalid arguments. It is caught to print it like all other errors."""


def _completing(*formats: str) -> Callable[[str], list[str]]:
    """Return a function for the shell, which completes a word to the formats that begin with it."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in formats if name.startswith(incomplete)]

    return complete


ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        help="Project folder. Default: searched upwards.",
        metavar="DIR",
    ),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option("--models", help="Import path of the models. May be repeated.", metavar="MODULE"),
]
OutputOption = Annotated[str | None, typer.Option("--output", help="Folder of the emitted package.", metavar="DIR")]
PackageOption = Annotated[str | None, typer.Option("--package", help="Import name of the package.", metavar="NAME")]
TestsOption = Annotated[str | None, typer.Option("--tests", help="Folder of the test stubs.", metavar="DIR")]
CacheOption = Annotated[
    str | None, typer.Option("--cache-dir", help="Folder of the cache. Default: $CTRLGEN_CACHE_DIR.", metavar="DIR")
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print neither warnings nor a summary.")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        help="Output format: text, github, json or sarif.",
        metavar="FORMAT",
        show_default=False,
        autocompletion=_completing(TEXT, *FORMATS),
    ),
]


def _note_verbose(is_set: bool) -> bool:
    DETAIL.verbose = DETAIL.verbose or is_set
    return is_set


def _note_traceback(is_set: bool) -> bool:
    DETAIL.traceback = DETAIL.traceback or is_set
    return is_set


VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Print all warnings and chains of failed imports.",
        callback=_note_verbose,
    ),
]
TracebackOption = Annotated[
    bool, typer.Option("--traceback", help="Print the traceback of a failure.", callback=_note_traceback)
]


ProjectOptions = tuple[Path, Settings]
"""The project's folder, and the settings from the options."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished or recorded run of the pipeline: the configuration, and the changes to the files on disk."""

    config: Config
    changes: Changes
    findings: tuple[Finding, ...]
    origins: Mapping[str, Location] = field(default_factory=dict[str, Location])
    """The locations of the models, by the modules of their controllers."""
    incomplete: Finding | None = None
    """The reason why models may be missing: a module that cannot be imported."""


@app.command("generate", epilog=_epilog("ctrlgen generate --models app.models --output app/db", "commands.md"))
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
    _traceback: TracebackOption = False,
) -> None:
    """Generate the controllers. Writes all changed files, or none."""
    project_options = _project_options(project, models, output, package, tests, cache_dir)
    with _run(
        project_options, quiet=quiet, verbose=verbose, no_cache=no_cache, output_format=output_format, to_write=True
    ) as run:
        write(run.changes, run.config)
    if output_format != TEXT:
        _print_report(run, output_format, None, quiet=quiet)
    elif not quiet:
        print_summary(run.changes, run.config.project)
        _print_upgrade(run)


@app.command(epilog=_epilog("ctrlgen check --quiet", "commands.md"))
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
    _traceback: TracebackOption = False,
) -> None:
    """Check that the controllers match the models. Exits with 1, and shows the diff, if they do not.

    Also exits with 1 if models may be missing, because a submodule cannot be imported.
    """
    project_options = _project_options(project, models, output, package, tests, cache_dir)
    with _run(project_options, quiet=quiet, verbose=verbose, no_cache=no_cache, output_format=output_format) as run:
        pass  # the disk has been read
    if output_format != TEXT:
        _print_report(run, output_format, run.changes, quiet=quiet)
    elif run.changes.pending or run.incomplete:
        from ctrlgen.staleness import print_outcome  # imported only if there is something to print

        print_outcome(run.changes, run.incomplete, run.config)
    elif not quiet:
        typer.echo(f"{len(run.changes.files)} files are up to date")
    if run.changes.pending or run.incomplete:
        raise typer.Exit(1)


@app.command(epilog=_epilog("ctrlgen diff | less", "commands.md"))
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
    _traceback: TracebackOption = False,
) -> None:
    """Show what `generate` would change, without writing it."""
    project_options = _project_options(project, models, output, package, tests, cache_dir)
    with _run(project_options, quiet=quiet, verbose=verbose, no_cache=no_cache) as run:
        pass  # the disk has been read
    print_diff(unified_diff(run.changes, run.config.project))


@app.command(
    epilog=_epilog(
        "ctrlgen explain User.get_by_id --format json",
        "commands.md",
        without=("tests", "silence", "cache_dir"),
    )
)
def explain(
    choice: Annotated[
        str | None, typer.Argument(help="A model or one of its methods. Default: all.", metavar="MODEL.METHOD")
    ] = None,
    indexes: Annotated[bool, typer.Option("--indexes", help="Print the missing `Index(...)` lines.")] = False,
    output_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="Output format: text or json.",
            metavar="FORMAT",
            autocompletion=_completing(TEXT, "json"),
        ),
    ] = "text",
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the explorer, a page with all of it; `-` prints it.", metavar="FILE"),
    ] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the tables as a Mermaid diagram.")] = False,
    dot: Annotated[bool, typer.Option("--dot", help="Print the tables as a Graphviz graph.")] = False,
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    quiet: QuietOption = False,
    _verbose: VerboseOption = False,
    _traceback: TracebackOption = False,
) -> None:
    """Show the signature, SQL and index of each method, and the methods that are not emitted."""
    from ctrlgen.explain.explain_command import Form
    from ctrlgen.explain.explain_command import explain as run_explain

    project_options = _project_options(project, models, output, package, None)
    with reported(project_options[0], TEXT):
        run_explain(
            read_config(*project_options), choice, Form(output_format, indexes, html, mermaid, dot), quiet=quiet
        )


@app.command(
    epilog="Example: ctrlgen init --yes --models app.models --output app/db\n\n"
    f"Settings written: models, output, package, tests\n\nDocs: {DOCS}/commands.md"
)
def init(
    project: Annotated[
        Path, typer.Option("--project", help="Project folder. Default: here.", metavar="DIR", show_default=False)
    ] = Path(),
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    pre_commit: Annotated[
        bool | None,
        typer.Option("--pre-commit/--no-pre-commit", help="Whether to add the pre-commit hook. Default: ask."),
    ] = None,
    alembic: Annotated[
        bool | None, typer.Option("--alembic/--no-alembic", help="Whether to set up Alembic migrations. Default: ask.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept all suggestions. Tests only with --tests.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes only.")] = False,
    quiet: QuietOption = False,
    _verbose: VerboseOption = False,
    _traceback: TracebackOption = False,
) -> None:
    """Find the models, and add the settings to pyproject.toml without changing anything else in it."""
    from ctrlgen.init import InitOptions
    from ctrlgen.init import init as run_init

    root, settings = _project_options(project, models, output, package, tests)
    with reported(root, TEXT):
        run_init(root, settings, InitOptions(pre_commit, alembic, yes, dry_run, quiet))


@app.command(epilog=_epilog("ctrlgen watch --quiet", "commands.md"))
def watch(
    project: ProjectOption = None,
    models: ModelsOption = None,
    output: OutputOption = None,
    package: PackageOption = None,
    tests: TestsOption = None,
    cache_dir: CacheOption = None,
    no_cache: NoCacheOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    _traceback: TracebackOption = False,
) -> None:
    """Generate whenever a source file or the configuration is saved, until Ctrl-C."""
    from ctrlgen.watch import watch as run_watch

    project_options = _project_options(project, models, output, package, tests, cache_dir)

    def read() -> Config:
        with reported(project_options[0], TEXT):
            return read_config(*project_options)

    run_watch(
        read,
        lambda: _run(project_options, quiet=True, verbose=verbose, no_cache=no_cache, to_write=True),
        quiet=quiet,
        verbose=verbose,
    )


@app.command(
    epilog="Example: ctrlgen lint app tests --select CGL1,CGL2 --format github\n\n"
    "Settings in \\[tool.ctrlgen.lint]: select, ignore, exclude, force-exclude, per-file-ignores\n\n"
    f"Docs: {DOCS}/lint.md"
)
def lint(
    paths: Annotated[list[str], typer.Argument(help="Files and folders to check.", metavar="PATH...")],
    select: Annotated[
        list[str] | None, typer.Option("--select", help="Codes, or prefixes of codes, to report.", metavar="CODES")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="Codes, or prefixes of codes, to ignore.", metavar="CODES")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Apply the safe fixes.")] = False,
    output_format: FormatOption = TEXT,
    force_exclude: Annotated[bool, typer.Option("--force-exclude", help="Apply `exclude` also to arguments.")] = False,
    project: ProjectOption = None,
    quiet: QuietOption = False,
    _verbose: VerboseOption = False,
    _traceback: TracebackOption = False,
) -> None:
    """Report queries and database code that should use an emitted method, or be written differently.

    Exits with 1 if there are findings. A comment `# ctrlgen: ignore[CGL101]` suppresses a finding on its line.
    """
    from ctrlgen.lint.lint_command import lint as run_lint  # imports libcst, which no other command needs

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


@app.command(
    epilog="Example: ctrlgen drift --database postgresql://bot@localhost/bot\n\n"
    f"Settings in \\[tool.ctrlgen] of pyproject.toml: models, silence\n\nDocs: {DOCS}/drift.md"
)
def drift(
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            help="Address of the database to compare.",
            metavar="URL",
            envvar="DATABASE_URL",
            show_envvar=True,
        ),
    ] = None,
    alembic: Annotated[
        Path | None,
        typer.Option("--alembic", help="Alembic's configuration file. Default: alembic.ini.", metavar="FILE"),
    ] = None,
    project: ProjectOption = None,
    models: ModelsOption = None,
    output_format: FormatOption = TEXT,
    quiet: QuietOption = False,
    _verbose: VerboseOption = False,
    _traceback: TracebackOption = False,
) -> None:
    """Compare the models with a live database and the migrations, read-only.

    Exits with 1 if there are differences.
    """
    from ctrlgen.drift.drift_command import drift as run_drift  # needed only for this command

    flags = Settings.of(models, None, None, None)
    code = run_drift(database, flags=flags, project=project, alembic=alembic, output_format=output_format, quiet=quiet)
    raise typer.Exit(code)


def _project_options(
    project: Path | None,
    models: list[str] | None,
    output: str | None,
    package: str | None,
    tests: str | None,
    cache_dir: str | None = None,
) -> ProjectOptions:
    """Return the project's folder and the settings from the options, with paths relative to the current directory."""
    root = project or find_project(Path())
    return root, Settings.of(models, _from(root, output), package, _from(root, tests), cache_dir)


def _from(root: Path, folder: str | None) -> str | None:
    """Return a path relative to the current directory as a path relative to the project."""
    return folder and Path(os.path.relpath(folder, root)).as_posix()


@contextmanager
def _run(
    project_options: ProjectOptions,
    *,
    quiet: bool,
    verbose: bool,
    no_cache: bool,
    output_format: str = TEXT,
    to_write: bool = False,
) -> Generator[Run]:
    """Run the pipeline up to the changes, or use its record, and hold the project's lock until the block ends.

    The block writes the changes, if the command writes.
    """
    DETAIL.verbose = verbose
    root, _ = project_options
    with reported(root, output_format):
        check_format(output_format)
        config = read_config(*project_options)
        config = replace(config, cache=None) if no_cache else config
        silent = quiet or output_format != TEXT
        record = Record.of(config)
        with locked(config.project, to_write=to_write):
            if record and (known := record.recall()):
                sys.stderr.write(known.printed)
                _print_findings(known.findings, quiet=silent, verbose=verbose)
                yield Run(config, Changes.of_unchanged(known.files), known.findings)
                return
            with shown_progress(quiet=silent) as step:
                generation = generate(config, step)
            changes = compare_with_disk(generation, config)  # an error comes without warnings that it may have caused
            _print_findings(generation.findings, quiet=silent, verbose=verbose)
            yield Run(config, changes, generation.findings, generation.origins, generation.incomplete)
            if record and (to_write or not changes.pending):
                record.remember(generation, changes, config.output)
            _delete_leftovers()


def _delete_leftovers() -> None:
    from ctrlgen.scratch import delete_leftovers  # not needed for a recorded run

    delete_leftovers()


def _print_findings(findings: tuple[Finding, ...], *, quiet: bool, verbose: bool) -> None:
    if not quiet:
        print_findings(findings, verbose=verbose)


def _print_report(run: Run, output_format: str, changes: Changes | None, *, quiet: bool) -> None:
    from ctrlgen.staleness import print_report, stale_problems

    warnings = [] if quiet else [finding for finding in run.findings if finding != run.incomplete]
    failures = stale_problems(changes, run.config, run.origins, run.incomplete) if changes else []
    print_report(output_format, run.config.project, warnings, failures)


def _print_upgrade(run: Run) -> None:
    """Print a note if the files had been generated by an older ctrlgen."""
    if run.changes.pending:
        from ctrlgen.staleness import print_upgraded

        print_upgraded(run.changes, run.config)


def _print_version(is_set: bool) -> None:
    if is_set:
        from importlib.metadata import version  # importing it takes as long as the rest of the startup

        typer.echo(f"ctrlgen {version('ctrlgen')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Handle the options before the command."""


def main() -> NoReturn:
    """Run the command. Errors of the user are printed without a traceback."""
    gc.set_threshold(100_000)  # there is hardly any garbage before the process ends
    make_printable()
    sys.exit(_exit_code())


_COMMANDS: dict[str, Callable[..., None]] = {"generate": generate_command, "check": check, "diff": diff}


def _run_plainly() -> bool:
    """Run a frequent command without Typer's parser, whose import of pydantic doubles the time of a short run.

    Typer parses everything that is not a well-formed option of such a command: mistakes, ``--help``, other commands.
    """
    name, *arguments = sys.argv[1:] or [""]
    values = plain_values(_COMMANDS[name], arguments) if name in _COMMANDS else None
    if values is None:
        return False
    try:
        _COMMANDS[name](**values)
    except typer.Exit as ending:
        sys.exit(ending.exit_code)
    return True


def _exit_code() -> int:
    """Run the command and return its exit code."""
    try:
        code: object = 0 if _run_plainly() else app(standalone_mode=False, prog_name="ctrlgen")
    except CtrlgenError as error:
        print_error(error)
    except _USAGE_ERROR as error:
        print_usage_error(error)
    except typer.Abort:
        print_interrupted()
        return 130
    except Exception as error:  # noqa: BLE001 - printed with its traceback, if the user asks for it
        if isinstance(error, UnicodeEncodeError) and sys.getfilesystemencoding() != "utf-8":
            print_unencodable(error)
        else:
            print_error(bug("a bug in ctrlgen, not in your models", error))
    else:
        return code if isinstance(code, int) else 0
    return 2
