"""Checks that the classes of ``[tool.ctrlgen.controllers]`` exist and derive from the emitted controllers.

``pipeline`` calls it after ``plan``. The classes are looked up in the sources and not imported, because they import the
package, which may not be generated yet. What the sources do not tell, such as a base class that a function returns, is
accepted.
"""

from __future__ import annotations

import ast
import builtins
import pkgutil
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import invalidate_caches
from importlib.machinery import PathFinder
from pathlib import Path

from ctrlgen.blueprint import Controller, Package
from ctrlgen.errors import UnknownNameError, did_you_mean
from ctrlgen.source_locations import is_source


def check_own_controllers(package: Package, project: Path) -> None:
    """Raise ``UnknownNameError`` for a class that does not exist or does not derive from its emitted controller."""
    own = [controller for controller in package.controllers if controller.own]
    if own:
        invalidate_caches()  # in `watch`, the modules may have been created a moment ago
        modules = _Modules([str(project), str(project / "src")], package.name)
        for controller in own:
            _check(controller, modules)


def _check(controller: Controller, modules: _Modules) -> None:
    path = controller.in_facade
    if modules.is_emitted(path.module):
        raise _error(controller, "that class is emitted", "name a class of your own, which derives from it")
    if not modules.exists(path.module):
        hint = did_you_mean(path.module, modules.beside(path.module))
        raise _error(controller, f"module `{path.module}` does not exist", hint or "write `module:Class`")
    module = modules.source(path.module)
    if module is None or module.is_dynamic:
        return
    if path.name not in module.names:
        hint = did_you_mean(path.name, module.classes)
        raise _error(
            controller, f"`{path.module}` has no class `{path.name}`", hint or _declaration(controller, modules)
        )
    if modules.derives(path.module, path.name, controller.class_name) is False:
        reason = f"the class does not derive from `{controller.class_name}`"
        if path.name in module.imports:
            reason = f"`{path.module}` imports that class, which does not derive from `{controller.class_name}`"
        raise _error(controller, reason, _declaration(controller, modules, module.names))


def _declaration(controller: Controller, modules: _Modules, taken: Collection[str] = ()) -> str:
    name, base = controller.in_facade.name, controller.class_name
    if name == controller.model.reference.name and name in taken:
        name = f"{name}s"  # the module imports the model
    return f"declare it as `class {name}({base})`, with `from {modules.package} import {base}`"


def _error(controller: Controller, reason: str, hint: str) -> UnknownNameError:
    message = f"`controllers` in `[tool.ctrlgen]` names `{controller.own}`: {reason}"
    return UnknownNameError(message, hint=hint, setting="controllers", mark=controller.own)


class _Modules:
    """The modules of the project, located without an import.

    Parameters
    ----------
    roots
        The folders that modules of the project are imported from. They are searched first.
    package
        The import name of the emitted package.
    """

    def __init__(self, roots: list[str], package: str) -> None:
        self.package = package
        self._roots = roots
        self._sources: dict[str, _Source | None] = {}

    def is_emitted(self, module: str) -> bool:
        """Return whether a module belongs to the emitted package."""
        return f"{module}.".startswith(f"{self.package}.")

    def exists(self, module: str) -> bool:
        """Return whether a module exists."""
        return self._located(module) is not None

    def beside(self, module: str) -> list[str]:
        """Return the modules in the package of a module that may not exist itself."""
        parent = module.rpartition(".")[0]
        located = self._located(parent) if parent else _Located(None, self._roots)
        names = [each.name for each in pkgutil.iter_modules(located.folders)] if located else []
        return [f"{parent}.{name}" if parent else name for name in names]

    def source(self, module: str) -> _Source | None:
        """Return the source of a module; None if it has none, or if it cannot be parsed."""
        if module not in self._sources:
            self._sources[module] = self._parsed(module)
        return self._sources[module]

    def derives(self, module: str, name: str, base: str, *seen: tuple[str, str]) -> bool | None:
        """Return whether a class derives from the emitted controller ``base``; None if the sources do not tell."""
        if self.is_emitted(module):
            return name == base
        located = self._located(module)
        if module.partition(".")[0] in sys.stdlib_module_names or (located and located.is_library):
            return False  # a library does not import the emitted package
        source = self.source(module)
        if source is None or source.is_dynamic or (module, name) in seen:
            return None
        if imported := source.imports.get(name):
            return self.derives(*imported, base, *seen, (module, name))
        if name not in source.classes:
            return None
        is_uncertain = False
        for target in map(source.target, source.classes[name].bases):
            answer = self.derives(target[0] or module, target[1], base, *seen, (module, name)) if target else None
            if answer:
                return True
            is_uncertain = is_uncertain or answer is None
        return None if is_uncertain else False

    def _located(self, module: str) -> _Located | None:
        path = [*self._roots, *sys.path]
        located: _Located | None = None
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            spec = PathFinder.find_spec(".".join(parts[:length]), path)
            if spec is None:
                return None
            path = [*(spec.submodule_search_locations or ())]
            located = _Located(spec.origin, path)
        return located

    def _parsed(self, module: str) -> _Source | None:
        located = self._located(module)
        if located is None or located.file is None or not located.file.endswith(".py"):
            return None
        try:
            tree = ast.parse(Path(located.file).read_bytes())
        except (OSError, SyntaxError, ValueError):
            return None
        return _Source(tree, module if located.folders else module.rpartition(".")[0])


@dataclass(frozen=True, slots=True)
class _Located:
    """The file of a module, if it has one, and the folders of a package."""

    file: str | None
    folders: list[str]

    @property
    def is_library(self) -> bool:
        """Whether it is installed, and not part of the project or of one beside it."""
        return self.file is not None and not is_source(self.file)


class _Source:
    """The names at the top level of a module, also in its blocks. ``package`` is what relative imports refer to."""

    def __init__(self, tree: ast.Module, package: str) -> None:
        self._statements = list(_statements(tree))
        self._package = package

    @cached_property
    def classes(self) -> Mapping[str, ast.ClassDef]:
        """The classes that the module declares."""
        return {each.name: each for each in self._statements if isinstance(each, ast.ClassDef)}

    @cached_property
    def imports(self) -> Mapping[str, tuple[str, str]]:
        """The names that the module imports from other modules, as module and name."""
        return {
            alias.asname or alias.name: (self._absolute(each), alias.name)
            for each in self._statements
            if isinstance(each, ast.ImportFrom)
            for alias in each.names
        }

    @cached_property
    def modules(self) -> Mapping[str, str]:
        """The modules that the module imports, by the dotted names that it uses for them."""
        imported = (alias for each in self._statements if isinstance(each, ast.Import) for alias in each.names)
        return {alias.asname or alias.name: alias.name for alias in imported}

    @cached_property
    def names(self) -> frozenset[str]:
        """All names that the module binds, other than modules and functions."""
        stored = {
            node.id
            for each in self._statements
            if not isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(each)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        return frozenset({*self.classes, *self.imports, *stored})

    @cached_property
    def is_dynamic(self) -> bool:
        """Whether names may be defined otherwise: by a function ``__getattr__`` or by ``import *``."""
        functions = (each.name for each in self._statements if isinstance(each, ast.FunctionDef))
        return "*" in self.imports or "__getattr__" in functions

    def target(self, base: ast.expr) -> tuple[str, str] | None:
        """Return the module and the name of a base class; None if it is not a plain name.

        The module is empty for a name of this module.
        """
        match base.value if isinstance(base, ast.Subscript) else base:
            case ast.Name(id=name):
                is_builtin = name not in {*self.classes, *self.imports} and hasattr(builtins, name)
                return self.imports.get(name, ("builtins" if is_builtin else "", name))
            case ast.Attribute(value=owner, attr=name):
                module = ast.unparse(owner)
                imported = ".".join(self.imports.get(module, ()))
                return (known, name) if (known := self.modules.get(module, imported)) else None
            case _:
                return None

    def _absolute(self, statement: ast.ImportFrom) -> str:
        parts = self._package.split(".") if statement.level else []
        parts = parts[: len(parts) - statement.level + 1] if statement.level else parts
        return ".".join([*parts, *([statement.module] if statement.module else [])])


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements at the top level of a module, and those in its blocks."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _statements(child)
