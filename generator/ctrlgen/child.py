"""The child process: it loads *and* inspects the models, because classes of the user's cannot leave it.

``child_start`` starts it, before the parent has read its own arguments. The parent tells it what to read with
:func:`child_process`, does meanwhile what it can, and asks for the schema; what the child reports as an error is raised
there. Importing this module must stay cheap: sqlmodel, SQLAlchemy and the steps that need them are imported by the
child alone.

User code runs in the child and nowhere else. It may print, replace hooks, start threads or exit: the reply goes through
a file of its own, and the process ends without waiting for anybody.
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
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from ctrlgen import tracing
from ctrlgen.child_start import take_process
from ctrlgen.errors import CtrlgenError, LoadingEndedError, described
from ctrlgen.schema import Schema
from ctrlgen.scratch import scratch_folder
from ctrlgen.tracing import Reads

REPLY, _READS, PROGRESS, _WORK = "reply", "reads", "progress", "work"
_ALLOWED = frozenset({"ctrlgen.errors", "ctrlgen.explain.explanation", "ctrlgen.finding", "ctrlgen.schema"})
"""The modules whose classes may be in a reply: the parent never imports what the models import."""


class Work(Protocol):
    """What the child does beyond reading the models, because their classes are there; it is pickled to get there."""

    def __call__(self, schema: Schema) -> object:
        """Return the reply, made of ctrlgen's own data."""
        ...


class Project(Protocol):
    """What loading needs to know of the configuration."""

    @property
    def project(self) -> Path:
        """The project's folder, absolute."""
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


def schema_from_child(config: Project) -> Schema:
    """Load and inspect the configured modules in a child process, and return what their models say.

    Raises
    ------
    LoadError
        If a configured module cannot be imported, or none holds a table model.
    ModelError
        If a model is declared so that nothing can be generated from it.
    """
    with child_process(config) as child:
        return child.schema()


@contextlib.contextmanager
def child_process(config: Project, work: Work | None = None) -> Generator[Child]:
    """Start the process that loads and inspects the configured modules; it ends with the block at the latest.

    Its reply is the schema, or what ``work`` makes of it.
    """
    with scratch_folder() as folder:
        if work:
            (folder / _WORK).write_bytes(pickle.dumps(work))
        order = [str(folder), str(config.project), config.package, *config.models]
        with take_process() as process:
            try:
                _send(process, order)
                yield Child(process, folder)
            finally:
                process.kill()  # does nothing where it has ended
                process.wait()


def _send(process: subprocess.Popen[bytes], order: Sequence[str]) -> None:
    """Tell the process what to read; one that has ended already is noticed when its reply is missing."""
    assert process.stdin
    with contextlib.suppress(BrokenPipeError), process.stdin as stream:
        stream.write(json.dumps(order).encode())


@dataclass(frozen=True, slots=True)
class Child:
    """The running process, and the folder in which it leaves its reply and says what it is doing."""

    process: subprocess.Popen[bytes]
    folder: Path

    def schema(self) -> Schema:
        """Wait for the schema and return it; raise what the child reports."""
        schema = self.answer()
        assert isinstance(schema, Schema), schema
        return schema

    def doing(self) -> str:
        """Return what the child is doing."""
        return _doing(self.folder / PROGRESS)

    def answer(self) -> object:
        """Wait for the reply and return it; raise what the child reports."""
        code = self.process.wait()
        reply = read_reply(self.folder / REPLY) or _crash(code, self.folder / PROGRESS)
        if isinstance(reply, CtrlgenError):
            raise reply
        return reply

    def reads(self) -> Reads:
        """Return what the child read, when it has replied."""
        return Reads.from_json((self.folder / _READS).read_text("utf-8"))


def _doing(progress: Path) -> str:
    return (progress.read_text("utf-8") if progress.exists() else "") or "starting"


def _crash(code: int, progress: Path) -> LoadingEndedError:
    doing = _doing(progress)
    ending = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    return LoadingEndedError(
        f"the process that loads the models ended while {doing} ({ending})",
        None,
        "A module of models must come back from its import: look for os._exit, a crash of an extension, "
        "or too little memory; what it printed stands above.",
    )


# In the child: read the models and leave the reply.


def main() -> None:
    """Run in the child: get ready, be told what to read, leave the reply, and end the process."""
    tracing.start()
    gc.disable()  # a tenth of the time to import goes to collecting what this short process keeps anyway
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    name, project, package, *names = _order()
    folder = Path(name)
    os.chdir(project)
    open_project(Path(project))
    sys.stdout, sys.stderr = streams = tracing.ObservedStream(sys.stdout), tracing.ObservedStream(sys.stderr)
    answer = _answer(Path(project), package, names, progress_to(folder / PROGRESS), folder / _WORK)
    (folder / _READS).write_text(tracing.finish(without=[folder]).to_json(), "utf-8")
    write_reply(folder / REPLY, answer)
    for stream in streams:
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)  # the models' threads and exit handlers must not hold us up


def _order() -> list[str]:
    """Import the libraries, wait, and return what to read: ``FOLDER PROJECT PACKAGE MODULE...``."""
    with contextlib.suppress(Exception):  # what is wrong with a library is reported when it is needed
        for name in ("ctrlgen.inspect", "ctrlgen.load"):
            importlib.import_module(name)
    text = sys.stdin.buffer.read()
    if not text:
        os._exit(0)  # nobody is there any more
    return cast("list[str]", json.loads(text))


def read_schema(project: Path, package: str, names: Sequence[str], progress: Callable[[str], None]) -> Schema:
    """Load the modules called ``names``, and inspect the models in them."""
    from ctrlgen.inspect import inspect  # these two import sqlmodel, which the parent does without
    from ctrlgen.load import load
    from ctrlgen.source_locations import Sources

    sources = Sources(project, package)
    loaded = load(names, sources, progress)
    return loaded.completed(lambda: inspect(loaded.models, sources))


def _answer(
    project: Path, package: str, names: Sequence[str], progress: Callable[[str], None], work_file: Path
) -> object:
    try:
        schema = read_schema(project, package, names, progress)
        if not work_file.exists():
            return schema
        work: Work = pickle.loads(work_file.read_bytes())  # noqa: S301 - the parent has written it
        progress("looking at the methods of the models")
        return work(schema)
    except CtrlgenError as error:
        cause = error.__cause__
        if cause and not error.traceback:
            error.traceback = "".join(traceback.format_exception(cause))
        return error
    except Exception as error:
        if os.environ.get("CTRLGEN_TRACEBACK"):
            raise
        return CtrlgenError(
            f"the models cannot be read, which is a mistake in ctrlgen: {described(error)}",
            hint="please report it; `CTRLGEN_TRACEBACK=1` shows where it happened",
            traceback=traceback.format_exc(),
        )


def open_project(root: Path) -> None:
    """Make the project's modules importable, before all others; those of a ``src`` folder after all others."""
    sys.path.insert(0, str(root))
    sys.path.append(str(root / "src"))


def progress_to(path: Path) -> Callable[[str], None]:
    """Return what notes the step about to happen, so that the parent can name it where the child crashes."""

    def progress(doing: str) -> None:
        path.write_text(doing, "utf-8")

    return progress


# The reply: a ``Schema``, what a work has made of it, or an error, pickled into a private file.


def write_reply(path: Path, reply: object) -> None:
    """Leave ``reply`` at ``path``; it is there completely or not at all."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        _Pickler(file).dump(reply)
    unfinished.replace(path)


def read_reply(path: Path) -> object:
    """Return what the child left at ``path``, or None if it never came so far."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        reply: object = _Unpickler(file).load()
    return reply


class _Pickler(pickle.Pickler):
    """Writes subclasses of ``str``, such as SQLAlchemy's ``quoted_name``, as plain strings."""

    def reducer_override(self, obj: object, /) -> tuple[type[str], tuple[str]]:
        if isinstance(obj, str):  # never a plain one: those take a shorter way
            return str, (str.__str__(obj),)
        return cast("tuple[type[str], tuple[str]]", NotImplemented)  # as the protocol wants it: go the usual way


class _Unpickler(pickle.Unpickler):
    """Makes instances of ctrlgen's data and of nothing else."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if module_name not in _ALLOWED and (module_name, global_name) != ("builtins", "str"):
            raise pickle.UnpicklingError(f"{module_name}.{global_name} must not leave the loading process")
        cls: object = super().find_class(module_name, global_name)
        return cls


if __name__ == "__main__":
    main()
