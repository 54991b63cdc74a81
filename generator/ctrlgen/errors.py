"""What can go wrong for a user: one class for each kind of mistake, with its code and what the docs say of it.

The command line prints the message, the place with the line and a caret, the hint and the address of the explanation,
and never a traceback. ``docs/messages.md`` lists all of them; ``messages`` renders it from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

from ctrlgen.finding import Location

DOCS = "https://github.com/ctrlgen/ctrlgen/blob/main/docs"
"""Where the pages are that messages refer to."""


@dataclass(eq=False)
class CtrlgenError(Exception):
    """A mistake that the user can fix.

    Parameters
    ----------
    message
        What is wrong, one sentence.
    location
        Where it is, if that is in a file of theirs.
    hint
        What to do about it.
    source
        That line, as it stands in the file.
    others
        What else is wrong: all causes are shown, because the first one need not be the one to fix.
    import_chain
        The lines of the project that led to a failing import, outermost first; `--verbose` shows them.
    traceback
        Where it comes from in full; `--traceback` shows it.
    mark
        The part of that line that is meant; the whole line where it is None.
    setting
        The setting in pyproject.toml that it is about, below ``tool.ctrlgen``: ``skip.models``. Its line is looked up
        when the error is printed.
    """

    code: ClassVar[str] = "CGE502"
    meaning: ClassVar[str] = "a mistake in ctrlgen itself"
    fix: ClassVar[str] = "report it, with what `CTRLGEN_TRACEBACK=1` shows"

    message: str
    location: Location | None = None
    hint: str | None = None
    source: str | None = None
    others: tuple[CtrlgenError, ...] = ()
    import_chain: tuple[str, ...] = ()
    traceback: str = ""
    mark: str | None = None
    setting: str | None = None

    def __reduce__(self) -> tuple[type[CtrlgenError], tuple[object, ...]]:
        """Pickle by fields: the loading process hands its errors to the one that prints them."""
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}"

    @classmethod
    def docs(cls) -> str:
        """Return the address where the code is explained."""
        return f"{DOCS}/messages.md#{cls.code.lower()}"


# CGE0: the arguments.


class UsageError(CtrlgenError):
    """The command line cannot be understood."""

    code = "CGE001"
    meaning = "an argument, option or command is missing, misspelt or of the wrong type"
    fix = "`ctrlgen COMMAND --help` lists what there is"


class UnknownFormatError(UsageError):
    """``--format`` names a format that does not exist."""

    code = "CGE002"
    meaning = "`--format` names a format that does not exist"
    fix = "`text`, `github`, `json` or `sarif`"


class MissingPathError(UsageError):
    """A file or folder given on the command line does not exist."""

    code = "CGE003"
    meaning = "a file or folder given on the command line does not exist"
    fix = "give one that does; paths are relative to where you stand"


class NotEmittedError(UsageError):
    """A model or method given on the command line does not exist."""

    code = "CGE004"
    meaning = "`explain` is asked about a model or method that does not exist"
    fix = "correct its name: `Model` or `Model.method`; without any it lists them all"


class NoTerminalError(UsageError):
    """There is nobody to ask."""

    code = "CGE005"
    meaning = "`init` would have to ask something, and there is no terminal"
    fix = "answer with its options, or take what it suggests with `--yes`"


# CGE1: the configuration.


class ConfigError(CtrlgenError):
    """The configuration is not usable."""

    code = "CGE100"
    meaning = "a file of settings cannot be read"
    fix = "check its permissions"


class NotConfiguredError(ConfigError):
    """A setting that must be there is missing."""

    code = "CGE101"
    meaning = "`models` or `output` is neither set in `[tool.ctrlgen]` nor given as a flag"
    fix = "set it in pyproject.toml, or run with `--project` for the folder that has it"


class BrokenTomlError(ConfigError):
    """A file of settings is not valid TOML."""

    code = "CGE102"
    meaning = "pyproject.toml is not valid TOML"
    fix = "fix the line that is shown"


class UnknownSettingError(ConfigError):
    """A setting does not exist."""

    code = "CGE103"
    meaning = "a table of pyproject.toml has a setting that does not exist"
    fix = "correct its name; the guide lists them all"


class SettingValueError(ConfigError):
    """A setting has a value of the wrong type, or none of those that it may have."""

    code = "CGE104"
    meaning = "a setting has a value of the wrong type, or one that it cannot have"
    fix = "write it as the hint does"


class PlaceError(ConfigError):
    """``output`` or ``tests`` is a folder that cannot be one."""

    code = "CGE105"
    meaning = (
        "`output` or `tests` lies outside the project, is the project itself, is a file, lies inside the other one, or "
        "would hide a module of yours"
    )
    fix = "give each a folder of its own, inside the project"


class PackageNameError(ConfigError):
    """The package cannot be imported by its name."""

    code = "CGE106"
    meaning = "the package cannot be imported under its name, or `package` does not lead to `output`"
    fix = "give a dotted path that leads to the folder, or leave `package` out"


class UnknownCodeError(ConfigError):
    """A code does not exist, or cannot be silenced."""

    code = "CGE107"
    meaning = "`silence`, `select`, `ignore` or `per-file-ignores` has a code that does not exist or cannot be silenced"
    fix = "this page and [lint.md](lint.md) list the codes"


class UnknownNameError(ConfigError):
    """The settings mention a model or method that does not exist."""

    code = "CGE108"
    meaning = "`names`, `skip` or `controllers` mentions a model or method that does not exist, or cannot be changed"
    fix = "correct the name: `Model`, `module.Model` or `Model.method`"


class NameTakenError(ConfigError):
    """The settings give two things one name, or leave nothing."""

    code = "CGE109"
    meaning = "the settings give two classes or methods one name, or leave out every model"
    fix = "choose another name, or skip less"


class RuffSettingsError(ConfigError):
    """Ruff refuses the project's own settings."""

    code = "CGE110"
    meaning = "ruff refuses the settings by which the emitted files are formatted"
    fix = "fix them; ruff's own message is shown"


class UnaddableError(ConfigError):
    """The settings cannot be added to pyproject.toml."""

    code = "CGE111"
    meaning = (
        "`init` cannot add `[tool.ctrlgen]` to pyproject.toml, because it is there, or `tool` is written as a value"
    )
    fix = "change it by hand"


# CGE2: loading the models.


class LoadError(CtrlgenError):
    """The models cannot be loaded."""

    code = "CGE200"
    meaning = "modules or models were left out, so that nothing remains, or what remains cannot be mapped"
    fix = "fix what is shown, the first cause first"


class MissingModuleError(LoadError):
    """A configured module does not exist."""

    code = "CGE201"
    meaning = "a module in `models` does not exist"
    fix = "correct its name: it is imported from the project's folder, or from `src` in it"


class ImportFailedError(LoadError):
    """A configured module exists and cannot be imported."""

    code = "CGE202"
    meaning = "a module in `models` raises while it is imported, or is no Python"
    fix = "fix the line that is shown; ctrlgen must run in the environment of the project"


class NoModelsError(LoadError):
    """The configured modules hold no table model."""

    code = "CGE203"
    meaning = "the modules in `models` declare no table model"
    fix = "name the modules that do, and declare tables as `class Hero(SQLModel, table=True)`"


class LoadingEndedError(LoadError):
    """The process that loads the models ended by itself."""

    code = "CGE204"
    meaning = "importing the models ended the process: `os._exit`, a crash of an extension, or too little memory"
    fix = "a module of models must come back from its import"


class WouldRemoveError(LoadError):
    """A controller would be removed only because its module could not be imported."""

    code = "CGE205"
    meaning = "controllers would be removed, but maybe only because a module of models fails"
    fix = "fix that module, or delete it if its models are to be removed"


# CGE3: the models.


class ModelError(CtrlgenError):
    """A model is declared so that nothing can be generated from it."""

    code = "CGE300"
    meaning = "SQLAlchemy cannot map the models"
    fix = "SQLAlchemy's message says why"


class RelationshipError(ModelError):
    """A relationship leads nowhere, or to what is no table."""

    code = "CGE301"
    meaning = "a relationship leads to a class that does not exist or is no table, or no foreign key joins the two"
    fix = "declare or import the other class as a table, and the foreign key that joins them"


class ForeignKeyError(ModelError):
    """A foreign key points at a table or column that does not exist, beside a relationship that needs it."""

    code = "CGE302"
    meaning = "a foreign key that a relationship needs points at a table or column that does not exist"
    fix = "correct its name"


class UnindexedForeignKeyError(ModelError):
    """No index begins with a foreign key, and the settings make that an error."""

    code = "CGE303"
    meaning = 'no index begins with a foreign key, and `foreign_keys = "error"`'
    fix = "declare `index=True`"


class NameClashError(CtrlgenError):
    """Two models want the same name."""

    code = "CGE304"
    meaning = "two models want to be the same attribute of the facade"
    fix = "give one of them another name in `[tool.ctrlgen.names]`"


# CGE4: the files that are written.


class OutputError(CtrlgenError):
    """A file cannot be read or written."""

    code = "CGE401"
    meaning = "an emitted file, or a test, cannot be read or written; every file is as it was"
    fix = "check its permissions, and the space on the disk"


class ForeignFileError(OutputError):
    """The output folder holds something that ctrlgen did not write."""

    code = "CGE402"
    meaning = "the output folder holds something that ctrlgen did not write, where a file of its own must be"
    fix = "move it, or set another `output`"


class TestFileError(OutputError):
    """A test file of the user's cannot be extended."""

    __test__ = False  # not one of pytest's

    code = "CGE403"
    meaning = "a test file is no Python, or cannot be decoded or encoded, so that no stub can be added"
    fix = "fix the file, or save it as UTF-8"


class NewerFormatError(OutputError):
    """The emitted files were written by a newer ctrlgen."""

    code = "CGE404"
    meaning = "the emitted files were written by a newer ctrlgen than the one that runs"
    fix = "upgrade ctrlgen; to go back on purpose, delete the folder and generate again"


# CGE5: the installation.


class InstallationError(CtrlgenError):
    """Something that ctrlgen needs is not installed."""

    code = "CGE501"
    meaning = "ruff, or another library that the command needs, is not installed beside ctrlgen"
    fix = "install it into the same environment, as the hint says"


class FormatError(CtrlgenError):
    """Ruff refused the emitted code: a mistake in ctrlgen."""


class EncodingError(CtrlgenError):
    """The locale cannot encode the name of a file."""

    code = "CGE503"
    meaning = "a model's name is not ASCII, and the locale cannot encode a file of that name"
    fix = "set `PYTHONUTF8=1`, or use a UTF-8 locale"


# CGE6: the database of `ctrlgen drift`.


class DatabaseError(CtrlgenError):
    """The database cannot be reached, or does not let us in."""

    code = "CGE601"
    meaning = "the database cannot be reached, does not let the user in, or refuses to be read"
    fix = "check the address, that the server runs, and what the user may read"


class AddressError(UsageError):
    """The address is not the address of a PostgreSQL database."""

    code = "CGE602"
    meaning = "`--database` is missing, or is not the address of a PostgreSQL database"
    fix = "`postgresql://user:password@host/name`; percent-encode what is special in a password"


class MigrationError(CtrlgenError):
    """The migrations cannot be read."""

    code = "CGE603"
    meaning = "Alembic cannot read the migrations, or they have several heads"
    fix = "Alembic's message says why; `alembic merge heads` joins heads"


def error_classes() -> list[type[CtrlgenError]]:
    """Return the classes of errors, one for each code, in the order of the codes."""
    by_code: dict[str, type[CtrlgenError]] = {}
    for cls in _with_subclasses(CtrlgenError):
        by_code.setdefault(cls.code, cls)
    return [by_code[code] for code in sorted(by_code)]


def _with_subclasses(cls: type[CtrlgenError]) -> Iterator[type[CtrlgenError]]:
    yield cls
    for subclass in cls.__subclasses__():
        yield from _with_subclasses(subclass)


_ADVERTISEMENT = re.compile(r"\s*(\(Background on this error at: .*\)|For further information visit .*)")


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the hint that names the known name closest to ``name``, if one is close."""
    close = closest(name, known)
    return f"did you mean `{close}`?" if close else None


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to ``name``, if one is close."""
    import difflib  # for mistakes alone

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def described(error: BaseException) -> str:
    """Return type and message, as on the last line of a traceback."""
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = _ADVERTISEMENT.sub("", message_of(error)).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def message_of(error: BaseException) -> str:
    """Return an exception's message; nothing where the exception is broken itself."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - their __str__ may raise anything
        return ""
