"""Reports tests, imports and factories that no longer match the package. They are never changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ctrlgen.blueprint import Controller, Package
from ctrlgen.findings import STALE_FACTORY, STALE_IMPORT, STALE_TEST, Finding, Location, shown_path
from ctrlgen.plan.methods import is_derived
from ctrlgen.stubs.plan_factories import Factories
from ctrlgen.stubs.read_tests import TestFile, mentions
from ctrlgen.stubs.stub_names import FACTORIES, row_values, test_file


def outdated_tests(
    package: Package,
    factories: Factories,
    files: Mapping[Path, TestFile],
    project: Path,
    completed: Collection[str],
) -> Iterator[Finding]:
    """Yield a finding for each outdated test, import and factory.

    Factories that are ``completed`` are not reported.
    """
    controllers = {test_file(controller): controller for controller in package.controllers}
    for path, file in files.items():
        place = shown_path(path, project)
        yield from _imports(package, file, place)
        if path.name == f"{FACTORIES}.py":
            yield from _factories(package, factories, file, place, completed)
        elif path.name in controllers:
            yield from _methods(controllers[path.name], file, place)
            yield from _loads(controllers[path.name], file, place)
        elif match := re.fullmatch(r"test_(\w+)_controller\.py", path.name):
            yield STALE_TEST.at(Location(place, 1), what="this file tests", target=f"db.{match[1]}")


def _methods(controller: Controller, file: TestFile, place: str) -> Iterator[Finding]:
    emitted = {method.name for method in controller.methods} | {"update_where"}
    for function in file.functions:
        name, line = function.name, function.line
        method = name.removeprefix("test_")
        if is_derived(method) and method not in emitted and mentions(file.text, controller, method):
            target = f"db.{controller.module}.{method}"
            yield STALE_TEST.at(Location(place, line), what=f"`{name}` tests", target=target)


def _loads(controller: Controller, file: TestFile, place: str) -> Iterator[Finding]:
    known = {relation.attribute for relation in controller.relations}
    for match in re.finditer(rf"\.{controller.module}\.find_all\(\)\.load\(([^)]*)\)", file.text):
        for name in set(re.findall(r"[\"'](\w+)[\"']", match[1])) - known:
            line = file.text.count("\n", 0, match.start()) + 1
            target = f"db.{controller.module}.c.{name}"
            yield STALE_TEST.at(Location(place, line), what="`load` names the relationship", target=target)


def _imports(package: Package, file: TestFile, place: str) -> Iterator[Finding]:
    modules = {f"{package.name}.{controller.module}": controller.names for controller in package.controllers}
    modules[package.name] = package.names | {
        "database",
        "runtime",
        *(controller.module for controller in package.controllers),
    }
    elsewhere = (f"{package.name}.database", f"{package.name}.runtime")
    failing = "its tests" if Path(place).name.startswith("test_") else "all tests of the folder"
    for origin in file.origins:
        own = origin.module == package.name or origin.module.startswith(f"{package.name}.")
        if own and not origin.module.startswith(elsewhere) and origin.name not in modules.get(origin.module, ()):
            yield STALE_IMPORT.at(
                Location(place, origin.line), name=origin.name, package=origin.module, failing=failing
            )


def _factories(
    package: Package, factories: Factories, file: TestFile, place: str, completed: Collection[str]
) -> Iterator[Finding]:
    modules = {controller.module for controller in package.controllers}
    for function in file.functions:
        module = function.name.removeprefix("new_").removesuffix("_values")
        if module != function.name and module not in modules:
            differences = "is for a model that is no longer emitted: delete it, and fix its callers"
            names = {"factory": function.name, "values": package.name, "differences": differences}
            yield STALE_FACTORY.at(Location(place, function.line), **names)
    for factory in factories.all():
        controller = factory.controller
        values = file.function(row_values(controller))
        if values is None or values.keys is None:
            continue
        unknown = values.keys - {entry.key for entry in controller.create}
        required = {entry.key for entry in controller.create if entry.required}
        missing = set[str]() if values.name in completed else required - values.keys
        lines = {name: factory.values[name].source(lambda item: item.name) for name in missing & factory.values.keys()}
        lacking = (
            f"lacks `{name}`" + (f' (add `"{name}": {lines[name]},`)' if name in lines else "")
            for name in sorted(missing)
        )
        wrong = [*lacking, *(f"gives `{name}`" for name in sorted(unknown))]
        if wrong:
            names = {"factory": values.name, "values": controller.create_name, "differences": " and ".join(wrong)}
            yield STALE_FACTORY.at(Location(place, values.line), **names)
