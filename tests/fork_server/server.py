"""A process that has imported the libraries of a program, and forks for each run of it: ``SOCKET MODULE...``.

``tests.fork_server`` starts it. It ends when its standard input ends. It imports nothing of the tests, so that a fork
has only those modules that the program would have imported itself.
"""

from __future__ import annotations

import gc
import importlib
import io
import marshal
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_STREAMS = 3


class Request(NamedTuple):
    """The interpreter, command line, folder and environment of a process, and its standard streams."""

    python: str
    command: list[str]
    folder: str
    environment: dict[str, str]
    streams: list[int]


class Server:
    """Forks for each connection, and sends the exit status back."""

    def __init__(self, place: str, modules: Sequence[str]) -> None:
        self.place, self.modules = place, modules
        self.runs: dict[int, socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(place)
        self.listener.listen(100)
        self.ended, self.wakeup = socket.socketpair()
        self.wakeup.setblocking(False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wakeup.fileno())
        for source in (sys.stdin, self.listener, self.ended):
            self.selector.register(source, selectors.EVENT_READ)

    def next_run(self) -> Request | None:
        """Serve until the end, and return None; in a fork, return what it is to run."""
        while True:
            for key, _ in self.selector.select():
                match key.fileobj:
                    case self.listener:
                        connection, _address = self.listener.accept()
                        if request := self._fork(connection):
                            return request
                    case self.ended:
                        self.ended.recv(100)
                        self._report()
                    case source if source is sys.stdin:
                        self._end()
                        return None
                    case socket.socket() as waiting if waiting in self.runs.values():
                        self._kill(waiting)
                    case _:  # its run has ended at the same time
                        pass

    def _fork(self, connection: socket.socket) -> Request | None:
        """Fork for the request of a connection, and return it in the fork."""
        self._import()
        if (request := receive(connection)) is None:
            connection.close()
            return None
        if is_possible(request):
            if (pid := os.fork()) == 0:
                self._forget()
                return request
            self.runs[pid] = connection
            self.selector.register(connection, selectors.EVENT_READ)
        else:
            with connection, suppress(OSError):
                connection.sendall(b"real")
        for stream in request.streams:
            os.close(stream)
        return None

    def _import(self) -> None:
        """Import the libraries before the first fork."""
        for name in self.modules:
            importlib.import_module(name)
        if self.modules:
            gc.freeze()  # so that garbage collection in a fork does not copy the memory of all these objects
            self.modules = ()

    def _forget(self) -> None:
        """In a fork, close what belongs to the server, and restore the signals."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.selector.close()
        for source in (self.listener, self.ended, self.wakeup, *self.runs.values()):
            source.close()

    def _report(self) -> None:
        """Send the exit status of the runs that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if connection := self.runs.pop(pid, None):
                self.selector.unregister(connection)
                with connection, suppress(OSError):
                    connection.sendall(status.to_bytes(4, "big"))

    def _end(self) -> None:
        """End all runs, and remove the socket."""
        for pid in self.runs:
            os.kill(pid, signal.SIGKILL)
        os.unlink(self.place)
        with suppress(OSError):  # another server has its socket there
            os.rmdir(os.path.dirname(self.place))

    def _kill(self, waiting: socket.socket) -> None:
        """End the run of a process that has ended without waiting for it."""
        pid = next(pid for pid, connection in self.runs.items() if connection is waiting)
        os.kill(pid, signal.SIGKILL)  # cannot be another process, because its status has not been read
        self.selector.unregister(self.runs.pop(pid))
        waiting.close()


def receive(connection: socket.socket) -> Request | None:
    """Read a request; return None if the process has ended meanwhile."""
    head, streams, _, _ = socket.recv_fds(connection, 4, _STREAMS)
    size, content = int.from_bytes(head, "big"), b""
    while head and len(content) < size:
        part = connection.recv(size - len(content))
        content, head = content + part, part
    if head and len(streams) == _STREAMS:
        return Request(*marshal.loads(content), streams)
    for stream in streams:
        os.close(stream)
    return None


def is_possible(request: Request) -> bool:
    """Return whether a fork is like a process that starts: with this interpreter, and with these modules.

    A module in the folder of the process may have the name of one that this process has imported.
    """
    if Path(request.python).parent != Path(sys.executable).parent:
        return False
    try:
        names = {name.partition(".")[0] for name in os.listdir(request.folder)}
    except OSError:  # it was deleted
        return False
    return not names & sys.modules.keys() and settings(request.environment) == settings(os.environ)


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an interpreter reads when it starts."""
    return {name: value for name, value in environment.items() if name.startswith(("PYTHON", "LANG", "LC_", "TZ"))}


def become(request: Request) -> None:
    """Take over the folder, environment and streams of the process, and run its program."""
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        _open(number, name)
    sys.executable = request.python  # `python` or `python3` of the same environment
    sys.orig_argv[:] = request.command
    run(request.command[1:])


def _open(number: int, name: str) -> None:
    """Open a standard stream as the interpreter does. How it is buffered depends on what it is connected to."""
    old = getattr(sys, name)
    raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
    buffer = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
    newline, is_line_buffered = (None if number == 0 else "\n"), number == 2 or raw.isatty()
    new = io.TextIOWrapper(buffer, old.encoding, old.errors, newline, line_buffering=is_line_buffered)
    setattr(sys, name, new)
    setattr(sys, f"__{name}__", new)


def run(words: Sequence[str]) -> None:
    """Run a program as the interpreter does."""
    safe_path = words[0] == "-P"
    words = words[safe_path:]
    if words[0] == "-m":
        sys.argv[:] = words[1:]
        if not safe_path:
            sys.path.insert(0, os.getcwd())
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = words
        sys.path.insert(0, os.path.dirname(words[0]))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    del sys.path[0]
    _place, *_modules = sys.argv[1:]
    _server = Server(_place, _modules)
    os.write(1, b"ready\n")
    if _request := _server.next_run():
        become(_request)
