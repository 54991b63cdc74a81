"""Explains the methods of the chosen models.

``explanation_work`` calls it in the child process, which has the model classes.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from typing import Any, cast

from ctrlgen.blueprint import Controller, Method, Package
from ctrlgen.explain.chosen_models import Choice, chosen_models
from ctrlgen.explain.explanation import (
    ExplainedAbsence,
    ExplainedMethod,
    ExplainedModel,
    Explanation,
)
from ctrlgen.explain.recorded_calls import RecordedCall, Recorder, common_calls, derived_calls
from ctrlgen.explain.signatures import Documented, signatures
from ctrlgen.explain.table_structure import missing_indexes, table_structure
from ctrlgen.plan import plan
from ctrlgen.schema import Schema
from ctrlgen.scratch import scratch_folder
from ctrlgen.settings import Options

_COPY = "ctrlgen_explained"
"""The import name of the package generated for the explanation, different from the project's own."""


def explanation_of(
    schema: Schema, package_name: str, options: Options, choice: str | None, *, with_statements: bool
) -> Explanation:
    """Return the explanation of the chosen models.

    Without statements, no method is explained. Then no package is emitted and imported, which needs asyncpg.
    """
    package = plan(schema, package_name, options)
    chosen = chosen_models(package, choice)
    incomplete = schema.incomplete.message if schema.incomplete else None
    if not with_statements:
        models = tuple(_model(controller, chosen, _imported(controller)) for controller in chosen.controllers)
        return Explanation(models, incomplete, chosen.method)
    with _emitted(replace(package, controllers=chosen.controllers)) as sources:
        recorder = Recorder(_COPY)
        models = tuple(_explained(controller, chosen, recorder, sources) for controller in chosen.controllers)
    return Explanation(models, incomplete, chosen.method)


@contextmanager
def _emitted(package: Package) -> Generator[Mapping[str, str]]:
    """Make the package importable. Its controllers are formatted, which removes unused imports."""
    from ctrlgen.format import format_sources  # after the models, whose import takes most of the time
    from ctrlgen.render import render

    sources = render(package)
    controllers = [f"{controller.module}.py" for controller in package.controllers]
    sources |= format_sources({path: sources[path] for path in controllers})
    with scratch_folder() as folder:
        for path, text in sources.items():
            file = folder / _COPY / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        sys.path.insert(0, str(folder))
        try:
            yield sources
        finally:
            sys.path.remove(str(folder))


def _explained(
    controller: Controller, choice: Choice, recorder: Recorder, sources: Mapping[str, str]
) -> ExplainedModel:
    instance = recorder.controller(controller)
    known = signatures(sources[f"{controller.module}.py"], controller.class_name, sources["runtime/controller.py"])
    methods = tuple(_methods(controller, choice, instance, recorder, known))
    return _model(controller, choice, instance.model, methods, str(instance._table.select_list))


def _imported(controller: Controller) -> type:
    """Return the class of a model, which is imported already."""
    reference = controller.model.reference
    return cast("type", attrgetter(reference.name)(sys.modules[reference.module]))


def _model(
    controller: Controller,
    choice: Choice,
    cls: type,
    methods: tuple[ExplainedMethod, ...] = (),
    select_list: str = "",
) -> ExplainedModel:
    model = controller.model
    absent = [
        ExplainedAbsence(name, absent_methods.reason_for(name))
        for absent_methods in controller.absent
        for name in absent_methods.names
    ]
    return ExplainedModel(
        name=model.reference.name,
        module=model.reference.module,
        location=str(model.location),
        table=model.table,
        attribute=controller.module,
        controller=controller.class_name,
        structure=table_structure(controller, cls, [method.name for method in methods]),
        select_list=select_list,
        methods=methods,
        absent=tuple(absence for absence in absent if choice.has(absence.name)),
        missing_indexes=tuple(index for index in missing_indexes(controller) if choice.has(index.finder)),
    )


def _methods(
    controller: Controller, choice: Choice, instance: Any, recorder: Recorder, known: Mapping[str, Documented]
) -> Iterator[ExplainedMethod]:
    for method, call in derived_calls(controller, instance):
        if choice.has(method.name):
            loads = method.kind in {"get", "get_one", "find"} and bool(controller.relations)
            cached = _is_cached(method, controller)
            recorded = recorder.record(method.name, method.kind, call, loads=loads, cached=cached)
            explained = _method(method.kind, known[method.name], recorded)
            if method.index:
                index = method.index
                yield replace(explained, backing=index.name, origin=index.origin, key=index.names)
            else:
                yield replace(explained, scans=method.kind == "find")
    for name, call in common_calls(controller, instance):
        if choice.has(name):
            loads = name == "find_all" and bool(controller.relations)
            yield _method(name, known[name], recorder.record(name, name, call, loads=loads))


def _is_cached(method: Method, controller: Controller) -> bool:
    """Return whether a method returns cached rows."""
    cached = controller.cached
    if cached is None or method.within:
        return False
    if method.kind == "find":
        return len(method.keys) == 1 and method.keys[0] in cached.finders
    return method.kind in {"get", "get_one"} and method.keys in cached.keys


def _method(kind: str, documented: Documented, recorded: RecordedCall) -> ExplainedMethod:
    signature, doc = documented
    return ExplainedMethod(kind, signature, doc, recorded.statements, recorded.cost, problem=recorded.problem)
