"""The last step: new files are formatted, and what existing ones lack is added to them.

A file that the user has changed keeps every byte it has: imports are added behind the last one, functions at the end,
and the entries that a factory lacks behind its last entry. Only a file that is formatted and sorted as a whole is so
afterwards, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ctrlgen.errors import TestFileError
from ctrlgen.format import format_sources
from ctrlgen.stubs.read_tests import TestFile
from ctrlgen.stubs.render_tests import Addition

_AFTER_LINE = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
"""Where Python begins a line."""


def merge_tests(
    created: Mapping[str, str],
    added: Mapping[str, Addition],
    files: Mapping[Path, TestFile],
    folder: Path,
    first_party: Collection[str],
) -> dict[Path, bytes]:
    """Return the contents of the files that are new, or that something is added to.

    Raises
    ------
    OutputError
        The encoding of a file has no place for what is added.
    """
    stubs = {f"added/{name}": addition.source for name, addition in added.items()}
    formatted = format_sources({**created, **stubs}, first_party, folder) if created or stubs else {}
    merged = {folder / name: formatted[name].encode() for name in created}
    grown = {name: _grown(files[folder / name], each, formatted[f"added/{name}"]) for name, each in added.items()}
    for name, text in _tidied(grown, {name: files[folder / name].text for name in grown}, first_party, folder).items():
        ast.parse(text)  # rather nothing than a file that no longer parses
        merged[folder / name] = _encoded(text, files[folder / name])
    return merged


def _grown(file: TestFile, addition: Addition, functions: str) -> str:
    """Return the text of a file with what is added; lines end as in the file."""
    newline = "\r\n" if "\r\n" in file.text else "\n"
    lines = _AFTER_LINE.split(file.text)
    head, tail = "".join(lines[: file.last_import]), "".join(lines[file.last_import :])
    imports = "".join(f"{line}{newline}" for line in addition.imports)
    if imports and head and not head.endswith(("\n", "\r")):
        imports = f"{newline}{imports}"
    text = head + imports + tail
    if addition.completions:
        from ctrlgen.stubs.complete_factories import with_completions  # libcst, slow to import, is for this alone

        text = with_completions(text, addition.completions)
    if functions:
        end = "" if text.endswith(("\n", "\r")) else newline
        added = functions.replace("\n", newline)
        text = f"{text}{end}{newline}{newline}{added}"
    return text


def _tidied(
    grown: Mapping[str, str], before: Mapping[str, str], first_party: Collection[str], folder: Path
) -> dict[str, str]:
    """Return the texts, those formatted that were as ruff has them before."""
    plain = {name: text for name, text in before.items() if "\r" not in text and not text.startswith("\ufeff")}
    kept = format_sources(plain, first_party, folder) if plain else {}
    tidy = {name: grown[name] for name, text in kept.items() if text == before[name]}
    return {**grown, **(format_sources(tidy, first_party, folder) if tidy else {})}


def _encoded(text: str, file: TestFile) -> bytes:
    """Return a text in the encoding of the file, with its mark."""
    try:
        return text.encode(file.encoding)
    except UnicodeEncodeError as error:
        message = f"a test file in {file.encoding} has no place for {error.object[error.start : error.end]!r}"
        raise TestFileError(message, hint="save it as UTF-8, and generate again") from error
