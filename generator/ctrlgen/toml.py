"""Reads typed values out of a TOML table; ``config`` uses it, and every mistake is a ``ConfigError``."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import TypeGuard

from ctrlgen.errors import ConfigError

Table = Mapping[str, object]


def table(parent: Table, key: str) -> Table:
    """Return a table; an empty one where there is none."""
    value = parent.get(key, {})
    if not _is_table(value):
        raise ConfigError(f"`{key}` in pyproject.toml must be a table")
    return value


def text(section: Table, key: str) -> str | None:
    """Return a text, or None."""
    value = section.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ConfigError(f"`{key}` in `[tool.ctrlgen]` must be a text, not {value!r}")


def texts(section: Table, key: str, example: str) -> tuple[str, ...] | None:
    """Return a list of texts, or None."""
    value = section.get(key)
    if value is None:
        return None
    if _is_list(value) and value and all(isinstance(item, str) and item.strip() for item in value):
        return tuple(str(item) for item in value)
    raise ConfigError(f"`{key}` in `[tool.ctrlgen]` must be a list of texts", hint=f"write `{key} = {example}`")


def text_by_text(section: Table, key: str, example: str) -> dict[str, str]:
    """Return a table of texts; an empty one where there is none."""
    values = dict(table(section, key))
    if all(isinstance(value, str) and value.isidentifier() for value in values.values()):
        return {name: str(value) for name, value in values.items()}
    raise ConfigError(f"`{key}` in `[tool.ctrlgen]` must map names to names", hint=f"write `{example}`")


def one_of(section: Table, key: str, choices: Collection[str], default: str) -> str:
    """Return one of several texts."""
    value = section.get(key, default)
    if value in choices:
        return str(value)
    known = ", ".join(f'"{choice}"' for choice in choices)
    raise ConfigError(f"`{key}` in `[tool.ctrlgen]` must be one of {known}, not {value!r}")


def check_keys(section: Table, known: Collection[str], where: str) -> None:
    """Refuse keys that mean nothing."""
    for key in section:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(f'`{name}`' for name in known)}"
            raise ConfigError(f"`[{where}]` in pyproject.toml has no setting `{key}`", hint=hint)


def _is_table(value: object) -> TypeGuard[Table]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
