"""Every Python that the tests start imports this first. See ``tests.fork_server``.

It is imported by all programs and must be fast: ``socket``, ``json`` and ``signal`` would take longer than the rest.
"""

from __future__ import annotations

import _socket  # type: ignore[import-not-found]  # has no stubs; `socket` imports five other modules
import marshal
import os
import sys


def _programs() -> list[str]:
    """Return the names that the servers may know this process by: a program with its command, and without."""
    words = sys.orig_argv[1:]
    if words[:1] == ["-P"]:
        words = words[1:]
    if words[:1] == ["-m"]:
        words = words[1:]
    return [" ".join(words[:2]).rpartition("/")[2], os.path.basename(words[0])] if words else []


def _ask(place: str) -> None:
    """Let the server at ``place`` run the program, and end as it ends; return if there is none, or if it refuses."""
    if not os.path.exists(place):
        return
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    if connection.fileno() < 3:  # a standard stream is closed
        return
    try:
        connection.connect(place)
    except OSError:
        _fail(place)
    try:
        streams = b"".join(stream.to_bytes(4, sys.byteorder) for stream in (0, 1, 2))
        request = marshal.dumps((sys.executable, sys.orig_argv, os.getcwd(), dict(os.environ)))
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)]
        connection.sendmsg([len(request).to_bytes(4, "big")], rights)
        connection.sendall(request)
    except OSError:
        return
    reply = connection.recv(4)
    if reply == b"real":
        return
    if not reply:
        _fail(place)
    status = int.from_bytes(reply, "big")
    if os.WIFSIGNALED(status):
        _end_by_signal(os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def _fail(place: str) -> None:
    os.write(2, f"{place}: the fork server has ended\n".encode())
    os._exit(255)


def _end_by_signal(number: int) -> None:
    import signal

    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if _folder := os.environ.get("CTRLGEN_FORK_SERVERS"):
    for _name in _programs():
        _ask(f"{_folder}/{_name}")
