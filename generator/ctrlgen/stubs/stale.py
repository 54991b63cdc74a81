"""What in the user's test files no longer fits the package: reported, never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ctrlgen.blueprint import Controller, Package
from ctrlgen.findings import STALE_FACTORY, STALE_IMPORT, STALE_TEST
from ctrlgen.plan.methods import is_derived
from ctrlgen.schema import Finding, Location
from ctrlgen.stubs.existing import TestFile, speaks_of
from ctrlgen.stubs.names import FACTORIES, test_file


def stale(package: Package, there: Mapping[Path, TestFile], project: Path) -> Iterator[Finding]:
    """Yield a finding for each test, import and factory that speaks of what is gone."""
    controllers = {test_file(controller): controller for controller in package.controllers}
    for path, file in there.items():
        place = path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix()
        yield from _imports(package, file, place)
        if path.name == f"{FACTORIES}.py":
            yield from _factories(package, file, place)
        elif path.name in controllers:
            yield from _methods(controllers[path.name], file, place)
            yield from _loads(controllers[path.name], file, place)
        elif found := re.fullmatch(r"test_(\w+)_controller\.py", path.name):
            yield STALE_TEST.at(Location(place, 1), what="these are tests of", target=f"db.{found[1]}")


def _methods(controller: Controller, file: TestFile, place: str) -> Iterator[Finding]:
    emitted = {method.name for method in controller.methods} | {"update_where"}
    for name, line in file.functions:
        method = name.removeprefix("test_")
        if is_derived(method) and method not in emitted and speaks_of(file.text, controller, method):
            target = f"db.{controller.module}.{method}"
            yield STALE_TEST.at(Location(place, line), what=f"`{name}` tests", target=target)


def _loads(controller: Controller, file: TestFile, place: str) -> Iterator[Finding]:
    known = {relation.attribute for relation in controller.relations}
    for found in re.finditer(rf"\.{controller.module}\.find_all\(\)\.load\(([^)]*)\)", file.text):
        for name in set(re.findall(r"[\"'](\w+)[\"']", found[1])) - known:
            line = file.text.count("\n", 0, found.start()) + 1
            target = f"db.{controller.module}.c.{name}"
            yield STALE_TEST.at(Location(place, line), what="`load` names the relationship", target=target)


def _imports(package: Package, file: TestFile, place: str) -> Iterator[Finding]:
    modules = {f"{package.name}.{controller.module}": controller.names for controller in package.controllers}
    modules[package.name] = package.names | {"database", "runtime", *(each.module for each in package.controllers)}
    elsewhere = (f"{package.name}.database", f"{package.name}.runtime")
    for origin in file.origins:
        own = origin.module == package.name or origin.module.startswith(f"{package.name}.")
        if own and not origin.module.startswith(elsewhere) and origin.name not in modules.get(origin.module, ()):
            yield STALE_IMPORT.at(Location(place, origin.line), name=origin.name, package=origin.module)


def _factories(package: Package, file: TestFile, place: str) -> Iterator[Finding]:
    lines = dict(file.functions)
    returned = dict(file.returned)
    modules = {controller.module for controller in package.controllers}
    for name, line in file.functions:
        module = name.removeprefix("new_").removesuffix("_values")
        if module != name and module not in modules:
            differences = "is about a model that is no longer emitted: delete it, and fix what calls it"
            yield STALE_FACTORY.at(Location(place, line), factory=name, values=package.name, differences=differences)
    for controller in package.controllers:
        function = f"{controller.module}_values"
        if function not in returned:
            continue
        unknown = returned[function] - {entry.key for entry in controller.create}
        missing = {entry.key for entry in controller.create if entry.required} - returned[function]
        wrong = [*(f"lacks `{name}`" for name in sorted(missing)), *(f"gives `{name}`" for name in sorted(unknown))]
        if wrong:
            names = {"factory": function, "values": controller.create_name, "differences": " and ".join(wrong)}
            yield STALE_FACTORY.at(Location(place, lines[function]), **names)
