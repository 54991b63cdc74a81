"""Reads ``[tool.ctrlgen]`` from ``pyproject.toml`` and lays the flags over it; ``cli`` calls it first of all."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

from ctrlgen import toml
from ctrlgen.errors import ConfigError
from ctrlgen.options import CODES, NO_CHOICES, ForeignKeys, Options

_EXAMPLE = """write into it:

    [tool.ctrlgen]
    models = ["app.models"]
    output = "app/db"
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be configured; each is also a flag. None: not given."""

    models: tuple[str, ...] | None = None
    output: str | None = None
    package: str | None = None
    tests: str | None = None

    def over(self, other: Settings) -> Settings:
        """Return these settings, and the other's where these are silent."""
        values = {name: getattr(self, name) for name in KEYS}
        return Settings(**{name: getattr(other, name) if value is None else value for name, value in values.items()})


_OPTIONS = ("names", "skip", "strip", "suffixes", "silence", "foreign_keys")
KEYS = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True, slots=True)
class Config:
    """A run's configuration, checked; folders are absolute."""

    project: Path
    models: tuple[str, ...]
    output: Path
    package: str
    tests: Path | None
    options: Options = NO_CHOICES


def read_config(project: Path, flags: Settings) -> Config:
    """Return the configuration of the project in this folder, with flags before settings.

    Raises
    ------
    ConfigError
        Something is missing, misspelt or of the wrong type, or the output folder can not be one.
    """
    root = project.resolve()
    if not root.is_dir():
        raise ConfigError(f"`{project}` is not a folder", hint="give the project's folder with `--project`")
    section = _read_section(root / "pyproject.toml")
    settings = flags.over(_read_settings(section))
    if not settings.models:
        raise _missing("models", "where your models are", root)
    if not settings.output:
        raise _missing("output", "where the controllers go", root)
    output = _folder(root, settings.output, "output")
    if output == root:
        raise ConfigError("`output` is the project's own folder", hint="give the generated package one of its own")
    tests = _folder(root, settings.tests, "tests") if settings.tests else None
    if tests and (tests == root or tests.is_relative_to(output) or output.is_relative_to(tests)):
        raise ConfigError(
            "`tests` and `output` lie in one another", hint='give the stubs a folder of their own, as "tests/db"'
        )
    package = settings.package or _import_name(root, output)
    if not all(toml.is_name(part) for part in package.split(".")):
        raise ConfigError(
            f"`package` is `{package}`, which can not be imported", hint='give a dotted path, as "app.db"'
        )
    _check_shadowing(output, package, settings.models)
    return Config(root, settings.models, output, package, tests, _read_options(section))


def _check_shadowing(output: Path, package: str, models: tuple[str, ...]) -> None:
    """Refuse a package that Python would import in place of a module that is there already."""
    module = output.with_name(f"{output.name}.py")
    if package in models or module.is_file():
        shadowed = f"the models in `{package}`" if package in models else f"`{module.name}`, which lies beside it"
        raise ConfigError(
            f"`output` would hide {shadowed}: both are imported by one name", hint="give the package another folder"
        )


def find_project(start: Path) -> Path:
    """Return the nearest folder from ``start`` upwards whose pyproject.toml configures ctrlgen; else ``start``."""
    folders = (start.resolve(), *start.resolve().parents)
    return next((folder for folder in folders if _is_configured(folder / "pyproject.toml")), start)


def _is_configured(file: Path) -> bool:
    return file.is_file() and bool(_read_section(file))


def _read_section(file: Path) -> toml.Table:
    try:
        document: toml.Table = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file}` is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"can not read `{file}`: {error.strerror}") from error
    section = toml.table(toml.table(document, "tool"), "ctrlgen")
    toml.check_keys(section, (*KEYS, *_OPTIONS), "tool.ctrlgen")
    return section


def _read_settings(section: toml.Table) -> Settings:
    return Settings(
        models=toml.texts(section, "models", '["app.models"]'),
        output=toml.text(section, "output"),
        package=toml.text(section, "package"),
        tests=toml.text(section, "tests"),
    )


def _read_options(section: toml.Table) -> Options:
    suffixes = toml.text_by_text(section, "suffixes", 'suffixes = { create = "Insert" }')
    toml.check_keys(suffixes, ("create", "update"), "tool.ctrlgen.suffixes")
    create, update = suffixes.get("create", "Create"), suffixes.get("update", "Update")
    if create == update or {create, update} & {"Where", "Load", "Columns", "Controller"}:
        raise ConfigError("`suffixes` in `[tool.ctrlgen]` gives two classes one name", hint="choose another suffix")
    skip = toml.table(section, "skip")
    toml.check_keys(skip, ("models", "methods"), "tool.ctrlgen.skip")
    return Options(
        names=toml.text_by_text(section, "names", '[tool.ctrlgen.names]\n"app.models.Session" = "Login"'),
        skip_models=toml.texts(skip, "models", '["Legacy"]') or (),
        skip_methods=toml.texts(skip, "methods", '["User.delete_by_id"]') or (),
        strip=toml.texts(section, "strip", '["Table"]') or (),
        create_suffix=create,
        update_suffix=update,
        silence=_codes(toml.texts(section, "silence", '["CG101"]') or ()),
        foreign_keys=cast("ForeignKeys", toml.one_of(section, "foreign_keys", ("warn", "emit", "error"), "warn")),
    )


def _codes(given: tuple[str, ...]) -> tuple[str, ...]:
    for code in given:
        if code not in CODES:
            raise ConfigError(
                f"`silence` in `[tool.ctrlgen]`: `{code}` is no code of a warning", hint='they look like "CG101"'
            )
        if code == "CG201":
            raise ConfigError("CG201 can not be silenced: models are missing while it lasts", hint="mend the module")
    return given


def _missing(key: str, what: str, root: Path) -> ConfigError:
    file = root / "pyproject.toml"
    hint = _EXAMPLE if file.exists() else f"there is no pyproject.toml there; make one, and {_EXAMPLE}"
    return ConfigError(
        f"`{root}` does not say {what} (`{key}`)", hint=f"{hint}\nor use `--project`, `--models`, `--output`"
    )


def _folder(root: Path, path: str, key: str) -> Path:
    folder = (root / path).resolve()
    if not folder.is_relative_to(root):
        raise ConfigError(f"`{key}` is `{path}`, which lies outside the project", hint="give a folder inside it")
    for place in (folder, *folder.parents):
        if place.is_file():
            raise ConfigError(f"`{key}` is `{path}`, and `{place}` is a file", hint="give a folder")
    return folder


def _import_name(root: Path, output: Path) -> str:
    """Return the dotted path from the source root, which is ``src`` where that folder is not a package."""
    parts = output.relative_to(root).parts
    if parts[0] == "src" and len(parts) > 1 and not (root / "src" / "__init__.py").exists():
        parts = parts[1:]
    for part in parts:
        if not toml.is_name(part):
            raise ConfigError(
                f"`{part}` in `output` can not be part of an import path",
                hint="rename the folder, or say with `package` how it is imported",
            )
    return ".".join(parts)
