"""Reads ``[tool.ctrlgen]`` from ``pyproject.toml`` and lays the flags over it; ``cli`` calls it first of all."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeGuard

from ctrlgen.errors import ConfigError

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


KEYS = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True, slots=True)
class Config:
    """A run's configuration, checked; folders are absolute."""

    project: Path
    models: tuple[str, ...]
    output: Path
    package: str
    tests: Path | None


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
    settings = flags.over(_read_settings(root / "pyproject.toml"))
    if not settings.models:
        raise _missing("models", "where your models are", root)
    if not settings.output:
        raise _missing("output", "where the controllers go", root)
    output = _folder(root, settings.output, "output")
    if output == root:
        raise ConfigError("`output` is the project's own folder", hint="give the generated package one of its own")
    tests = _folder(root, settings.tests, "tests") if settings.tests else None
    return Config(root, settings.models, output, settings.package or _import_name(root, output), tests)


def _read_settings(file: Path) -> Settings:
    try:
        document: dict[str, object] = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file}` is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"can not read `{file}`: {error.strerror}") from error
    section = _table(_table(document, "tool"), "ctrlgen")
    for key in section:
        _check_key(key)
    return Settings(
        models=_strings(section, "models"),
        output=_string(section, "output"),
        package=_string(section, "package"),
        tests=_string(section, "tests"),
    )


def _check_key(key: str) -> None:
    if key not in KEYS:
        close = difflib.get_close_matches(key, KEYS, n=1)
        known = ", ".join(f"`{name}`" for name in KEYS)
        hint = f"did you mean `{close[0]}`?" if close else f"known are {known}"
        raise ConfigError(f"`[tool.ctrlgen]` in pyproject.toml has no setting `{key}`", hint=hint)


def _table(parent: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = parent.get(key, {})
    if not _is_table(value):
        raise ConfigError(f"`{key}` in pyproject.toml must be a table")
    return value


def _is_table(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _string(section: Mapping[str, object], key: str) -> str | None:
    value = section.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ConfigError(f"`{key}` in `[tool.ctrlgen]` must be a text, not {value!r}")


def _strings(section: Mapping[str, object], key: str) -> tuple[str, ...] | None:
    value = section.get(key)
    if value is None:
        return None
    if _is_list(value) and value and all(isinstance(item, str) and item.strip() for item in value):
        return tuple(str(item) for item in value)
    raise ConfigError(
        f"`{key}` in `[tool.ctrlgen]` must be a list of import paths", hint=f'write `{key} = ["app.models"]`'
    )


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


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
    return folder


def _import_name(root: Path, output: Path) -> str:
    """Return the dotted path from the source root, which is ``src`` where that folder is not a package."""
    parts = output.relative_to(root).parts
    if parts[0] == "src" and len(parts) > 1 and not (root / "src" / "__init__.py").exists():
        parts = parts[1:]
    for part in parts:
        if not part.isidentifier():
            raise ConfigError(
                f"`{part}` in `output` can not be part of an import path",
                hint="rename the folder, or say with `package` how it is imported",
            )
    return ".".join(parts)
