"""The tables of the models' metadata, and the places in the models that findings about them are located at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import MetaData, Table

from ctrlgen.blueprint import Controller
from ctrlgen.findings import Location
from ctrlgen.schema import Index, Model


@dataclass(frozen=True, slots=True)
class DeclaredTable:
    """A table of the models' metadata. A link table has neither a model nor a controller, but the fallback's place."""

    table: Table
    fallback: Location
    model: Model | None = None
    controller: Controller | None = None

    @property
    def label(self) -> str:
        """The name of the table in messages."""
        return self.model.reference.name if self.model else str(self.table.name)

    @property
    def place(self) -> Location:
        """The location of the model."""
        return self.model.location if self.model else self.fallback

    def column(self, name: str) -> tuple[str, Location]:
        """Return the name of a column in messages, and its location."""
        for column in self.model.columns if self.model else ():
            if column.name == name:
                return f"{self.label}.{column.attribute}", column.location
        return f"{self.label}.{name}", self.place

    def index(self, name: str, form: str = "") -> Index | None:
        """Return the index of a model by name, or an unnamed constraint by its columns."""
        if self.model is None:
            return None
        columns = {column.attribute: column.name for column in self.model.columns}
        for index in self.model.indexes:
            own = f"UNIQUE btree ({', '.join(columns[attribute] for attribute in index.columns)})"
            if index.name == name or (index.name is None and form.replace('"', "") == own):
                return index
        return None

    def index_place(self, name: str, form: str = "") -> Location:
        """Return the location of an index or constraint, or of its model."""
        index = self.index(name, form)
        return index.location if index else self.place


def declared_tables(
    metadata: Iterable[MetaData], models: Mapping[str, tuple[Model, Controller | None]], fallback: Location
) -> list[DeclaredTable]:
    """Return all tables of the metadata with their models, if any, by the table's key."""
    tables: dict[str, Table] = {table.key: table for collection in metadata for table in collection.sorted_tables}
    return [DeclaredTable(table, fallback, *models.get(key, (None, None))) for key, table in tables.items()]
