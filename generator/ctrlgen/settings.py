"""The settings of ``[tool.ctrlgen]``, read from ``pyproject.toml`` and from options.

``cli`` calls :func:`read_config` first. ``plan`` applies the ``Options``.
"""

from __future__ import annotations

import codecs
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from ctrlgen import cache_folder, toml
from ctrlgen.errors import (
    BrokenTomlError,
    ConfigError,
    MissingPathError,
    NameTakenError,
    NotConfiguredError,
    PackageNameError,
    PlaceError,
    SettingValueError,
    UnknownCodeError,
    closest,
)
from ctrlgen.findings import RULES, Location, shown_path

if TYPE_CHECKING:
    from ctrlgen.schema import Model

ForeignKeys = Literal["warn", "emit", "error"]


_EXAMPLE = """run `ctrlgen init`, or add to pyproject.toml:

    [tool.ctrlgen]
    models = ["app.models"]
    output = "app/db"
"""

_LINE = re.compile(r"at line (\d+)")
_OPTIONS = (
    *("names", "skip", "strip", "suffixes", "silence", "foreign_keys", "controllers", "naive_datetimes"),
    *("cache", "cache_sync", "tenant", "tenant_strict"),
)
"""The settings that are not options."""
_TABLES = ("lint",)
"""The settings of other commands."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """The cache settings of a model: the seconds, the number of rows, and whether finders use the cache."""

    ttl: float
    size: int
    finders: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of the generated package, other than paths.

    ``names`` maps ``User`` or ``app.models.User`` to another class name, and ``User.get_by_id`` to another method name.
    ``skip_models`` and ``skip_methods`` contain names of the same form. ``strip`` are suffixes that are removed from
    the names of models. ``foreign_keys`` is the treatment of a foreign key without an index. ``controllers`` maps
    models to the project's own controllers, ``app.users:Users``. ``utc`` tells whether aware datetimes are converted
    for columns without time zone. ``cache`` maps models to cache settings, and ``cache_sync`` tells whether processes
    notify each other of their writes. ``tenant`` is the column that every method should be given, and
    ``tenant_strict`` leaves out methods that are not.
    """

    names: Mapping[str, str] = field(default_factory=dict[str, str])
    skip_models: tuple[str, ...] = ()
    skip_methods: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    create_suffix: str = "Create"
    update_suffix: str = "Update"
    silence: tuple[str, ...] = ()
    foreign_keys: ForeignKeys = "warn"
    controllers: Mapping[str, str] = field(default_factory=dict[str, str])
    utc: bool = False
    cache: Mapping[str, CacheSettings] = field(default_factory=dict[str, CacheSettings])
    cache_sync: bool = False
    tenant: str | None = None
    tenant_strict: bool = False

    def cache_of(self, model: Model) -> CacheSettings | None:
        """Return the cache settings of a model, if it is cached."""
        return next((self.cache[key] for key in model_names(model) if key in self.cache), None)

    def controller_of(self, model: Model) -> str | None:
        """Return the path of the project's own controller of a model, if any."""
        return next((self.controllers[key] for key in model_names(model) if key in self.controllers), None)

    def name_of(self, model: Model, method: str | None = None) -> str | None:
        """Return the configured name of a model or one of its methods, if any."""
        return next((self.names[key] for key in model_names(model, method) if key in self.names), None)

    def skips(self, model: Model, method: str | None = None) -> bool:
        """Return whether a model or one of its methods is skipped."""
        skipped = self.skip_methods if method else self.skip_models
        return any(key in skipped for key in model_names(model, method))


DEFAULTS = Options()


def model_names(model: Model, method: str | None = None) -> tuple[str, str]:
    """Return the names of a model or method in the settings, the qualified name first."""
    suffix = f".{method}" if method else ""
    module, name = model.reference.module, model.reference.name
    return f"{module}.{name}{suffix}", f"{name}{suffix}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that are also options. None means not set."""

    models: tuple[str, ...] | None = None
    output: str | None = None
    package: str | None = None
    tests: str | None = None
    cache_dir: str | None = None

    @classmethod
    def of(
        cls,
        models: list[str] | None,
        output: str | None,
        package: str | None,
        tests: str | None,
        cache_dir: str | None = None,
    ) -> Settings:
        """Return the settings from the options and the environment."""
        cache_dir = cache_dir or os.environ.get(cache_folder.VARIABLE) or None
        # As in other programs, these two are relative to the current directory, and not to the project.
        return cls(
            tuple(models) if models else None, output, package, tests, cache_dir and str(Path(cache_dir).absolute())
        )

    def over(self, other: Settings) -> Settings:
        """Return these settings, with those of ``other`` for the ones that are not set."""
        values = {name: getattr(self, name) for name in _KEYS}
        return Settings(**{name: getattr(other, name) if value is None else value for name, value in values.items()})


_KEYS = tuple(field.name for field in fields(Settings))
SETTINGS = (*_KEYS, *_OPTIONS)
"""The keys allowed in ``[tool.ctrlgen]``."""


@dataclass(frozen=True, slots=True)
class Config:
    """The validated configuration of a run. Paths are absolute.

    ``all_models`` tells whether the models are those of the settings, and not of an option.
    """

    project: Path
    models: tuple[str, ...]
    output: Path
    package: str
    tests: Path | None
    options: Options = DEFAULTS
    all_models: bool = True
    cache: Path | None = None
    """The cache folder; None to disable the cache."""


def read_config(project: Path, flags: Settings) -> Config:
    """Read the configuration of the project in a folder. Options override settings.

    Raises
    ------
    ConfigError
        A setting is missing, misspelled or of the wrong type, or a folder cannot be used.
    """
    root = project.resolve()
    if not root.is_dir():
        raise MissingPathError(f"`{project}` is not a folder", hint="pass the project's folder with `--project`")
    section = read_section(root / "pyproject.toml")
    settings = flags.over(_read_settings(section))
    if not settings.models:
        raise _missing("models", "the modules of the models", root)
    if not settings.output:
        raise _missing("output", "the folder of the controllers", root)
    output = _folder(root, settings.output, "output")
    if output == root:
        raise PlaceError(
            "`output` is the project's folder",
            hint="use a separate folder for the generated package",
            setting="output",
            mark=settings.output,
        )
    tests = _folder(root, settings.tests, "tests") if settings.tests else None
    if tests and (tests == root or tests.is_relative_to(output) or output.is_relative_to(tests)):
        raise PlaceError(
            "`tests` and `output` must not contain each other",
            hint='use a separate folder for the stubs, such as "tests/db"',
            setting="tests",
            mark=settings.tests,
        )
    package = settings.package or _import_name(root, output)
    if not all(toml.is_name(part) for part in package.split(".")):
        raise PackageNameError(
            f"`package` is `{package}`, which cannot be imported",
            hint='set a dotted path, such as "app.db"',
            setting="package",
            mark=package,
        )
    _check_place(root, output, settings)
    _check_shadowing(output, package, settings.models)
    all_models = flags.models is None or "models" not in section
    cache = _cache_folder(root, settings.cache_dir, {"output": output, "tests": tests})
    return Config(root, settings.models, output, package, tests, _read_options(section), all_models, cache)


def _cache_folder(root: Path, path: str | None, others: Mapping[str, Path | None]) -> Path:
    """Return the cache folder. Git and backups ignore it, so it must not be a folder with other files."""
    if not path:
        return root / cache_folder.NAME
    folder = (root / path).resolve()
    if problem := _problem_of_cache_folder(root, folder, others):
        raise PlaceError(
            f"the cache folder is `{shown_path(folder, root)}`, {problem}",
            hint="git and backups ignore all files in the cache folder: use a new folder, such as "
            f'`cache_dir = "{cache_folder.NAME}"`',
            setting="cache_dir",
            mark=path,
        )
    return folder


def _problem_of_cache_folder(root: Path, folder: Path, others: Mapping[str, Path | None]) -> str | None:
    for setting, other in others.items():
        if other and folder.is_relative_to(other):
            return f"which is {'' if folder == other else 'inside '}the folder of `{setting}`"
    if root.is_relative_to(folder):
        return "which is the project's folder" if folder == root else "which contains the project"
    for setting, other in others.items():
        if other and other.is_relative_to(folder):
            return f"which contains the folder of `{setting}`"
    if file := next((place for place in (folder, *folder.parents) if place.is_file()), None):
        return f"but `{shown_path(file, root)}` is a file"
    if cache_folder.has_other_files(folder):
        return "which contains files that ctrlgen did not write"
    return None


def _check_place(root: Path, output: Path, settings: Settings) -> None:
    """Raise an error if the folder is beside the intended package, or if the import path does not resolve to it."""
    parts = output.relative_to(root).parts
    if not (root / parts[0]).exists() and (root / "src" / parts[0]).is_dir():
        raise PlaceError(
            f"`output` is `{'/'.join(parts)}`, but the package `{parts[0]}` is in `src`",
            hint=f'write `output = "src/{"/".join(parts)}"`',
            setting="output",
            mark=settings.output,
        )
    package = tuple(settings.package.split(".")) if settings.package else ()
    if package and parts[-len(package) :] != package:
        inside = parts[1:] if parts[0] == "src" and len(parts) > 1 else parts
        importable = all(map(toml.is_name, inside))
        raise PackageNameError(
            f"`package` is `{settings.package}`, which does not resolve to `output`, `{'/'.join(parts)}`",
            hint=f'write `package = "{".".join(inside)}"`, or omit it' if importable else _importable_output(parts),
            setting="package",
            mark=settings.package,
        )


def _check_shadowing(output: Path, package: str, models: tuple[str, ...]) -> None:
    """Raise an error if the package would shadow an existing module."""
    module = output.with_name(f"{output.name}.py")
    if package in models or module.is_file():
        shadowed = f"the models in `{package}`" if package in models else f"`{module.name}`, which is beside it"
        raise PlaceError(
            f"`output` would shadow {shadowed}: both have the same import name",
            hint="choose another folder for the package",
            setting="output",
            mark=output.name,
        )


def find_project(start: Path) -> Path:
    """Return the nearest folder from ``start`` upwards whose pyproject.toml configures ctrlgen, or ``start``."""
    folders = (start.resolve(), *start.resolve().parents)
    return next((folder for folder in folders if is_configured(folder)), start)


def is_configured(folder: Path) -> bool:
    """Return whether the pyproject.toml in a folder configures ctrlgen."""
    file = folder / "pyproject.toml"
    try:
        return file.is_file() and bool(read_section(file))
    except ConfigError:
        return True  # errors in the file are reported when it is read


def read_section(file: Path) -> toml.Table:
    """Return the table ``[tool.ctrlgen]`` of a file; empty if there is none.

    Raises
    ------
    ConfigError
        The file is not valid TOML, or the table has an unknown setting.
    """
    section = toml.table(toml.table(read_document(file), "tool"), "ctrlgen")
    toml.check_keys(section, (*SETTINGS, *_TABLES), "tool.ctrlgen")
    return section


def read_document(file: Path) -> toml.Table:
    """Return the content of a TOML file; empty if there is no file.

    Raises
    ------
    ConfigError
        The file cannot be read, or is not valid TOML.
    """
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _broken(file, error) from error
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}", hint="check its permissions") from error


def _broken(file: Path, error: Exception) -> BrokenTomlError:
    reason, hint, match = f": {error}", "fix that line", _LINE.search(str(error))
    number, content = int(match[1]) if match else 0, file.read_bytes()
    if isinstance(error, UnicodeDecodeError):
        reason, hint = ", because it is not UTF-8", "save the file as UTF-8"
        number = content.count(b"\n", 0, error.start) + 1
    elif content.startswith(codecs.BOM_UTF8):
        reason, hint = ", because it begins with a byte order mark", "save the file as UTF-8 without a byte order mark"
    message = f"`{file}` is not valid TOML{reason}"
    lines = content.decode(errors="replace").splitlines()
    if not (number := min(number, len(lines))):  # at the end of the file
        return BrokenTomlError(message, hint="fix that file")
    return BrokenTomlError(message, Location(file.name, number), hint, lines[number - 1] or None)


def _read_settings(section: toml.Table) -> Settings:
    return Settings(
        models=toml.strings(section, "models", '["app.models"]'),
        output=toml.text(section, "output"),
        package=toml.text(section, "package"),
        tests=toml.text(section, "tests"),
        cache_dir=toml.text(section, "cache_dir"),
    )


def _read_options(section: toml.Table) -> Options:
    suffixes = toml.text_by_text(section, "suffixes", 'suffixes = { create = "Insert" }')
    toml.check_keys(suffixes, ("create", "update"), "tool.ctrlgen.suffixes")
    create, update = suffixes.get("create", "Create"), suffixes.get("update", "Update")
    if create == update or {create, update} & {"Where", "Load", "Columns", "Controller"}:
        raise NameTakenError(
            "`suffixes` in `[tool.ctrlgen]` gives two classes the same name",
            hint="choose another suffix",
            setting="suffixes",
        )
    tenant, tenant_strict = toml.text(section, "tenant"), toml.flag(section, "tenant_strict")
    if tenant_strict and tenant is None:
        message = "`tenant_strict` in `[tool.ctrlgen]` needs `tenant`"
        raise SettingValueError(
            message, setting="tenant_strict", hint='set the name of the column, as in `tenant = "guild_id"`'
        )
    skip = toml.table(section, "skip")
    toml.check_keys(skip, ("models", "methods"), "tool.ctrlgen.skip")
    return Options(
        names=toml.text_by_text(section, "names", '[tool.ctrlgen.names]\n"app.models.Session" = "Login"'),
        skip_models=toml.strings(skip, "models", '["Legacy"]', "skip") or (),
        skip_methods=toml.strings(skip, "methods", '["User.delete_by_id"]', "skip") or (),
        strip=toml.strings(section, "strip", '["Table"]') or (),
        create_suffix=create,
        update_suffix=update,
        silence=_codes(toml.strings(section, "silence", '["CG101"]') or ()),
        controllers=toml.text_by_text(
            section, "controllers", '[tool.ctrlgen.controllers]\n"User" = "app.users:Users"', paths=True
        ),
        utc=toml.choice(section, "naive_datetimes", ("refuse", "utc"), "refuse") == "utc",
        foreign_keys=cast("ForeignKeys", toml.choice(section, "foreign_keys", ("warn", "emit", "error"), "warn")),
        cache=_read_cache(section),
        cache_sync=toml.choice(section, "cache_sync", ("off", "notify"), "off") == "notify",
        tenant=tenant,
        tenant_strict=tenant_strict,
    )


def _read_cache(section: toml.Table) -> dict[str, CacheSettings]:
    """Return the cache settings of each model."""
    cache = toml.table(section, "cache")
    settings: dict[str, CacheSettings] = {}
    for model in cache:
        where = f"cache.{model}"
        if not toml.is_table(cache[model]):
            message = f"`{where}` in `[tool.ctrlgen]` must be a table, not {cache[model]!r}"
            raise SettingValueError(message, setting=where, hint=f"write `{model} = {{ ttl = 300, size = 10_000 }}`")
        values = toml.table(cache, model)
        toml.check_keys(values, tuple(setting.name for setting in fields(CacheSettings)), f"tool.ctrlgen.{where}")
        settings[model] = CacheSettings(
            ttl=toml.positive(values, "ttl", where, "set the seconds a row is cached, as in `ttl = 300`"),
            size=int(
                toml.positive(values, "size", where, "set the number of cached rows, as in `size = 10_000`", whole=True)
            ),
            finders=toml.flag(values, "finders", where),
        )
    return settings


def _codes(codes: tuple[str, ...]) -> tuple[str, ...]:
    for entry in codes:
        code = entry.partition(":")[0]
        if code not in RULES:
            message = f"`silence` in `[tool.ctrlgen]`: `{code}` is not the code of a warning"
            hint = 'write "CG101", or "CG101:Member.team_id" for a single object'
            raise UnknownCodeError(message, hint=hint, setting="silence", mark=entry)
        if not RULES[code].silenceable:
            message = f"{code} cannot be silenced: {RULES[code].meaning}"
            raise UnknownCodeError(message, hint=RULES[code].fix, setting="silence", mark=entry)
    return codes


def _missing(key: str, what: str, root: Path) -> NotConfiguredError:
    file = root / "pyproject.toml"
    if misspelled := _misspelled_section(file):
        message = f"`{file}` has a table `[tool.{misspelled}]`, and no `[tool.ctrlgen]`"
        text = file.read_text("utf-8")
        lines = (number for number, line in enumerate(text.splitlines(), 1) if f"tool.{misspelled}" in line)
        location = Location(file.name, number) if (number := next(lines, 0)) else None
        return NotConfiguredError(message, location, "did you mean `[tool.ctrlgen]`?", mark=misspelled)
    if not file.exists():
        message = f"`{root}` has no pyproject.toml that sets {what} (`{key}` in `[tool.ctrlgen]`)"
    else:
        message = f"`{file}` does not set {what} (`{key}` in `[tool.ctrlgen]`)"
    return NotConfiguredError(message, hint=f"{_EXAMPLE}\nor use `--project`, `--models`, `--output`")


def _misspelled_section(file: Path) -> str | None:
    """Return the table of `tool` that has a similar name, and settings of ctrlgen, if ctrlgen has no table."""
    tools = toml.table(read_document(file), "tool")
    tables = {} if "ctrlgen" in tools else {name: set(each) for name, each in tools.items() if toml.is_table(each)}
    return closest("ctrlgen", [name for name, keys in tables.items() if keys & {*SETTINGS}])


def _folder(root: Path, path: str, key: str) -> Path:
    folder = (root / path).resolve()
    if not folder.is_relative_to(root):
        message = f"`{key}` is `{path}`, which is outside the project"
        raise PlaceError(message, hint="use a folder inside the project", setting=key, mark=path)
    for place in (folder, *folder.parents):
        if place.is_file():
            message = f"`{key}` is `{path}`, but `{place}` is a file"
            raise PlaceError(message, hint="use a folder", setting=key, mark=path)
    return folder


def _import_name(root: Path, output: Path) -> str:
    """Return the dotted path from the source root, which is ``src`` if that folder is not a package."""
    parts = output.relative_to(root).parts
    if parts[0] == "src" and len(parts) > 1 and not (root / "src" / "__init__.py").exists():
        parts = parts[1:]
    for part in parts:
        if not toml.is_name(part):
            raise PackageNameError(
                f"`{part}` in `output` cannot be part of an import path",
                hint=_importable_output(output.relative_to(root).parts),
                setting="output",
                mark=part,
            )
    return ".".join(parts)


def _importable_output(parts: Sequence[str]) -> str:
    """Return the hint for a folder whose name is not a Python name: a dotted path, a file name, a keyword."""
    path = "/".join(parts).replace(".", "/")
    words = (re.sub(r"\W", "_", part) for part in path.strip("/").split("/"))
    names = [word if toml.is_name(word) else f"{word}_" if word.isidentifier() else f"_{word}" for word in words]
    return f'`output` is the folder of a package: write `output = "{"/".join(names)}"`'
