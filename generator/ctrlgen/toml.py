"""Reads typed values out of a TOML table, for ``settings``: a mistake in them is a ``ConfigError``."""

from __future__ import annotations

import keyword
import math
from collections.abc import Collection, Mapping
from typing import TypeGuard

from ctrlgen.errors import ConfigError, did_you_mean

Table = Mapping[str, object]


def table(parent: Table, key: str) -> Table:
    """Return a table; an empty table where there is none."""
    value = parent.get(key, {})
    if not is_table(value):
        raise ConfigError(f"`{key}` in pyproject.toml must be a table")
    return value


def text(section: Table, key: str) -> str | None:
    """Return a string, or None."""
    value = section.get(key)
    if value is None or is_text(value):
        return value
    raise ConfigError(f"`{key}` in `[tool.ctrlgen]` must be a string, not {value!r}")


def texts(section: Table, key: str, example: str) -> tuple[str, ...] | None:
    """Return a list of strings, or None."""
    value = section.get(key)
    if value is None:
        return None
    if is_list(value) and (items := [item for item in value if is_text(item)]) and len(items) == len(value):
        return tuple(items)
    raise ConfigError(f"`{key}` in `[tool.ctrlgen]` must be a list of strings", hint=f"write `{key} = {example}`")


def text_by_text(section: Table, key: str, example: str, *, paths: bool = False) -> dict[str, str]:
    """Return a table of names, or of paths of classes; an empty table where there is none."""
    values, accepts, what = dict(table(section, key)), is_path if paths else is_name, "path" if paths else "name"
    named = {name: value for name, value in values.items() if is_text(value) and accepts(value)}
    for name in values.keys() - named.keys():
        message = f"`{key}` in `[tool.ctrlgen]` must map names to {what}s, and {values[name]!r} is not a {what}"
        raise ConfigError(message, hint=f"write `{example}`")
    return named


def choice(section: Table, key: str, choices: Collection[str], default: str) -> str:
    """Return a string, which must be one of ``choices``."""
    value = section.get(key, default)
    if value in choices:
        return str(value)
    known = ", ".join(f'"{choice}"' for choice in choices)
    raise ConfigError(
        f"`{key}` in `[tool.ctrlgen]` must be one of {known}, not {value!r}", hint=f'write `{key} = "{default}"`'
    )


def positive(section: Table, key: str, where: str, meaning: str, *, whole: bool = False) -> float:
    """Return a number above 0, which must be there."""
    value = section.get(key)
    if isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) and 0 < value < math.inf:
        return value
    problem = f"must be a {'whole ' if whole else ''}number above 0, not {value!r}" if key in section else "is missing"
    raise ConfigError(f"`{key}` of `{where}` in `[tool.ctrlgen]` {problem}", hint=f"say {meaning}")


def flag(section: Table, key: str, where: str) -> bool:
    """Return true or false, which it is by default."""
    value = section.get(key, False)
    if isinstance(value, bool):
        return value
    raise ConfigError(
        f"`{key}` of `{where}` in `[tool.ctrlgen]` must be true or false, not {value!r}", hint=f"write `{key} = true`"
    )


def check_keys(section: Table, known: Collection[str], where: str) -> None:
    """Refuse unknown keys."""
    for key in section:
        if key not in known:
            hint = did_you_mean(key, known) or f"the settings are {', '.join(f'`{name}`' for name in known)}"
            raise ConfigError(f"`[{where}]` in pyproject.toml has no setting `{key}`", hint=hint)


def is_name(text: str) -> bool:
    """Whether ``text`` is a name in Python: an identifier, but not a keyword."""
    return text.isidentifier() and not keyword.iskeyword(text)


def is_path(text: str) -> bool:
    """Whether ``text`` is the path of a class, ``app.users:Users``."""
    module, _, name = text.partition(":")
    return all(map(is_name, (*module.split("."), name)))


def is_text(value: object) -> TypeGuard[str]:
    """Whether ``value`` is a string that says something."""
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value  # no file name has a NUL


def is_table(value: object) -> TypeGuard[Table]:
    """Whether ``value`` is a table."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether ``value`` is a list."""
    return isinstance(value, list)
