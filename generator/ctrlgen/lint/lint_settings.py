"""The settings ``[tool.ctrlgen.lint]``, with the names and the meaning of ruff's settings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ctrlgen import toml
from ctrlgen.errors import UnknownCodeError
from ctrlgen.findings import DOCS
from ctrlgen.lint.codes import codes_of
from ctrlgen.settings import read_section

_WITHIN = "lint"
_KEYS = ("select", "ignore", "exclude", "force-exclude", "per-file-ignores")


@dataclass(frozen=True, slots=True)
class LintSettings:
    """The ``lint`` settings of a project. Paths are relative to its folder.

    Parameters
    ----------
    root
        The project's folder; None without a project.
    select, ignore
        Codes, or prefixes of codes.
    exclude
        Patterns of files and folders that are not checked when folders are searched.
    force_exclude
        Whether ``exclude`` also applies to files passed as arguments.
    per_file_ignores
        Codes to ignore, by patterns of files. A pattern that begins with ``!`` applies to all other files.
    """

    root: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def excludes(self, file: Path) -> bool:
        """Return whether a file, or a folder that contains it, is excluded."""
        return bool(self.exclude) and any(_matches(file, self.root, pattern) for pattern in self.exclude)

    def ignored_in(self, file: Path) -> tuple[str, ...]:
        """Return the codes to ignore in a file."""
        return tuple(
            code
            for pattern, codes in self.per_file_ignores.items()
            if _matches(file, self.root, pattern.removeprefix("!")) != pattern.startswith("!")
            for code in codes
        )


def read_lint_settings(root: Path | None) -> LintSettings:
    """Read the settings of the project in a folder.

    Raises
    ------
    ConfigError
        A setting does not exist, or has an invalid value.
    """
    if root is None:
        return LintSettings()
    section = toml.table(read_section(root / "pyproject.toml"), _WITHIN)
    toml.check_keys(section, _KEYS, "tool.ctrlgen.lint")
    per_file = toml.table(section, "per-file-ignores", _WITHIN)
    return LintSettings(
        root.resolve(),
        select=_codes(section, "select"),
        ignore=_codes(section, "ignore"),
        exclude=toml.strings(section, "exclude", '["legacy", "app/old/*.py"]', _WITHIN) or (),
        force_exclude=toml.flag(section, "force-exclude", _WITHIN),
        per_file_ignores={
            pattern: _codes(per_file, pattern, f"{_WITHIN}.per-file-ignores", quoted=True) for pattern in per_file
        },
    )


def _codes(section: toml.Table, key: str, within: str = _WITHIN, *, quoted: bool = False) -> tuple[str, ...]:
    written = f'"{key}"' if quoted else key
    values = toml.strings(section, key, '["CGL203"]', within, written=written) or ()
    known, unknown = codes_of(values)
    for code in unknown:
        setting = within if quoted else f"{within}.{key}"
        message = f"`{setting}` in `[tool.ctrlgen]`: no rule has the code `{code}`"
        hint = f"use a code such as CGL101, a prefix such as CGL1, or ALL; {DOCS}/lint.md lists the codes"
        raise UnknownCodeError(message, hint=hint, setting=setting, mark=code)
    return known


def _matches(file: Path, root: Path | None, pattern: str) -> bool:
    """Return whether a pattern matches a file, or a folder that contains it, by name or by path in the project."""
    path = Path(os.path.abspath(file))  # noqa: PTH100 - `resolve` would follow symbolic links out of the project
    relative = path.relative_to(root) if root and path.is_relative_to(root) else path
    places: Sequence[Path] = [relative, *relative.parents][: len(relative.parts)]
    return any(_fits(place.name, pattern) or _fits(place.as_posix(), pattern) for place in places)


def _fits(text: str, pattern: str) -> bool:
    """Return whether a glob matches. As in ruff, ``*`` matches slashes, and ``**/`` also matches nothing."""
    plain = pattern.removeprefix("./").rstrip("/")
    return any(fnmatchcase(text, variant) for variant in _variants(plain))


def _variants(pattern: str) -> Iterable[str]:
    return (pattern, pattern.replace("**/", ""))
