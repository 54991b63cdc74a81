"""Checks files independently of each other, in several processes if there are many."""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import libcst as cst

from ctrlgen.lint.codes import Choice
from ctrlgen.lint.diagnostics import Diagnostic, Place
from ctrlgen.lint.emitted_methods import EmittedMethods
from ctrlgen.lint.fixes import fixed, formatted, is_formatted
from ctrlgen.lint.lint_settings import LintSettings
from ctrlgen.lint.parsing import TOO_DEEP, parse, python_tree, unreadable
from ctrlgen.lint.project_modules import ProjectModules
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.rules import RULES
from ctrlgen.lint.source_code import SourceCode
from ctrlgen.silencing import IgnoreComments

ResultT = TypeVar("ResultT")

_MANY_FILES = 24
_STACK = 256 * 1024 * 1024
_RECURSION = 100_000
_PASSES = 5
_WORTH_READING = re.compile(
    rb"find_|get_by|get_one_by|\.create\(|\.count\(|utcnow|utcfromtimestamp|functools|gather|create_task"
    rb"|select\b|SELECT\b|INSERT\b|UPDATE\b|DELETE\b|execute|Controller\(\)|\.where\(|\.filter\(|filters|\b(and|or|not)_\b"
    rb"|\.(commit|flush|refresh|scalars?|get_one)\(|\.get\(\s*(\w+\.)*[A-Z]"
)
_SESSION = re.compile(rb"[Ss]ession")
_SESSION_CALL = re.compile(
    rb"\.\s*(add|merge|delete|exec|get|stream|rollback|create|update|upsert|bulk|insert|set|remove|increment|find|list"
    rb"|fetch|load|count|exists|paginate)\w*\s*\("
)
"""A file that does not match the first pattern, or both others, has no findings."""
_QUERIES_A_MODEL = re.compile(rb"\b(select|delete|get|get_one)\(\s*(\w+\.)*[A-Z]")


@dataclass(frozen=True, slots=True)
class FileResult:
    """The findings in one file, the number of fixes, and the error if the fixes could not be written.

    ``fixable`` is the number of findings that ``--fix`` would fix, including those that it can fix only after others.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    fixed: int = 0
    fixable: int = 0
    unwritten: str | None = None


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks one file at a time. It is pickled and sent to other processes."""

    choice: Choice = field(default_factory=Choice)
    emitted: EmittedMethods | None = None
    fix: bool = False
    settings: LintSettings = field(default_factory=LintSettings)
    modules: ProjectModules = field(default_factory=ProjectModules)

    def check_file(self, file: Path, shown: str) -> FileResult:
        """Return the findings in a file, after applying fixes if ``fix`` is set."""
        choice = replace(self.choice, ignored_here=self.settings.ignored_in(file))
        return with_deep_stack(partial(replace(self, choice=choice)._check_file, file, shown))

    def _check_file(self, file: Path, shown: str) -> FileResult:
        try:
            content = file.read_bytes()
        except OSError as error:
            return FileResult((unreadable(shown, Place(1, 0), f"the file cannot be read: {error.strerror}"),))
        if not may_have_findings(content) and python_tree(content) is not None:
            return FileResult()
        diagnostics, module = self._diagnostics(content, shown, file)
        if module is None or not any(diagnostic.edits for diagnostic in diagnostics):
            return FileResult(diagnostics)
        fixed_content, remaining, count = self._fixed(content, module.encoding, diagnostics, shown, file)
        if not self.fix or not count:
            return FileResult(diagnostics, fixable=count)
        try:
            _write(file, fixed_content)
        except OSError as error:
            return FileResult(diagnostics, unwritten=f"`{shown}` cannot be written: {error.strerror}")
        return FileResult(remaining, count)

    def check_text(self, text: str, path: str = "<text>") -> tuple[Diagnostic, ...]:
        """Return the findings in the source of a file."""
        return self._diagnostics(text.encode(), path)[0]

    def _fixed(
        self, content: bytes, encoding: str, diagnostics: tuple[Diagnostic, ...], shown: str, file: Path
    ) -> tuple[bytes, tuple[Diagnostic, ...], int]:
        """Return the content after all fixes, the findings that remain, and the number of fixes."""
        total = 0
        original = content
        for _ in range(_PASSES):
            text, count = fixed(content.decode(encoding), diagnostics)
            if not count:
                break
            candidate = text.encode(encoding)
            remaining, module = self._diagnostics(candidate, shown, file)
            if module is None:
                break  # never write a result that is not valid Python
            content, diagnostics, total = candidate, remaining, total + count
        if self.fix and total and is_formatted(original, file):
            content = formatted(content, file) or content
            diagnostics, _ = self._diagnostics(content, shown, file)
        return content, diagnostics, total

    def _diagnostics(
        self, content: bytes, shown: str, file: Path | None = None
    ) -> tuple[tuple[Diagnostic, ...], cst.Module | None]:
        module, failure = parse(content, shown)
        if module is None:
            return ((failure,) if failure else ()), None
        comments = IgnoreComments(content.decode(module.encoding))
        try:
            diagnostics = self._findings_of(SourceCode(shown, module, file.absolute() if file else None))
        except RecursionError:
            return (unreadable(shown, Place(1, 0), TOO_DEEP),), None
        reported = (
            diagnostic
            for diagnostic in diagnostics
            if not comments.ignore(diagnostic.code, diagnostic.start.line, diagnostic.end.line)
        )
        return tuple(sorted(reported)), module

    def _findings_of(self, source: SourceCode) -> set[Diagnostic]:
        queries = Queries(source, self.emitted, self.modules)
        rules = [rule for rule in RULES if self.choice.allows(rule.code)]
        rules = [rule for rule in rules if rule.in_tests or not source.in_tests]
        diagnostics = {diagnostic for rule in rules for diagnostic in rule.check(queries)}
        return {diagnostic for diagnostic in diagnostics if not source.expects_an_error(diagnostic.start)}


def may_have_findings(content: bytes) -> bool:
    """Return whether a file may have findings: parsing it takes most of the time of a run."""
    if _WORTH_READING.search(content):
        return True
    return bool(_SESSION.search(content) and _SESSION_CALL.search(content))


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
    return any(_QUERIES_A_MODEL.search(content) for content in _contents(files))


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
    with ProcessPoolExecutor(workers, initializer=_share, initargs=(checker,)) as pool:
        return list(pool.map(_check, files, names, chunksize=8))


_shared: list[Checker] = []
"""The checker of a worker process, which keeps the modules that it has read."""


def _share(checker: Checker) -> None:
    _shared[:] = [checker]


def _check(file: Path, shown: str) -> FileResult:
    return _shared[0].check_file(file, shown)
