"""The child process: it loads *and* inspects the models, because the model classes cannot be sent to the parent.

``child_start`` starts it before the parent has parsed its arguments. The parent sends it a request with
:func:`child_process`, works in parallel, and asks for the schema. Errors reported by the child are raised in the
parent. Importing this module must stay cheap: only the child imports sqlmodel, SQLAlchemy and the steps that need them.

User code runs only in the child. It may print, replace hooks, start threads or exit. The reply is therefore written to
a separate file, and the process ends without waiting for threads.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pickle
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, Protocol, TextIO, cast

from ctrlgen import tracing
from ctrlgen.child_start import take_process
from ctrlgen.errors import CtrlgenError, LoadingEndedError, bug
from ctrlgen.schema import Schema
from ctrlgen.scratch import scratch_folder
from ctrlgen.tracing import Reads

REPLY, _READS, PROGRESS, _WORK = "reply", "reads", "progress", "work"
_ALLOWED = frozenset({"ctrlgen.errors", "ctrlgen.explain.explanation", "ctrlgen.findings", "ctrlgen.schema"})
"""The modules whose classes may be in a reply. The parent never imports the models."""

_REPORTED_WARNINGS = (
    r'Field name "(metadata|registry|model_\w+)" in ".*" shadows an attribute in parent',
    r"Attribute name '(metadata|registry)' should be left reserved",
)
"""Warnings of pydantic and SQLAlchemy about reserved names, which `load` refuses with an error of its own."""


class Work(Protocol):
    """Work for the child process after it has read the models, where the model classes are needed. It is pickled."""

    def __call__(self, schema: Schema) -> object:
        """Return the reply, which consists of ctrlgen's own data classes."""
        ...


class Project(Protocol):
    """The part of the configuration that loading needs."""

    @property
    def project(self) -> Path:
        """The absolute path of the project's folder."""
        ...

    @property
    def package(self) -> str:
        """The import name of the generated package."""
        ...

    @property
    def models(self) -> Sequence[str]:
        """Import paths of the modules and packages that hold the models."""
        ...


# In the parent: start the child and read its reply.


def schema_from_child(config: Project, *, with_samples: bool = True) -> Schema:
    """Load and inspect the configured modules in a child process, and return the schema.

    Only test stubs need the samples of columns, which take a third of the time of ``inspect``.

    Raises
    ------
    LoadError
        If a configured module cannot be imported, or none declares a table model.
    ModelError
        If no controller can be generated from a model.
    """
    with child_process(config, with_samples=with_samples) as child:
        return child.schema()


@contextlib.contextmanager
def child_process(config: Project, work: Work | None = None, *, with_samples: bool = True) -> Generator[Child]:
    """Start the process that loads and inspects the configured modules, and end it with the block.

    Its reply is the schema, or the result of ``work``.
    """
    with scratch_folder() as folder:
        if work:
            (folder / _WORK).write_bytes(pickle.dumps(work))
        order = [str(folder), str(config.project), config.package, "samples" if with_samples else "", *config.models]
        with take_process() as process:
            try:
                _send(process, order)
                yield Child(process, folder)
            finally:
                process.kill()  # has no effect if the process has ended
                process.wait()


def _send(process: subprocess.Popen[bytes], order: Sequence[str]) -> None:
    """Send the request to the process. If it has ended already, this is detected by the missing reply."""
    assert process.stdin
    with contextlib.suppress(BrokenPipeError), process.stdin as stream:
        stream.write(json.dumps(order).encode())


@dataclass(frozen=True, slots=True)
class Child:
    """The running process, and the folder in which it writes its reply and its current step."""

    process: subprocess.Popen[bytes]
    folder: Path

    def schema(self) -> Schema:
        """Wait for the schema and return it, or raise the error that the child reports."""
        schema = self.answer()
        assert isinstance(schema, Schema), schema
        return schema

    def current_step(self) -> str:
        """Return the current step of the child."""
        return _current_step(self.folder / PROGRESS)

    def answer(self) -> object:
        """Wait for the reply and return it, or raise the error that the child reports."""
        code = self.process.wait()
        reply = read_reply(self.folder / REPLY) or _crash(code, self.folder / PROGRESS)
        if isinstance(reply, CtrlgenError):
            raise reply
        return reply

    def reads(self) -> Reads:
        """Return the files that the child read, after it has replied."""
        return Reads.from_json((self.folder / _READS).read_text("utf-8"))


def _current_step(progress: Path) -> str:
    return (progress.read_text("utf-8") if progress.exists() else "") or "starting"


def _crash(code: int, progress: Path) -> LoadingEndedError:
    step = _current_step(progress)
    ending = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    return LoadingEndedError(
        f"the process that loads the models ended while {step} ({ending})",
        None,
        "The import of a module of models must return. Check for os._exit, a crash in an extension module, or too "
        "little memory; the output of the process is above.",
    )


# In the child: read the models and write the reply.


def main() -> None:
    """Run the child process: import the libraries, read the request, write the reply, and exit."""
    tracing.start()
    gc.disable()  # garbage collection takes a tenth of the import time, and this process is short
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    for reported in _REPORTED_WARNINGS:
        warnings.filterwarnings("ignore", message=reported)
    name, project, package, samples, *names = _order()
    folder = Path(name)
    os.chdir(project)
    open_project(Path(project))
    sys.stdout, sys.stderr = streams = tracing.ObservedStream(sys.stdout), tracing.ObservedStream(sys.stderr)
    read = partial(
        read_schema, Path(project), package, names, progress_to(folder / PROGRESS), with_samples=bool(samples)
    )
    answer = reply_of(
        lambda: _answer(read, progress_to(folder / PROGRESS), folder / _WORK), "the models cannot be read"
    )
    (folder / _READS).write_text(tracing.finish(without=[folder]).to_json(), "utf-8")
    write_reply(folder / REPLY, answer)
    end_process(streams)


def _order() -> list[str]:
    """Import the libraries, and return the request: ``FOLDER PROJECT PACKAGE SAMPLES MODULE...``."""
    with contextlib.suppress(Exception):  # errors of libraries are reported when they are used
        for name in ("ctrlgen.inspect", "ctrlgen.load"):
            importlib.import_module(name)
    return cast("list[str]", read_request())


def read_request() -> object:
    """Return the request that the parent process sends. End the process if the parent has ended."""
    text = sys.stdin.buffer.read()
    if not text:
        os._exit(0)
    return json.loads(text)


def end_process(streams: Iterable[TextIO]) -> NoReturn:
    """End the process without waiting for threads and exit handlers of the models."""
    for stream in streams:
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def read_schema(
    project: Path, package: str, names: Sequence[str], progress: Callable[[str], None], *, with_samples: bool
) -> Schema:
    """Load the modules ``names``, and inspect the models in them."""
    from ctrlgen.inspect import inspect  # both import sqlmodel, which the parent must not import
    from ctrlgen.load import load
    from ctrlgen.source_locations import Sources

    sources = Sources(project, package)
    loaded = load(names, sources, progress)
    return loaded.completed(lambda: inspect(loaded.models, sources, with_samples=with_samples))


def _answer(read: Callable[[], Schema], progress: Callable[[str], None], work_file: Path) -> object:
    schema = read()
    if not work_file.exists():
        return schema
    work: Work = pickle.loads(work_file.read_bytes())  # noqa: S301 - written by the parent
    progress("explaining the methods of the models")
    return work(schema)


def reply_of(answer: Callable[[], object], failure: str) -> object:
    """Return an answer, or the error that it raises. ``failure`` is what a bug in ctrlgen prevents."""
    try:
        return answer()
    except CtrlgenError as error:
        return error.with_traceback_of_cause()
    except Exception as error:  # noqa: BLE001 - the parent prints it
        return bug(f"{failure} because of a bug in ctrlgen", error)


def open_project(root: Path) -> None:
    """Make the project's modules importable: the project's folder is searched first, its ``src`` folder last."""
    sys.path.insert(0, str(root))
    sys.path.append(str(root / "src"))


def progress_to(path: Path) -> Callable[[str], None]:
    """Return a function that records the current step, so that the parent can report where the child crashed."""

    def progress(step: str) -> None:
        path.write_text(step, "utf-8")

    return progress


# The reply: a ``Schema``, the result of a ``Work``, or an error, pickled into a private file.


def write_reply(path: Path, reply: object) -> None:
    """Write ``reply`` to ``path`` atomically."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        _Pickler(file).dump(reply)
    unfinished.replace(path)


def read_reply(path: Path) -> object:
    """Return the reply at ``path``, or None if the child did not write one."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        reply: object = _Unpickler(file).load()
    return reply


class _Pickler(pickle.Pickler):
    """Pickles subclasses of ``str``, such as SQLAlchemy's ``quoted_name``, as plain strings."""

    def reducer_override(self, obj: object, /) -> tuple[type[str], tuple[str]]:
        if isinstance(obj, str):  # not called for plain strings
            return str, (str.__str__(obj),)
        return cast("tuple[type[str], tuple[str]]", NotImplemented)  # the default of the protocol


class _Unpickler(pickle.Unpickler):
    """Unpickles only ctrlgen's own data classes."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if module_name not in _ALLOWED and (module_name, global_name) != ("builtins", "str"):
            raise pickle.UnpicklingError(f"{module_name}.{global_name} must not be sent from the child process")
        cls: object = super().find_class(module_name, global_name)
        return cls


if __name__ == "__main__":
    main()
