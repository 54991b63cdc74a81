"""The last step: formats new files, and adds the missing parts to existing files.

The existing content of a file is not changed: imports are added after the last import, functions at the end, and
entries of a factory after its last entry. A file is formatted and sorted only if it was so before.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from pathlib import Path

from ctrlgen.errors import TestFileError
from ctrlgen.format import format_sources
from ctrlgen.stubs.read_tests import TestFile, lines_of
from ctrlgen.stubs.render_tests import Addition


def merge_tests(
    created: Mapping[str, str],
    added: Mapping[str, Addition],
    files: Mapping[Path, TestFile],
    folder: Path,
    first_party: Collection[str],
) -> dict[Path, bytes]:
    """Return the contents of the new and the extended files.

    Raises
    ------
    OutputError
        The added source cannot be encoded in the encoding of a file.
    """
    stubs = {f"added/{name}": addition.source for name, addition in added.items()}
    formatted = format_sources({**created, **stubs}, first_party, folder) if created or stubs else {}
    merged = {folder / name: formatted[name].encode() for name in created}
    grown = {
        name: _grown(files[folder / name], addition, formatted[f"added/{name}"]) for name, addition in added.items()
    }
    for name, text in _tidied(grown, {name: files[folder / name].text for name in grown}, first_party, folder).items():
        ast.parse(text)  # never write a file that does not parse
        merged[folder / name] = _encoded(text, files[folder / name])
    return merged


def _grown(file: TestFile, addition: Addition, functions: str) -> str:
    """Return the source of a file with the additions, in the line endings of the file."""
    newline = "\r\n" if "\r\n" in file.text else "\n"
    lines = lines_of(file.text)
    head, tail = "".join(lines[: file.last_import]), "".join(lines[file.last_import :])
    imports = "".join(f"{line}{newline}" for line in addition.imports)
    if imports and head and not head.endswith(("\n", "\r")):
        imports = f"{newline}{imports}"
    text = head + imports + tail
    if addition.completions:
        from ctrlgen.stubs.complete_factories import with_completions  # libcst is slow to import, and needed only here

        text = with_completions(text, addition.completions)
    if functions:
        end = "" if text.endswith(("\n", "\r")) else newline
        added = functions.replace("\n", newline)
        text = f"{text}{end}{newline}{newline}{added}"
    return text


def _tidied(
    grown: Mapping[str, str], before: Mapping[str, str], first_party: Collection[str], folder: Path
) -> dict[str, str]:
    """Return the sources, formatted if they were formatted before."""
    plain = {name: text for name, text in before.items() if "\r" not in text and not text.startswith("\ufeff")}
    kept = format_sources(plain, first_party, folder) if plain else {}
    tidy = {name: grown[name] for name, text in kept.items() if text == before[name]}
    return {**grown, **(format_sources(tidy, first_party, folder) if tidy else {})}


def _encoded(text: str, file: TestFile) -> bytes:
    """Return a source in the encoding of the file, with its byte order mark."""
    try:
        return text.encode(file.encoding)
    except UnicodeEncodeError as error:
        message = f"{error.object[error.start : error.end]!r} cannot be encoded in a test file in {file.encoding}"
        raise TestFileError(message, hint="save the file as UTF-8, and generate again") from error
