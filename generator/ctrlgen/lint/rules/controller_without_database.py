"""CGL102: a controller created without a database."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import snake

_PACKAGES = frozenset({"controllers", "controller", "database", "db", "repositories", "generated"})


class ControllerWithoutDatabase(Rule):
    """``GuildConfigController()`` has no database, or uses a global one."""

    code = "CGL102"
    name = "controller-without-database"
    message = "`{controller}()` is created without a database"
    why = "An emitted controller needs a database. A controller that uses a global one cannot be tested with another."
    bad = "self.guild_controller = GuildConfigController()"
    good = "self.guild_controller = self.db.guild_config"
    limits = (
        "Classes named `...Controller` that are imported from a package of controllers or of the database, or assigned "
        "to an attribute named `..._controller`."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for call in source.all(cst.Call):
            name = call.func.value if isinstance(call.func, cst.Name) else ""
            if not name.endswith("Controller") or call.args or name == "Controller":
                continue
            module = source.module_of(name)
            if module is not None and not _PACKAGES & set(module.split(".")):
                continue
            is_local = any(definition.name.value == name for definition in source.all(cst.ClassDef))
            if is_local or (module is None and not _is_controller_attribute(call, queries)):
                continue
            attribute = snake(name.removesuffix("Controller"))
            is_method = bool(source.class_around(call))
            yield self.report(queries, call, f"{'self.' if is_method else ''}db.{attribute}", controller=name)


def _is_controller_attribute(call: cst.Call, queries: Queries) -> bool:
    assignment = queries.source.parent(call)
    if not isinstance(assignment, cst.Assign):
        return False
    names = [target.target.attr.value for target in assignment.targets if isinstance(target.target, cst.Attribute)]
    return any(name.endswith("controller") for name in names)
