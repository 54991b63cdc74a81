"""Formats sources with ruff, using the project's settings.

``pipeline`` calls :func:`format_or_recall` for rendered modules, ``stubs`` calls :func:`format_sources` for test files.
Unused imports are always removed. The order of imports and the layout follow the project's settings, or else ruff's
defaults. The formatted files of the last package are cached in the folder of ``cache_folder``, so that a run formats
only changed files. An entry is used only for the same source, settings and version of ruff.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shutil import which

from ctrlgen.cache_folder import keep, read_json
from ctrlgen.errors import FormatError, InstallationError, RuffSettingsError
from ctrlgen.ruff_settings import RuffSettings, required_python, ruff_settings
from ctrlgen.scratch import scratch_folder
from ctrlgen.tracing import digest, note_file, note_folder

_QUIET = ("--quiet", "--no-cache")
_OWN_FIXES = ("check", *_QUIET, "--isolated", "--fix", "--select", "F401,RUF022", "--target-version", "py311")
_IMPORTS = ("check", *_QUIET, "--fix", "--fix-only", "--ignore-noqa", "--select", "I", "--fixable", "I")
_FOR_EVERY_FILE = ("lint.per-file-ignores={}", "lint.extend-per-file-ignores={}", "lint.unfixable=[]")
_OWN_STYLE = RuffSettings(tables=({"line-length": 120},))
_ONE_LINE = re.compile(r'\s*"""(?:(?!""").)+"""')
_HEADER = re.compile(r"(?:async def|def|class)\b[^#]*")
_IMPORTED = re.compile(r"^\s*(?:from|import) ([\w.]+)", re.MULTILINE)


def format_sources(
    sources: Mapping[str, str], first_party: Collection[str] = (), folder: Path | None = None
) -> dict[str, str]:
    """Return the formatted sources, with imports sorted and unused imports removed.

    Parameters
    ----------
    sources
        Path with forward slashes → text. Only ``.py`` files change.
    first_party
        Modules of the project, whose imports are sorted as first-party.
    folder
        The target folder of the sources, whose ruff settings apply; None for ctrlgen's own style.

    Raises
    ------
    RuffSettingsError
        Ruff cannot read the project's settings.
    FormatError
        Ruff cannot parse a source, which is a bug in ctrlgen.
    """
    settings = ruff_settings(folder) if folder else _OWN_STYLE
    with scratch_folder() as scratch:
        files = _written(sources, _mirrored(folder, settings, scratch))
        if python := [file for file in files.values() if file.suffix == ".py"]:
            listing = scratch / "files.txt"  # the command line could become too long for some systems
            listing.write_text("\n".join(map(str, python)), "utf-8")
            _format(python, f"@{listing}", settings, first_party)
        return {path: file.read_bytes().decode() for path, file in files.items()}


def _format(files: Iterable[Path], listing: str, settings: RuffSettings, first_party: Iterable[str]) -> None:
    """Format files in place. ``listing`` has their paths."""
    _fix(*_OWN_FIXES, listing)
    for file in files:
        before = file.read_text("utf-8")
        if (wrapped := with_wrapped_docstrings(before, settings.line_length)) != before:
            file.write_text(wrapped, "utf-8", newline="")
    options = _options(settings)
    values = (*_FOR_EVERY_FILE, _first_party(settings, first_party))
    _lay_out(settings, *_IMPORTS, *options, *(word for value in values for word in ("--config", value)), listing)
    _lay_out(settings, "format", *_QUIET, *options, listing)


def _mirrored(folder: Path | None, settings: RuffSettings, root: Path) -> Path:
    """Create a folder under ``root`` inside the same packages as the real one, which decide what is first-party."""
    if folder is None or settings.file is None:
        return root / "package"
    top = settings.file.parent
    for package in folder.parents:
        if package.is_relative_to(top) and (package / "__init__.py").exists():
            _write(root / package.relative_to(top) / "__init__.py", "")
    return root / folder.relative_to(top)


def _written(sources: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """Write the sources into ``folder`` and return their files."""
    files = {path: folder / path for path in sources}
    for parent in {file.parent for file in files.values()}:
        parent.mkdir(parents=True, exist_ok=True)
    for path, file in files.items():
        file.write_bytes(sources[path].replace("\r\n", "\n").encode())
    return files


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def _options(settings: RuffSettings) -> list[str]:
    """Return the options of both ruff commands."""
    if settings.file is None:
        return ["--isolated", "--line-length", str(settings.line_length), "--target-version", "py311"]
    version = None if settings.says_python else required_python(settings.file.parent)
    target = ["--target-version", version] if version else []
    return ["--config", str(settings.file), "--no-force-exclude", *target]


def _first_party(settings: RuffSettings, modules: Iterable[str]) -> str:
    """Return the first-party packages. Ruff finds existing packages, but not those still to be written."""
    if settings.file is None:
        own = {module.partition(".")[0] for module in modules}
    else:
        own = {module for module in modules if any(_is_missing(module, root) for root in settings.import_roots)}
    return f"lint.isort.known-first-party={json.dumps(sorted({*settings.first_party, *own}))}"


def _is_missing(module: str, root: Path) -> bool:
    """Return whether ``module`` would be inside ``root``."""
    path = root.joinpath(*module.split("."))
    return path.parent.is_dir() and not path.exists() and not path.with_suffix(".py").exists()


# Docstrings: ruff does not wrap long lines in docstrings.


def with_wrapped_docstrings(source: str, width: int) -> str:
    """Return the source with one-line docstrings longer than ``width`` wrapped."""
    lines = source.split("\n")
    quoted = [index for index, line in enumerate(lines) if '"""' in line]
    long = [index for index in quoted if len(lines[index]) > width and _ONE_LINE.fullmatch(lines[index])]
    is_plain = "'''" not in source and '\\"' not in source
    if long and not (is_plain and {*long} <= _surely_docstrings(lines, quoted)):
        docstrings = {*_docstring_lines(ast.parse(source).body)}
        long = [index for index in long if index in docstrings]
    for index in long:
        text = lines[index].lstrip()
        indent = lines[index].removesuffix(text)
        parts = textwrap.wrap(
            text.removesuffix('"""'), width - len(indent), break_long_words=False, break_on_hyphens=False
        )
        lines[index] = "\n".join(f"{indent}{part}" for part in (*parts, '"""'))
    return "\n".join(lines)


def _surely_docstrings(lines: Sequence[str], quoted: Iterable[int]) -> set[int]:
    """Return those of the lines with triple quotes that are docstrings by their looks, because parsing takes longer.

    They are outside of other strings, and follow the header of a class or function.
    """
    docstrings: set[int] = set()
    is_inside = False
    for index in quoted:
        if not is_inside and (index == 0 or _ends_header(lines, index - 1)):
            docstrings.add(index)
        is_inside ^= lines[index].count('"""') % 2 == 1
    return docstrings


def _ends_header(lines: Sequence[str], index: int) -> bool:
    """Return whether a line is the last one of the header of a class or function, by its looks."""
    end = lines[index].lstrip()
    if not end.endswith(":") or "#" in end:
        return False
    if end.startswith(")"):
        inside = f"{lines[index].removesuffix(end)} "
        index = next((above for above in range(index - 1, -1, -1) if not lines[above].startswith(inside)), index)
    return _HEADER.match(lines[index].lstrip()) is not None


def _docstring_lines(body: Sequence[ast.stmt]) -> Iterator[int]:
    """Yield the index of each line with a one-line docstring, of a module and of the definitions in its body."""
    if body and isinstance(first := body[0], ast.Expr) and first.lineno == first.end_lineno:
        yield first.lineno - 1
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
            yield from _docstring_lines(node.body)


# Running ruff.


def _fix(*arguments: str) -> None:
    done = _ruff(*arguments)
    if done.returncode:
        raise FormatError(
            "ruff rejected the emitted code because of a bug in ctrlgen",
            hint=f"please report it with the model that caused it; output of ruff:\n{done.stdout}{done.stderr}",
        )


def _lay_out(settings: RuffSettings, *arguments: str) -> None:
    """Run ruff with the project's settings.

    A failure is caused by the settings, because the sources were parsed before.
    """
    done = _ruff(*arguments, folder=settings.file.parent if settings.file else Path(tempfile.gettempdir()))
    if done.returncode:
        raise RuffSettingsError(
            f"ruff cannot format the emitted code with the settings in `{settings.file}`",
            hint=f"ruff says:\n{done.stdout}{done.stderr}".rstrip(),
        )


def _ruff(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ruff_executable(), *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def ruff_executable() -> str:
    """Return the ruff executable of this Python environment, or else the one on the path."""
    executable = which("ruff", path=str(Path(sys.executable).parent)) or which("ruff")
    if executable is None:
        raise InstallationError("ruff is not installed", hint="run `pip install ruff`")
    return executable


# The cache.


def format_or_recall(
    sources: Mapping[str, str], first_party: Collection[str], folder: Path, cache: Path | None
) -> dict[str, str]:
    """Return the result of :func:`format_sources`, from the cache if possible."""
    if cache is None:
        return format_sources(sources, first_party, folder)
    place = cache / f"formatted-{_digest(str(folder))[:16]}.json"
    settings = ruff_settings(folder)
    conditions = _conditions(settings, folder)
    is_own = _OwnModules({*first_party, *settings.first_party}, settings.import_roots)
    keys = {
        path: _digest(json.dumps([conditions, path, source, is_own.among(source)])) for path, source in sources.items()
    }
    known = _recall(place)
    missing = {path: source for path, source in sources.items() if keys[path] not in known}
    formatted = format_sources(missing, first_party, folder) if missing else {}
    result = {path: formatted[path] if path in formatted else known[keys[path]] for path in sources}
    if missing or len(known) != len(sources):
        keep(place, json.dumps({keys[path]: text for path, text in result.items()}))
    return result


def _conditions(settings: RuffSettings, folder: Path) -> str:
    """Return a digest of everything besides the source that affects the output of ruff."""
    ruff = Path(ruff_executable()).resolve()
    note_file(ruff)
    status = ruff.stat()
    packages = [(place / "__init__.py").exists() for place in folder.parents]
    tool = (str(ruff), status.st_mtime_ns, status.st_size)
    return _digest(json.dumps([tool, str(settings.file), settings.contents, packages]))


class _OwnModules:
    """Determines which modules are first-party for ruff: those passed to it, and those it finds in folders."""

    def __init__(self, names: Collection[str], import_roots: Sequence[Path]) -> None:
        self._names = names
        self._import_roots = import_roots
        self._known: dict[str, bool] = {}
        for root in import_roots:
            note_folder(root)

    def among(self, source: str) -> list[str]:
        """Return the first-party modules that a source imports."""
        return sorted(module for module in {*_IMPORTED.findall(source)} if self._is_own(module))

    def _is_own(self, module: str) -> bool:
        if module not in self._known:
            parts = module.split(".")
            above = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
            self._known[module] = not above.isdisjoint(self._names) or any(
                (root / f"{parts[0]}{suffix}").exists() for root in self._import_roots for suffix in ("", ".py")
            )
        return self._known[module]


def _recall(place: Path) -> dict[str, str]:
    """Return the formatted sources by their keys; empty if there is no cache, or if it is damaged."""
    return {key: text for key, text in (read_json(place) or {}).items() if isinstance(text, str)}


def _digest(text: str) -> str:
    return digest(text.encode())
