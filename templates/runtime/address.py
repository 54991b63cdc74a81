"""Any address of a PostgreSQL, as people write it, for SQLAlchemy and asyncpg."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL, make_url

_DRIVER = {"ssl", "prepared_statement_cache_size"}  # what SQLAlchemy's dialect takes from an address
_IGNORED = {"channel_binding", "gssencmode", "keepalives", "pgbouncer", "schema", "sslnegotiation"}


@dataclass(frozen=True)
class Address:
    """The address for the engine, and the driver's arguments that do not fit in it."""

    url: URL
    arguments: dict[str, object]


def address(given: str) -> Address:
    """Read ``postgresql://``, ``postgres://`` or ``postgresql+asyncpg://``.

    Parameters of libpq (``host=/socket/folder``, ``sslmode``, ``sslrootcert``, ``application_name`` and more) go to
    asyncpg as an address of its own, because only that way does it read them.
    """
    url = make_url(given)
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError(f"not the address of a PostgreSQL: {url.render_as_string(hide_password=True)}")
    query = {name: value for name, value in url.query.items() if name not in _IGNORED}
    libpq = {name: value for name, value in query.items() if name not in _DRIVER}
    arguments: dict[str, object] = {}
    if timeout := libpq.pop("connect_timeout", None):
        arguments["timeout"] = float(str(timeout))
    if libpq:
        dsn = url.set(drivername="postgresql", query=libpq)
        arguments["dsn"] = dsn.render_as_string(hide_password=False)
    engine = url.set(drivername="postgresql+asyncpg", query={name: query[name] for name in _DRIVER & query.keys()})
    return Address(engine, arguments)
