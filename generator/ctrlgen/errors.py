"""The errors that a user can meet: one class per kind of mistake, with its code and the text of the documentation.

The command line prints the message, the location with the source line and a caret, the hint and a link to the
documentation, and never a traceback. ``messages`` renders ``docs/messages.md`` from these classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from ctrlgen.findings import DOCS, Location


@dataclass(eq=False)
class CtrlgenError(Exception):
    """A mistake that the user can fix.

    Parameters
    ----------
    message
        What is wrong, in one sentence.
    location
        Where the mistake is, if it is in one of the user's files.
    hint
        What to do about it.
    source
        The source line at that location.
    others
        Further errors. All causes are shown, because the first one is not always the one to fix.
    import_chain
        The lines of the project that led to a failing import, outermost first. `--verbose` shows them.
    traceback
        The full traceback. `--traceback` shows it.
    mark
        The part of the source line to underline. None underlines the whole line.
    setting
        The setting in pyproject.toml that is wrong, relative to ``tool.ctrlgen``: ``skip.models``. Its line is looked
        up when the error is printed.
    """

    code: ClassVar[str] = "CGE502"
    meaning: ClassVar[str] = "a bug in ctrlgen"
    fix: ClassVar[str] = "report it, with the output of `--traceback`"

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
        """Pickle the fields: the process that loads the models sends its errors to the one that prints them."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}"

    def with_traceback_of_cause(self) -> Self:
        """Keep the traceback of the cause as text, because the exception is pickled without its cause."""
        if self.__cause__ and not self.traceback:
            self.traceback = traceback_of(self.__cause__)
        return self

    @classmethod
    def docs(cls) -> str:
        """Return the address of the documentation of this code."""
        return f"{DOCS}/messages.md#{cls.code.lower()}"


# CGE0: arguments.


class UsageError(CtrlgenError):
    """The arguments of the command line are invalid."""

    code = "CGE001"
    meaning = "an argument, option or command is missing, misspelled or of the wrong type"
    fix = "`ctrlgen COMMAND --help` lists the arguments and options"


class UnknownFormatError(UsageError):
    """``--format`` names a format that does not exist."""

    code = "CGE002"
    meaning = "`--format` names a format that does not exist"
    fix = "use `text`, `github`, `json` or `sarif`"


class MissingPathError(UsageError):
    """A file or folder given on the command line does not exist."""

    code = "CGE003"
    meaning = "a file or folder given on the command line does not exist"
    fix = "correct the path; paths are relative to the current directory"


class NotEmittedError(UsageError):
    """A model or method given on the command line does not exist."""

    code = "CGE004"
    meaning = "`explain` was given a model or method that does not exist"
    fix = "correct the name: `Model` or `Model.method`; without a name, `explain` lists all of them"


class NoTerminalError(UsageError):
    """A question cannot be asked without a terminal."""

    code = "CGE005"
    meaning = "`init` has to ask a question, but there is no terminal"
    fix = "answer with options, or accept the suggestions with `--yes`"


# CGE1: configuration.


class ConfigError(CtrlgenError):
    """The configuration is invalid."""

    code = "CGE100"
    meaning = "a settings file cannot be read"
    fix = "check its permissions"


class NotConfiguredError(ConfigError):
    """A required setting is missing."""

    code = "CGE101"
    meaning = "`models` or `output` is neither set in `[tool.ctrlgen]` nor passed as an option"
    fix = "set it in pyproject.toml, or pass the project's folder with `--project`"


class BrokenTomlError(ConfigError):
    """A settings file is not valid TOML."""

    code = "CGE102"
    meaning = "pyproject.toml is not valid TOML"
    fix = "fix the line shown"


class UnknownSettingError(ConfigError):
    """A setting does not exist."""

    code = "CGE103"
    meaning = "a table in pyproject.toml has an unknown setting"
    fix = "correct its name; [Settings](settings.md) lists all of them"


class SettingValueError(ConfigError):
    """A setting has a value of the wrong type, or one that is not allowed."""

    code = "CGE104"
    meaning = "a setting has a value of the wrong type, or one that is not allowed"
    fix = "write the value as the hint shows"


class PlaceError(ConfigError):
    """``output``, ``tests`` or ``cache_dir`` names a folder that cannot be used."""

    code = "CGE105"
    meaning = (
        "`output` or `tests` is outside the project, is the project itself, is a file, is inside the other one, or "
        "would shadow one of your modules; or the cache folder has other files, which git and backups would ignore"
    )
    fix = "use a separate folder inside the project for each, and a new or empty folder for the cache"


class PackageNameError(ConfigError):
    """The package cannot be imported by its name."""

    code = "CGE106"
    meaning = "the package cannot be imported under its name, or `package` does not resolve to `output`"
    fix = "set a dotted path that resolves to the folder, or omit `package`"


class UnknownCodeError(ConfigError):
    """A code does not exist, or cannot be silenced."""

    code = "CGE107"
    meaning = (
        "`silence`, `select`, `ignore` or `per-file-ignores` lists a code that does not exist or cannot be silenced"
    )
    fix = "this page and [lint.md](lint.md) list the codes"


class UnknownNameError(ConfigError):
    """The settings refer to a model, method, column or class that does not exist."""

    code = "CGE108"
    meaning = (
        "`names`, `skip`, `controllers`, `cache` or `tenant` refers to a model, method or column that does not exist, "
        "or that cannot be changed, or `controllers` to a class that does not exist or does not derive from the "
        "emitted controller"
    )
    fix = "correct the name: `Model`, `module.Model` or `Model.method`; derive the class from the emitted controller"


class NameTakenError(ConfigError):
    """The settings give two classes or methods the same name, or leave out every model."""

    code = "CGE109"
    meaning = "the settings give two classes or methods the same name, or leave out every model"
    fix = "choose another name, or skip fewer models"


class RuffSettingsError(ConfigError):
    """Ruff rejects the project's settings."""

    code = "CGE110"
    meaning = "ruff rejects the settings that the emitted files are formatted with"
    fix = "fix the settings; ruff's message is shown"


class UnaddableError(ConfigError):
    """The settings cannot be added to pyproject.toml."""

    code = "CGE111"
    meaning = (
        "`init` cannot add `[tool.ctrlgen]` to pyproject.toml, because the table exists already, or `tool` is not a "
        "table"
    )
    fix = "edit pyproject.toml by hand"


# CGE2: loading the models.


class LoadError(CtrlgenError):
    """The models cannot be loaded."""

    code = "CGE200"
    meaning = "modules or models were left out, and no model remains, or the remaining models cannot be mapped"
    fix = "fix the causes shown, starting with the first"


class MissingModuleError(LoadError):
    """A configured module does not exist."""

    code = "CGE201"
    meaning = "a module in `models` does not exist"
    fix = "correct its name: modules are imported from the project's folder or its `src`"


class ImportFailedError(LoadError):
    """A configured module exists but cannot be imported."""

    code = "CGE202"
    meaning = "a module in `models` raises an exception when it is imported, or is not valid Python"
    fix = "fix the line shown; ctrlgen must run in the environment of the project"


class NoModelsError(LoadError):
    """The configured modules declare no table model."""

    code = "CGE203"
    meaning = "the modules in `models` declare no table model"
    fix = "list the modules that do, and declare tables as `class Hero(SQLModel, table=True)`"


class LoadingEndedError(LoadError):
    """The process that loads the models exited unexpectedly."""

    code = "CGE204"
    meaning = (
        "importing the models ended the process: a call of `os._exit`, a crash in an extension module, or too little "
        "memory"
    )
    fix = "make sure that the import of every module of models returns"


class WouldRemoveError(LoadError):
    """A controller would be removed although its model may still exist, in a module that could not be imported."""

    code = "CGE205"
    meaning = "controllers would be removed, possibly only because a module of models fails to import"
    fix = "fix that module, or delete it if its models were removed on purpose"


# CGE3: models.


class ModelError(CtrlgenError):
    """No controller can be generated from a model as it is declared."""

    code = "CGE300"
    meaning = "SQLAlchemy cannot map the models"
    fix = "see SQLAlchemy's message"


class RelationshipError(ModelError):
    """The target of a relationship does not exist or is not a table."""

    code = "CGE301"
    meaning = (
        "a relationship refers to a class that does not exist or is not a table, or no foreign key joins the two tables"
    )
    fix = "declare or import the other class as a table, and declare the foreign key that joins them"


class ForeignKeyError(ModelError):
    """A foreign key that a relationship needs refers to a table or column that does not exist."""

    code = "CGE302"
    meaning = "a foreign key that a relationship needs refers to a table or column that does not exist"
    fix = "correct its name"


class UnindexedForeignKeyError(ModelError):
    """No index begins with a foreign key, and the settings make that an error."""

    code = "CGE303"
    meaning = 'no index begins with a foreign key, and `foreign_keys = "error"`'
    fix = "declare `index=True`, or the `Index` that the hint shows for a foreign key of several columns"


class NameClashError(CtrlgenError):
    """Two models have the same name."""

    code = "CGE304"
    meaning = "two models would be the same attribute of `Database`"
    fix = "give one of them another name in `[tool.ctrlgen.names]`"


class TenantKeyError(ModelError):
    """The primary key of a model does not contain the tenant, and the settings require it in every call."""

    code = "CGE305"
    meaning = "the primary key of a model does not contain the column of `tenant`, and `tenant_strict = true`"
    fix = "make the column the first of the primary key, or list the model in `skip.models`"


class ReservedNameError(ModelError):
    """A column or relationship has a name that SQLAlchemy or pydantic reserves."""

    code = "CGE306"
    meaning = (
        "a column or relationship has a name that SQLAlchemy or pydantic reserves on every model: `metadata`, "
        "`registry`, `model_fields`, ..."
    )
    fix = (
        "rename the attribute, and keep the name of the column: "
        '`metadata_: ... = Field(sa_column_kwargs={"name": "metadata"})`'
    )


# CGE4: emitted files.


class OutputError(CtrlgenError):
    """A file cannot be read or written."""

    code = "CGE401"
    meaning = "an emitted file or a test file cannot be read or written; no file was changed"
    fix = "check its permissions and the free disk space"


class ForeignFileError(OutputError):
    """The output folder contains a file that ctrlgen did not write."""

    code = "CGE402"
    meaning = "the output folder contains a file that ctrlgen did not write, in the place of a file that it must write"
    fix = "move the file, or change `output`"


class TestFileError(OutputError):
    """A test file cannot be extended."""

    __test__ = False  # keeps pytest from collecting this class

    code = "CGE403"
    meaning = "a test file is not valid Python, or cannot be decoded or encoded, so no stub can be added"
    fix = "fix the file, or save it as UTF-8"


class NewerFormatError(OutputError):
    """The emitted files were written by a newer version of ctrlgen."""

    code = "CGE404"
    meaning = "the emitted files were written by a newer version of ctrlgen"
    fix = "upgrade ctrlgen; to downgrade on purpose, delete the folder and generate again"


# CGE5: installation.


class InstallationError(CtrlgenError):
    """A required package is not installed."""

    code = "CGE501"
    meaning = "ruff, or another package that the command needs, is not installed"
    fix = "install it in the environment of ctrlgen, as the hint shows"


class FormatError(CtrlgenError):
    """Ruff rejected the emitted code, which is a bug in ctrlgen."""


class EncodingError(CtrlgenError):
    """The locale cannot encode a file name."""

    code = "CGE503"
    meaning = "a model's name is not ASCII, and the locale cannot encode the file name"
    fix = "set `PYTHONUTF8=1`, or use a UTF-8 locale"


# CGE6: the database and migrations of `ctrlgen drift`.


class DatabaseError(CtrlgenError):
    """The database is unreachable, or refuses the login."""

    code = "CGE601"
    meaning = "the database is unreachable, refuses the login, or does not allow the user to read its catalog"
    fix = "check the address, that the server is running, and the user's privileges"


class AddressError(UsageError):
    """The address is not the address of a PostgreSQL database, or has an option that is not supported."""

    code = "CGE602"
    meaning = (
        "`--database` is missing, is not the address of a PostgreSQL database, or has an option that PostgreSQL or "
        "asyncpg does not support"
    )
    fix = (
        "use `postgresql://user:password@host:5432/name`, with special characters in the password percent-encoded; "
        "[Connect](guide/connect.md#the-address) lists the options"
    )


class MigrationError(CtrlgenError):
    """The migrations cannot be read."""

    code = "CGE603"
    meaning = "Alembic cannot read the migrations, or one of their branches has several heads"
    fix = "see Alembic's message; `alembic merge heads` merges several heads; a label makes a separate branch of one"


def error_classes() -> list[type[CtrlgenError]]:
    """Return the error classes, one for each code, sorted by code."""
    by_code: dict[str, type[CtrlgenError]] = {}
    for cls in _with_subclasses(CtrlgenError):
        by_code.setdefault(cls.code, cls)
    return [by_code[code] for code in sorted(by_code)]


def _with_subclasses(cls: type[CtrlgenError]) -> Iterator[type[CtrlgenError]]:
    yield cls
    for subclass in cls.__subclasses__():
        yield from _with_subclasses(subclass)


def bug(message: str, error: BaseException) -> CtrlgenError:
    """Return the error for an exception that is a bug in ctrlgen. ``message`` says what it prevents."""
    hint = "please report it, with the output of `--traceback`"
    return CtrlgenError(f"{message}: {described(error)}", hint=hint, traceback=traceback_of(error))


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an exception as text."""
    import traceback  # needed only for errors

    return "".join(traceback.format_exception(error))


_ADVERTISEMENT = re.compile(r"\s*(\(Background on this error at: .*\)|For further information visit .*)")


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with the known name most similar to ``name``, if there is a similar one."""
    close = closest(name, known)
    return f"did you mean `{close}`?" if close else None


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to ``name``, if there is a similar one."""
    import difflib  # needed only for errors

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def listed(names: Iterable[str | None], limit: int | None = None) -> str:
    """Return the names in backquotes, with an ellipsis in the place of those after ``limit``."""
    quoted = [f"`{name}`" for name in names]
    return ", ".join(quoted[:limit]) + (", ..." if limit is not None and len(quoted) > limit else "")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is 1."""
    return f"{number} {noun}{'s' * (number != 1)}"


def described(error: BaseException) -> str:
    """Return the type and message of an exception, as on the last line of a traceback."""
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = _ADVERTISEMENT.sub("", message_of(error)).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def message_of(error: BaseException) -> str:
    """Return the message of an exception, or an empty string if its ``__str__`` raises."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a user-defined __str__ may raise anything
        return ""
