"""Renders the missing indexes of a model as source to paste into its ``__table_args__``."""

from __future__ import annotations

from collections.abc import Iterator

from ctrlgen.blueprint import Controller
from ctrlgen.explain.explanation import MissingIndex
from ctrlgen.plan.absent_methods import NO_INDEX, ONLY_PARTIAL
from ctrlgen.plan.access_paths import unindexed_foreign_keys

_LONGEST_NAME = 63  # the maximum length of a name in PostgreSQL


def missing_indexes(controller: Controller) -> Iterator[MissingIndex]:
    """Yield an index for each foreign key without an index, and for each other column that is not first in one."""
    foreign = [key.attributes for key in unindexed_foreign_keys(controller.model)]
    for attributes in foreign:
        yield MissingIndex(f"find_by_{attributes[0]}", _source(controller, attributes), is_foreign_key=True)
    for absent in controller.absent:
        for finder in absent.names if absent.reason in {NO_INDEX, ONLY_PARTIAL} else ():
            attribute = finder.removeprefix("find_by_")
            if not any(attributes[0] == attribute for attributes in foreign):
                yield MissingIndex(finder, _source(controller, (attribute,)), is_foreign_key=False)


def _source(controller: Controller, attributes: tuple[str, ...]) -> str:
    columns = [controller.model.column(attribute).name for attribute in attributes]
    table = controller.model.table.rpartition(".")[2]
    name = "_".join(["ix", table, *columns])[:_LONGEST_NAME]
    quoted = ", ".join(f'"{text}"' for text in [name, *columns])
    return f"Index({quoted}),"
