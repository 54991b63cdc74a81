"""Calls every getter, finder and upsert of a generated package seven times on one connection; run in its folder.

Prints a line for each difference from what a naive query finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import inspect
import re
import sys
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

CALLS = 7  # a generic plan begins with the sixth


async def main(url: str) -> int:
    """Exercise all controllers, and return the number of failures."""
    import generated

    exported = [getattr(generated, name) for name in generated.__all__]  # each module is imported
    if importlib.util.find_spec("controller_factories") is None:
        return 0 if exported else 1  # no model has stubs, for example if each has a column called `class`
    import controller_factories

    from generated import Database

    wrong = 0
    async with Database(url, pool_size=1, max_overflow=0) as db:
        names = [name for name, member in vars(Database).items() if isinstance(member, property)]
        metadata = {getattr(db, name).model.metadata for name in names}
        async with db.engine.begin() as connection:
            for one in metadata:
                await connection.run_sync(one.create_all)
        for name in names:
            if hasattr(controller_factories, f"new_{name}"):
                new, values = (getattr(controller_factories, f"{what}") for what in (f"new_{name}", f"{name}_values"))
                wrong += await exercise(db, getattr(db, name), new, values)
    return wrong


async def exercise(db: Any, controller: Any, new: Any, values: Any) -> int:
    """Exercise one controller on three rows."""
    rows: list[Any] = []
    with contextlib.suppress(IntegrityError):  # a unique enum allows only few rows
        rows.append(await new(db))
        rows.append(await new(db))
    wrong = 0
    methods = [name for name in dir(controller) if name.startswith(("get_", "find_", "upsert_", "create_or_"))]
    for name in sorted(set(methods) - {"find_all", "find_one", "upsert_many"}):
        method = getattr(controller, name)
        for row in rows:
            try:
                message = await call(db, controller, name, method, row, values)
            except Exception as error:
                message = f"{type(error).__name__}: {error}"
            if message:
                wrong += 1
                print(f"{type(controller).__name__}.{name}: {message}")
    return wrong


async def call(db: Any, controller: Any, name: str, method: Any, row: Any, values: Any) -> str | None:
    """Call a method with the values of the row, and return what is wrong with the result."""
    parameters = [parameter for parameter in inspect.signature(method).parameters.values() if parameter.kind == 0]
    if name.startswith(("upsert_", "get_or_create_", "create_or_update_")):
        return await repeat(controller, method, values(db))
    source = inspect.getsource(method)
    keys = {parameter: key for key, parameter in re.findall(r"[\"'](\w+)[\"']: (\w+)", source)}
    names = [keys[one.name] for one in parameters]
    arguments = [getattr(row, one, ...) for one in names]
    if ... in arguments or (name.startswith("get_") and None in arguments and "nulls=True" not in source):
        return None  # no row has a key of NULL
    pairs = zip(names, arguments, strict=True)
    conditions = [getattr(controller.model, one) == value for one, value in pairs]
    if "within=" in source:
        index = source.split('within="')[1].split('"')[0]
        where = next(one for one in controller.model.__table__.indexes if one.name == index).dialect_options[
            "postgresql"
        ]["where"]
        conditions.append(sa.text(str(where)))
    async with db.session() as session:
        rows = await session.scalars(sa.select(controller.model).where(*conditions))
        expected = {sa.inspect(one).identity for one in rows}
    for _ in range(CALLS):
        try:
            result = await method(*arguments)
        except Exception as error:
            if expected or "no such" not in str(error):
                raise
            result = None
        got = {
            sa.inspect(one).identity for one in (result if isinstance(result, list) else [result]) if one is not None
        }
        if got != expected:
            return f"gave {got}, a naive query {expected}"
    return None


async def repeat(controller: Any, method: Any, values_of_row: Any) -> str | None:
    """Call an upsert several times: it must create one row, and return the same row each time."""
    before = await controller.count()
    try:
        values = await values_of_row
        takes_two = method.__name__.startswith("create_or_update_")
        results = [await (method(values, {}) if takes_two else method(**values)) for _ in range(CALLS)]
    except IntegrityError:
        return None  # values chosen by type may collide in another key
    rows = [result[0] if isinstance(result, tuple) else result for result in results]
    identities = {sa.inspect(row).identity for row in rows}
    grown = await controller.count() - before
    return None if len(identities) == 1 and grown <= 1 else f"made {grown} rows, {identities}"


if __name__ == "__main__":
    sys.path[:0] = [".", "tests"]
    sys.exit(1 if asyncio.run(main(sys.argv[1])) else 0)
