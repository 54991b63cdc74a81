"""Plans the caches of models, and which writes affect cached rows: directly, by cascading foreign keys, or by links.

``plan`` calls :func:`with_caches` after it has planned the controllers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ctrlgen.blueprint import Cached, Controller, Effects
from ctrlgen.errors import SettingValueError
from ctrlgen.schema import Model, Reference, Schema
from ctrlgen.settings import CacheSettings, Options


def with_caches(controllers: Sequence[Controller], schema: Schema, options: Options) -> list[Controller]:
    """Return the controllers with the caches of their models, and the effects of their writes on cached models.

    Raises
    ------
    ConfigError
        A model cannot be cached.
    """
    with_own = [
        replace(controller, cached=_cached(controller, settings))
        if (settings := options.cache_of(controller.model))
        else controller
        for controller in controllers
    ]
    reach = Reach(schema.references, [controller for controller in with_own if controller.cached])
    return [replace(controller, effects=_effects(controller, reach)) for controller in with_own]


def _cached(controller: Controller, settings: CacheSettings) -> Cached:
    """Return the cache of a model: by every key over all of its rows, and by finders if the settings say so."""
    model = controller.model
    if not model.plain:
        message = f"`{model.reference.name}` cannot be cached: only SQLAlchemy's ORM can load its objects"
        raise SettingValueError(message, model.location, "remove it from `cache` in `[tool.ctrlgen]`")
    if not model.primary_key.enforced:
        message = (
            f"`{model.reference.name}` cannot be cached: the database does not enforce its primary key, as for a view"
        )
        raise SettingValueError(message, model.location, "remove it from `cache` in `[tool.ctrlgen]`")
    full = [method for method in controller.methods if method.within is None]
    getters = [method for method in full if method.kind in {"get", "get_one"}]
    keys = tuple(dict.fromkeys(method.keys for method in getters))
    finders = tuple(dict.fromkeys(method.keys[0] for method in full if method.kind == "find" and method.keys))
    finders = finders if settings.finders else ()
    own = model.primary_key.columns
    if not _is_exact(own, model):  # a write does not return the keys of its rows, so it drops all entries
        return Cached(settings.ttl, settings.size, keys, finders)
    exact = tuple(key for key in (*keys, *((name,) for name in finders)) if _is_exact(key, model))
    returned = tuple(dict.fromkeys([*own, *(name for key in exact for name in key)]))
    uuids = tuple(name for name in returned if model.column(name).kind == "uuid")
    return Cached(settings.ttl, settings.size, keys, finders, exact, returned, uuids)


def _is_exact(names: Iterable[str], model: Model) -> bool:
    exact = {column.attribute for column in model.columns if column.exact}
    return exact.issuperset(names)


@dataclass(frozen=True)
class Reach:
    """The cached models whose rows change by a write to a table, including through cascading foreign keys."""

    references: Sequence[Reference]
    cached: Sequence[Controller]

    def deleted(self, table: str) -> tuple[str, ...]:
        """Return the cached models that a delete from a table reaches."""
        return self._of_tables(table for table, _ in self._changes([(table, None)]))

    def updated(self, table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the cached models that an update of these columns reaches."""
        return self._of_tables(table for table, _ in self._changes([(table, columns)]))

    def of_table(self, table: str) -> tuple[str, ...]:
        """Return the cached models of a table."""
        return self._of_tables([table])

    def _of_tables(self, tables: Iterable[str]) -> tuple[str, ...]:
        reached = set(tables)
        return tuple(sorted(controller.module for controller in self.cached if controller.model.full_table in reached))

    def _changes(self, begin: Iterable[tuple[str, tuple[str, ...] | None]]) -> Iterator[tuple[str, object]]:
        """Yield each change that these changes cause: a table, and the updated columns, or None for a delete."""
        seen = set(waiting := list(begin))
        while waiting:
            table, columns = waiting.pop()
            for change in self._next(table, columns):
                yield change
                if change not in seen:
                    seen.add(change)
                    waiting.append(change)

    def _next(self, table: str, columns: tuple[str, ...] | None) -> Iterator[tuple[str, tuple[str, ...] | None]]:
        for reference in self.references:
            if reference.parent != table:
                continue
            if columns is None and reference.on_delete:
                yield reference.child, None if reference.on_delete == "delete" else reference.child_columns
            elif columns is not None and reference.on_update and not set(columns).isdisjoint(reference.parent_columns):
                yield reference.child, reference.child_columns


def _effects(controller: Controller, reach: Reach) -> Effects:
    model, table = controller.model, controller.model.full_table
    updatable = {entry.key for entry in controller.update}
    computed = tuple(column.name for column in model.columns if column.is_computed)  # from any other column
    update = [
        (column.attribute, reach.updated(table, (column.name, *computed)))
        for column in model.columns
        if column.attribute in updatable
    ]
    links = [
        (relation.attribute, tuple(sorted({*reach.of_table(relation.link_table), *reach.deleted(relation.link_table)})))
        for relation in controller.relations
        if relation.linked and relation.link_table
    ]
    return Effects(
        any=tuple(name for name in reach.of_table(table) if name != controller.module),
        delete=reach.deleted(table),
        update=tuple((name, models) for name, models in update if models),
        links=tuple((name, models) for name, models in links if models),
    )
