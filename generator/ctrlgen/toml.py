"""Reads typed values from a TOML table, for ``settings``. Invalid values raise a ``ConfigError``.

:func:`find_setting` returns the line of a setting, for error messages.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeGuard

from ctrlgen.errors import SettingValueError, UnknownSettingError, closest, did_you_mean, listed

Table = Mapping[str, object]

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")


def table(parent: Table, key: str, within: str = "") -> Table:
    """Return a table; empty if it is not set."""
    value = parent.get(key, {})
    if not is_table(value):
        setting = f"{within}.{key}" if within else key
        raise SettingValueError(f"`{setting}` in pyproject.toml must be a table", setting=setting)
    return value


def flag(section: Table, key: str, within: str = "") -> bool:
    """Return a boolean; False if it is not set."""
    value = section.get(key, False)
    if not isinstance(value, bool):
        setting = f"{within}.{key}" if within else key
        message = f"`{setting}` in `[tool.ctrlgen]` must be true or false, not {value!r}"
        raise SettingValueError(message, hint=f"write `{key} = true`", setting=setting)
    return value


def text(section: Table, key: str) -> str | None:
    """Return a string; None if it is not set."""
    value = section.get(key)
    if value is None or is_text(value):
        return value
    hint = f'write `{key} = "..."`'
    raise SettingValueError(f"`{key}` in `[tool.ctrlgen]` must be a string, not {value!r}", hint=hint, setting=key)


def strings(
    section: Table, key: str, example: str, within: str = "", *, written: str | None = None
) -> tuple[str, ...] | None:
    """Return a list of strings; None if it is not set.

    Parameters
    ----------
    within
        The name of the table that contains the list, if it is nested.
    written
        The key as written in TOML, if it differs from ``key``.
    """
    value = section.get(key)
    if value is None:
        return None
    if is_list(value) and len(items := [item for item in value if is_text(item)]) == len(value):
        return tuple(items)
    setting = f"{within}.{key}" if within else key
    message = f"`{setting}` in `[tool.ctrlgen]` must be a list of strings"
    raise SettingValueError(message, hint=f"write `{written or key} = {example}`", setting=setting)


def text_by_text(section: Table, key: str, example: str, *, paths: bool = False) -> dict[str, str]:
    """Return a table of names or of class paths; empty if it is not set."""
    values, accepts, what = dict(table(section, key)), is_path if paths else is_name, "path" if paths else "name"
    named = {name: value for name, value in values.items() if is_text(value) and accepts(value)}
    for name in values.keys() - named.keys():
        message = f"`{key}` in `[tool.ctrlgen]` must map names to {what}s, and {values[name]!r} is not a {what}"
        raise SettingValueError(message, hint=f"write `{example}`", setting=key, mark=name)
    return named


def choice(section: Table, key: str, choices: Collection[str], default: str) -> str:
    """Return a string that must be one of ``choices``."""
    value = section.get(key, default)
    if value in choices:
        return str(value)
    known = ", ".join(f'"{choice}"' for choice in choices)
    message = f"`{key}` in `[tool.ctrlgen]` must be one of {known}, not {value!r}"
    other = [choice for choice in choices if choice != default][-1]
    suggestion = closest(value, choices) if isinstance(value, str) else other if value is True else None
    raise SettingValueError(message, hint=f'write `{key} = "{suggestion or default}"`', setting=key)


def positive(section: Table, key: str, where: str, meaning: str, *, whole: bool = False) -> float:
    """Return a required number greater than 0."""
    value = section.get(key)
    if isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) and 0 < value < math.inf:
        return value
    problem = (
        f"must be a {'whole ' if whole else ''}number greater than 0, not {value!r}" if key in section else "is missing"
    )
    message = f"`{key}` of `{where}` in `[tool.ctrlgen]` {problem}"
    raise SettingValueError(message, hint=meaning, setting=f"{where}.{key}")


def check_keys(section: Table, known: Collection[str], where: str) -> None:
    """Raise an error for unknown keys."""
    for key in section:
        if key not in known:
            hint = did_you_mean(key, known) or f"the settings are {listed(known)}"
            message, setting = f"`[{where}]` in pyproject.toml has no setting `{key}`", f"{where}.{key}"
            raise UnknownSettingError(message, hint=hint, setting=setting.removeprefix("tool.ctrlgen."), mark=key)


def is_name(text: str) -> bool:
    """Return whether ``text`` is a valid Python identifier and not a keyword."""
    return text.isidentifier() and not keyword.iskeyword(text)


def is_path(text: str) -> bool:
    """Return whether ``text`` is the path of a class, ``app.users:Users``."""
    module, _, name = text.partition(":")
    return all(map(is_name, (*module.split("."), name)))


def is_text(value: object) -> TypeGuard[str]:
    """Return whether ``value`` is a non-empty string."""
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value  # file names cannot contain NUL


def is_table(value: object) -> TypeGuard[Table]:
    """Return whether ``value`` is a table."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Return whether ``value`` is a list."""
    return isinstance(value, list)


def find_setting(document: str, setting: str, mark: str | None = None) -> int | None:
    """Return the line of a setting of ``tool.ctrlgen``; None if it cannot be located.

    Parameters
    ----------
    setting
        The dotted path of the setting, such as ``skip.models``.
    mark
        A string that the line must contain: a part of the value, or the key of a table.
    """
    lines = document.splitlines()
    path = ["tool", "ctrlgen", *setting.split(".")]
    for length in range(len(path), 1, -1):
        header, rest = ".".join(path[:length]), path[length:]
        body = _lines_of_table(lines, header)
        if rest:
            key = re.compile(rf"\s*[\"']?{re.escape(rest[0])}[\"']?\s*[.=]")
            start = next((index for index, line in enumerate(body) if key.match(line[1])), None)
            body = [] if start is None else body[start:]
        for number, line in body:
            if mark is None or mark in line:
                return number
    return None


def _lines_of_table(lines: Sequence[str], header: str) -> list[tuple[int, str]]:
    """Return the numbered lines between ``[header]`` and the next table; empty without ``[header]``."""
    body: list[tuple[int, str]] = []
    inside = False
    for number, line in enumerate(lines, 1):
        if match := _TABLE.match(line):
            inside = match[1].replace(" ", "") == header
        elif inside:
            body.append((number, line))
    return body
