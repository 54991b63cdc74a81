"""Checks files independently of each other, in several processes if there are many."""

from __future__ import annotations

import ast
import os
import re
import stat
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import libcst as cst

from ctrlgen.lint.codes import SYNTAX_ERROR, Choice
from ctrlgen.lint.diagnostics import Diagnostic, Place
from ctrlgen.lint.emitted_methods import EmittedMethods
from ctrlgen.lint.fixes import fixed
from ctrlgen.lint.lint_settings import LintSettings
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.rules import RULES
from ctrlgen.lint.source_code import SourceCode
from ctrlgen.silencing import IgnoreComments

ResultT = TypeVar("ResultT")

_MANY_FILES = 24
_TOO_DEEP = "an expression is nested too deeply"
_DEEPEST = 200
"""Python's limit for nested brackets."""
_BRACKETS = re.compile(rb"[\[\](){}]")
_STACK = 256 * 1024 * 1024
_RECURSION = 100_000
_PASSES = 5
_WORTH_READING = re.compile(
    rb"find_|get_by|get_one_by|session|\.create\(|\.count\(|utcnow|utcfromtimestamp|functools|gather|create_task"
    rb"|select|SELECT|INSERT|UPDATE|DELETE|execute|Controller\(\)|\.where\(|\.filter\(|filters|and_|or_|not_"
)
"""A file that does not match has no findings."""
_QUERIES_A_SESSION = re.compile(rb"select\(|delete\(|\.get\(")


@dataclass(frozen=True, slots=True)
class FileResult:
    """The findings in one file, the number of fixes, and the error if the fixes could not be written."""

    diagnostics: tuple[Diagnostic, ...] = ()
    fixed: int = 0
    unwritten: str | None = None


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks one file at a time. It is pickled and sent to other processes."""

    choice: Choice = field(default_factory=Choice)
    emitted: EmittedMethods | None = None
    fix: bool = False
    settings: LintSettings = field(default_factory=LintSettings)

    def check_file(self, file: Path, shown: str) -> FileResult:
        """Return the findings in a file, after applying fixes if ``fix`` is set."""
        choice = replace(self.choice, ignored_here=self.settings.ignored_in(file))
        return with_deep_stack(partial(replace(self, choice=choice)._check_file, file, shown))

    def _check_file(self, file: Path, shown: str) -> FileResult:
        try:
            content = file.read_bytes()
        except OSError as error:
            return FileResult((_unreadable(shown, Place(1, 0), f"the file cannot be read: {error.strerror}"),))
        if not _WORTH_READING.search(content) and _is_python(content):
            return FileResult()
        diagnostics, module = self._diagnostics(content, shown)
        if module is None or not self.fix:
            return FileResult(diagnostics)
        return self._fixed(file, content, module.encoding, diagnostics, shown)

    def check_text(self, text: str, path: str = "<text>") -> tuple[Diagnostic, ...]:
        """Return the findings in the source of a file."""
        return self._diagnostics(text.encode(), path)[0]

    def _fixed(
        self, file: Path, content: bytes, encoding: str, diagnostics: tuple[Diagnostic, ...], shown: str
    ) -> FileResult:
        total = 0
        original = content
        for _ in range(_PASSES):
            text, count = fixed(content.decode(encoding), diagnostics)
            if not count:
                break
            candidate = text.encode(encoding)
            remaining, module = self._diagnostics(candidate, shown)
            if module is None:
                break  # never write a result that is not valid Python
            content, diagnostics, total = candidate, remaining, total + count
        if content == original:
            return FileResult(diagnostics)
        try:
            _write(file, content)
        except OSError as error:
            return FileResult(
                self._diagnostics(original, shown)[0], 0, f"`{shown}` cannot be written: {error.strerror}"
            )
        return FileResult(diagnostics, total)

    def _diagnostics(self, content: bytes, shown: str) -> tuple[tuple[Diagnostic, ...], cst.Module | None]:
        module, failure = _parse(content, shown)
        if module is None:
            return ((failure,) if failure else ()), None
        comments = IgnoreComments(content.decode(module.encoding))
        try:
            diagnostics = self._findings_of(SourceCode(shown, module))
        except RecursionError:
            return (_unreadable(shown, Place(1, 0), _TOO_DEEP),), None
        reported = (
            diagnostic
            for diagnostic in diagnostics
            if not comments.ignore(diagnostic.code, diagnostic.start.line, diagnostic.end.line)
        )
        return tuple(sorted(reported)), module

    def _findings_of(self, source: SourceCode) -> set[Diagnostic]:
        queries = Queries(source, self.emitted)
        rules = [rule for rule in RULES if self.choice.allows(rule.code)]
        rules = [rule for rule in rules if rule.in_tests or not source.in_tests]
        diagnostics = {diagnostic for rule in rules for diagnostic in rule.check(queries)}
        return {diagnostic for diagnostic in diagnostics if not source.expects_an_error(diagnostic.start)}


def _parse(content: bytes, shown: str) -> tuple[cst.Module | None, Diagnostic | None]:
    if _nesting(content) > _DEEPEST and _syntax_error(content):
        return None, _unreadable(shown, Place(1, 0), _TOO_DEEP)  # the parser of libcst would overflow its stack
    try:
        return cst.parse_module(content), None
    except cst.ParserSyntaxError as error:
        place, reason = (
            Place(error.raw_line, max(error.raw_column, 0)),
            _syntax_error(content) or "the file is not valid Python",
        )
        return None, _unreadable(shown, place, reason)
    except (UnicodeDecodeError, LookupError, SyntaxError) as error:  # an invalid `# coding` raises LookupError
        return None, _unreadable(shown, Place(1, 0), f"the file cannot be decoded: {error}")
    except RecursionError:
        return None, _unreadable(shown, Place(1, 0), _TOO_DEEP)


def _nesting(content: bytes) -> int:
    """Return the maximum nesting of brackets, including those in strings."""
    deepest = depth = 0
    for match in _BRACKETS.finditer(content):
        depth += 1 if match[0] in b"([{" else -1
        deepest = max(deepest, depth)
    return deepest


def with_deep_stack(work: Callable[[], ResultT]) -> ResultT:
    """Call ``work`` with a large stack, because parser and metadata recurse into long chains of calls."""
    results: list[ResultT] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            errors.append(error)

    limit = sys.getrecursionlimit()
    size = threading.stack_size(_STACK)
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return results[0]


def _syntax_error(content: bytes) -> str | None:
    """Return Python's own message about a syntax error."""
    try:
        ast.parse(content)
    except SyntaxError as error:
        return f"{error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "the source is nested too deeply"
    return None


def _is_python(content: bytes) -> bool:
    """Return whether this Python can parse a file. If not, the syntax may be newer, and libcst decides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about escapes in strings of the file
        try:
            ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _unreadable(shown: str, place: Place, reason: str) -> Diagnostic:
    message = f"this file was not checked: {reason}"
    return Diagnostic(shown, place, place, SYNTAX_ERROR, message, "fix the syntax first")


def _write(file: Path, content: bytes) -> None:
    """Replace a file atomically, keeping its permissions."""
    target = file.resolve()
    mode = stat.S_IMODE(target.stat().st_mode)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def needs_plan(files: Sequence[Path]) -> bool:
    """Return whether any of the files may have a query that an emitted method replaces."""
    return any(_QUERIES_A_SESSION.search(content) and b"session" in content.lower() for content in _contents(files))


def _contents(files: Sequence[Path]) -> Iterator[bytes]:
    for file in files:
        try:
            yield file.read_bytes()
        except OSError:
            continue


def check_files(
    files: Sequence[Path], checker: Checker, shown: Callable[[Path], str], processes: int | None = None
) -> list[FileResult]:
    """Return the results of the files, in order."""
    names = [shown(file) for file in files]
    workers = min(processes or os.cpu_count() or 1, len(files) // _MANY_FILES + 1)
    if workers < 2:
        return [checker.check_file(file, name) for file, name in zip(files, names, strict=True)]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(partial(_check, checker), files, names, chunksize=8))


def _check(checker: Checker, file: Path, shown: str) -> FileResult:
    return checker.check_file(file, shown)
