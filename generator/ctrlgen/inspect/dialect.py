"""PostgreSQL as SQLAlchemy speaks it, for rendering types and expressions as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

_make: Callable[..., Dialect] = postgresql.dialect

POSTGRESQL: Final = _make(paramstyle="named")  # the default style would double every per cent sign
