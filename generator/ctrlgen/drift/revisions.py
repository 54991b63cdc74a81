"""Reads the project's Alembic migrations: the heads, and the objects that each migration creates.

Neither a database nor ``env.py`` is needed: the migrations are rendered as SQL, as by ``alembic upgrade --sql``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, to_tuple
from sqlalchemy import MetaData

from ctrlgen.drift.migrated_schema import MigratedSchema
from ctrlgen.drift.version_table import VersionTable, configured_table
from ctrlgen.errors import MigrationError, described
from ctrlgen.findings import Location
from ctrlgen.load.importing import failed_at
from ctrlgen.source_locations import Sources


@dataclass(frozen=True, slots=True)
class Revisions:
    """The objects that the migrations create, up to their heads, one for each independent branch.

    ``unreadable`` has the reasons why migrations cannot be rendered without a database. ``parents`` has the revisions
    that each revision follows or depends on. ``version_table`` is the table of the current revisions, None if
    ``env.py`` computes its name.
    """

    heads: tuple[str, ...]
    schema: MigratedSchema
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    version_table: VersionTable | None = None

    def applied_at(self, heads: Iterable[str]) -> set[str]:
        """Return the revisions applied to a database at these heads."""
        applied: set[str] = set()
        waiting = [head for head in heads if head in self.parents]
        while waiting:
            revision = waiting.pop()
            if revision not in applied:
                applied.add(revision)
                waiting += self.parents[revision]
        return applied


def read_revisions(
    project: Path, configuration: Path | None = None, metadata: Sequence[MetaData] = ()
) -> Revisions | None:
    """Read the migrations of the project. Return None if it does not use Alembic.

    Raises
    ------
    MigrationError
        Alembic cannot read the migrations, or one of their branches has several heads.
    """
    config = _config(project, configuration)
    if config is None:
        return None
    with chdir(_working_folder(config, project)):
        return _read(config, project, metadata)


def _read(config: Config, project: Path, metadata: Sequence[MetaData]) -> Revisions:
    sources = Sources(project)
    try:
        directory = ScriptDirectory.from_config(config)
    except CommandError as error:
        location = _line_with(
            "script_location", [Path(config.config_file_name or ""), project / "pyproject.toml"], sources
        )
        hint = "set `script_location` to the folder of the migrations"
        raise MigrationError(f"Alembic cannot find the migrations: {error}", location, hint) from error
    try:
        heads = directory.get_heads()
        scripts = [*directory.walk_revisions()][::-1]
    except Exception as error:  # importing a migration may raise anything
        raise _unreadable(error, directory, sources) from error
    if forked := _forked_heads([script for script in scripts if script.revision in heads], directory):
        files = {script.revision: Path(script.path) for script in scripts}
        message = f"the migrations have several heads: {', '.join(forked)}"
        location = _line_with(r"revision\b", [files[forked[-1]]], sources)
        raise MigrationError(message, location, hint="run `alembic merge heads`")
    return _rendered(config, directory, scripts, tuple(sorted(heads)), metadata)


def _forked_heads(heads: Sequence[Script], directory: ScriptDirectory) -> list[str]:
    """Return the heads of the same branch, if any.

    Heads are meant to be separate if they have no revision in common, or if labels tell their branches apart.
    """
    ancestors = {
        head.revision: {script.revision for script in directory.iterate_revisions(head.revision, "base")}
        for head in heads
    }
    forked = {
        head.revision
        for first, second in combinations(heads, 2)
        if first.branch_labels == second.branch_labels and ancestors[first.revision] & ancestors[second.revision]
        for head in (first, second)
    }
    return sorted(forked)


def _unreadable(error: Exception, directory: ScriptDirectory, sources: Sources) -> MigrationError:
    """Return the error for an exception that Alembic raises while it reads the migrations."""
    if isinstance(error, KeyError):  # a revision that another one names
        files = sorted(Path(directory.dir).rglob("*.py"))
        pattern = rf"(?:down_revision|depends_on)\b.*=.*(['\"]){re.escape(str(error.args[0]))}\1"
        if location := _line_with(pattern, files, sources):
            message = f"a migration follows revision `{error.args[0]}`, which does not exist"
            return MigrationError(message, location, "correct the name, or restore the file of that revision")
    reason = str(error) if isinstance(error, CommandError) else described(error)
    hint = "fix that file; `alembic history` shows the same error"
    return MigrationError(f"Alembic cannot read the migrations: {reason}", failed_at(error, sources), hint)


def _line_with(pattern: str, files: Iterable[Path], sources: Sources) -> Location | None:
    """Return the first line that begins with a pattern."""
    for file in files:
        lines = file.read_text("utf-8", errors="replace").splitlines() if file.is_file() else []
        for number, line in enumerate(lines, 1):
            if re.match(pattern, line):
                return sources.place(str(file), number)
    return None


def _config(project: Path, configuration: Path | None) -> Config | None:
    """Return the Alembic configuration of the project, from ``configuration``, alembic.ini or pyproject.toml."""
    pyproject = project / "pyproject.toml"
    file = configuration or project / "alembic.ini"
    if configuration and not file.is_file():
        raise MigrationError(
            f"`{configuration}` does not exist", hint="pass Alembic's configuration file, `alembic.ini`"
        )
    config = Config(file if file.is_file() else None, toml_file=pyproject if pyproject.is_file() else None)
    return config if config.get_alembic_option("script_location") else None


def _working_folder(config: Config, project: Path) -> Path:
    """Return the folder in which the project's Alembic is run, which the paths in its settings are relative to.

    That is the folder of the settings file if the migrations are there, and not in the project's folder.
    """
    migrations = config.get_alembic_option("script_location") or ""
    beside = Path(config.config_file_name or project / "alembic.ini").parent
    return beside if not (project / migrations).exists() and (beside / migrations).exists() else project


def _rendered(
    config: Config,
    directory: ScriptDirectory,
    scripts: list[Script],
    heads: tuple[str, ...],
    metadata: Sequence[MetaData],
) -> Revisions:
    schema = MigratedSchema()
    unreadable: dict[str, str] = {}
    for script in scripts:
        try:
            statements = _sql(config, directory, script, metadata)
        except Exception as error:  # noqa: BLE001 - a migration may raise anything
            unreadable[script.revision] = described(error)
            schema.unread.append((script.revision, Path(script.path).read_text("utf-8", errors="replace")))
        else:
            for statement in statements:
                schema.apply(statement, script.revision)
    parents = {script.revision: _parents(script, directory) for script in scripts}
    return Revisions(heads, schema, unreadable, parents, configured_table(Path(directory.env_py_location)))


def _parents(script: Script, directory: ScriptDirectory) -> tuple[str, ...]:
    """Return the revisions that a revision follows or depends on. A dependency may be the label of a branch."""
    names = [*to_tuple(script.down_revision, ()), *to_tuple(script.dependencies, ())]
    return tuple(parent.revision for name in names for parent in directory.get_revisions(name) if parent)


def _sql(config: Config, directory: ScriptDirectory, script: Script, metadata: Sequence[MetaData]) -> list[str]:
    """Return the statements of one migration. The naming convention of the metadata names its constraints."""
    output = _Statements()
    target = metadata[0] if metadata else None
    with EnvironmentContext(config, directory, as_sql=True) as environment:
        environment.configure(
            dialect_name="postgresql", output_buffer=output, literal_binds=True, as_sql=True, target_metadata=target
        )
        with Operations.context(environment.get_context()):
            script.module.upgrade()
    return output.statements


class _Statements(io.StringIO):
    """Keeps the statements apart that Alembic writes: one may end with a comment, or may not be valid SQL."""

    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []

    def write(self, s: str, /) -> int:
        self.statements.append(s)
        return len(s)
