"""What ``check`` says of stale files: what the change means, then the diff; or that an older ctrlgen made them.

``cli`` calls it, and only where there is something to say.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from ctrlgen.errors import DOCS
from ctrlgen.finding import Finding, Location
from ctrlgen.findings import FAILED_IMPORT, OLDER_FORMAT, RULES, STALE
from ctrlgen.header import FORMAT, format_of, version_key
from ctrlgen.meaning import Meaning, meaning_of
from ctrlgen.output_formats import FORMATS, Problem, problem_of_finding, reporter_of
from ctrlgen.report import echo, print_diff, print_incomplete, print_stale
from ctrlgen.settings import Config
from ctrlgen.write import Change, Changes, unified_diff

CHANGELOG = f"{DOCS.removesuffix('/docs')}/CHANGELOG.md"


def older_format(changes: Changes) -> str | None:
    """Return the oldest version of ctrlgen that made a file on the disk, if that is not this one."""
    oldest = min(changes.formats, key=version_key, default=FORMAT)
    return oldest if version_key(oldest) < version_key(FORMAT) else None


def upgrade_note(before: str, config: Config) -> str:
    """Return the message for files that an older ctrlgen made."""
    return OLDER_FORMAT.message.format(
        folder=_shown(config.output, config.project), before=before, after=FORMAT, changelog=CHANGELOG
    )


def print_upgraded(changes: Changes, config: Config) -> None:
    """Say, once the files are written, that an older ctrlgen had made them."""
    if before := older_format(changes):
        folder = _shown(config.output, config.project)
        echo(f"`{folder}` was made by ctrlgen {before}, and is now made by {FORMAT}: read {CHANGELOG}", err=True)


def print_staleness(changes: Changes, config: Config) -> None:
    """Print what the changes mean, and the diff; that alone goes to standard output."""
    width = min(shutil.get_terminal_size().columns, 100)
    for meaning in _meanings(changes):
        echo("\n".join(_lines(meaning, config.project, width)), err=True)
    if before := older_format(changes):
        echo(upgrade_note(before, config), err=True)
        return
    print_diff(unified_diff(changes, config.project))
    print_stale(changes, config.project)


def print_report(output_format: str, findings: Sequence[Finding], failures: Sequence[Problem]) -> None:
    """Print in a format for tools the warnings of a run, and why ``check`` fails."""
    problems = [*(problem_of_finding(finding, RULES[finding.code]) for finding in findings), *failures]
    typer.echo(FORMATS[output_format](problems, reporter_of("ctrlgen", RULES.values())), nl=False)


def print_outcome(changes: Changes, incomplete: Finding | None, config: Config) -> None:
    """Print as text why ``check`` fails."""
    if changes.pending:
        print_staleness(changes, config)
    elif incomplete:
        print_incomplete(incomplete)


def stale_problems(
    changes: Changes, config: Config, origins: Mapping[str, Location], incomplete: Finding | None
) -> list[Problem]:
    """Return a problem for each file that is stale, or one for all of them where an older ctrlgen made them.

    Parameters
    ----------
    origins
        Where the model of a controller is declared, by the controller's path: that is where a reader can do something.
    incomplete
        Why models may be missing.
    """
    problems = [problem_of_finding(incomplete, FAILED_IMPORT, "error")] if incomplete else []
    before = older_format(changes)
    if before and changes.pending:
        place = Location(_shown(_first_emitted(changes), config.project), 1)
        finding = Finding(place, OLDER_FORMAT.code, upgrade_note(before, config))
        return [*problems, problem_of_finding(finding, OLDER_FORMAT, "error")]
    for change in changes.pending:
        meaning, file = meaning_of(change), _shown(change.file, config.project)
        inside = change.file.is_relative_to(config.output)
        origin = origins.get(change.file.relative_to(config.output).as_posix()) if inside else None
        finding = STALE.at(origin or Location(file, 1), file=file, meaning=meaning.text)
        problem = problem_of_finding(finding, STALE, "error")
        groups = {kind.replace(" ", "_"): names for kind, names in meaning.groups.items() if names}
        facts = {"file": file, "state": change.state, "subject": meaning.subject, "changes": groups}
        problems.append(replace(problem, details={**problem.details, **facts}))
    return problems


def _first_emitted(changes: Changes) -> Path:
    return next(each.file for each in changes.files if each.before is not None and format_of(each.before))


def _meanings(changes: Changes) -> list[Meaning]:
    """Return what each changed controller means; of the other files, which follow from these, if there is no other."""
    meanings = [meaning_of(change) for change in changes.pending if _is_source(change)]
    telling = [meaning for meaning in meanings if meaning.groups and meaning.subject != meaning.change.file.name]
    return telling or [meaning for meaning in meanings if meaning.groups]


def _is_source(change: Change) -> bool:
    return change.file.suffix == ".py" and format_of(change.before or change.after or b"") is not None


def _lines(meaning: Meaning, project: Path, width: int) -> list[str]:
    title = typer.style(meaning.subject, bold=True)
    lines = [f"{title} ({_shown(meaning.change.file, project)})"]
    for kind, names in meaning.groups.items():
        text = f"{kind}: {', '.join(names)}" if names else kind
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
    return lines


def _shown(path: Path, project: Path) -> str:
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix()
