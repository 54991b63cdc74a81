"""Finds database sessions, and what returns them: classes, factories and functions of this file or another module."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal, TypeAlias

import libcst as cst

from ctrlgen.lint.project_modules import BARE, Definition, Node, ProjectModules, bases
from ctrlgen.lint.source_code import SourceCode, dotted, keyword, last_name, positional, receiver, unwrapped
from ctrlgen.lint.stored_attributes import Key, Stored, StoredAttributes

_DATABASE = re.compile(r"^_?(db|database)$|_(db|database)$")
_OTHER_SESSIONS = (
    "aiohttp",
    "requests",
    "httpx",
    "boto3",
    "aioboto3",
    "aiobotocore",
    "neo4j",
    "starlette",
    "curl_cffi",
)
_OTHER_DATABASES = frozenset({"databases", "pymongo", "motor", "peewee", "pony", "sqlite_utils", "piccolo", "neo4j"})
_SESSION_CLASS = re.compile(r"^(sqlalchemy|sqlmodel)\..*\b(AsyncSession|Session|async_scoped_session|scoped_session)$")
_SESSION_ALIAS = re.compile(r"(^|\.)(\w*(Db|DB|Async|SQL)\w*Session\w*|Session(Dep|Dependency)|AsyncSession)$")
_SESSION_FACTORY = re.compile(
    r"^(\w*_)?session(_?(maker|factory|local|scope))?$|^SessionLocal$|^get_\w*session$", re.IGNORECASE
)
_MAKES_FACTORY = re.compile(r"^_?(build|create|get|init|make|new|provide|setup)_(\w+_)?session_?(maker|factory)$")
_FACTORY_CLASS = re.compile(r"^sqlalchemy\..*\b(async_)?sessionmaker$")
_SESSION_NAME = re.compile(r"^_?(\w+_)?session$")
_DEPENDS = frozenset({"Depends", "Security"})

Question: TypeAlias = Literal["is_type", "is_session", "makes_session", "makes_factory"]
"""What is asked about a definition: is it the type of a session, a session, something that returns a session or that
returns a factory of sessions when it is called?
"""


class Sessions:
    """The sessions of one file.

    Parameters
    ----------
    source
        The file.
    modules
        The modules of the project, in which imported names are looked up.
    answers
        What is known about definitions, shared with the other files that they lead to. A definition that is being
        examined has the answer None, which ends cycles.
    """

    def __init__(
        self,
        source: SourceCode,
        modules: ProjectModules,
        answers: dict[tuple[Question, Node], bool | None] | None = None,
    ) -> None:
        self.source = source
        self._modules = modules
        self._answers = {} if answers is None else answers
        self._attributes = StoredAttributes(source)
        self._holders: dict[Key, bool] = {}

    @cached_property
    def _uses_sqlalchemy(self) -> bool:
        """Whether the file imports SQLAlchemy or SQLModel, or a session or its type from another module."""
        return self.source.imports_from("sqlalchemy", "sqlmodel") or any(
            self._answer("is_type", definition) or self._answer("makes_session", definition)
            for name in self.source.imports
            for definition in self._modules.definitions(self.source, name)
        )

    def is_session(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression is a SQLAlchemy session."""
        if isinstance(node, cst.Call):
            return self.opens_session(node)
        if isinstance(node, cst.Attribute):
            is_named = bool(_SESSION_NAME.match(node.attr.value)) and dotted(node) is not None
            if is_named and self._uses_sqlalchemy:
                return not any(map(self._is_of_another_library, self._stored(node)))
            return self._holds_session(node) or self._is_shared(node)
        if not isinstance(node, cst.Name):
            return False
        binding = self.source.binding(node)
        if binding is None:
            return self._is_parameter(node) or self._is_shared(node)
        value = unwrapped(binding.value)
        if isinstance(value, cst.Call):
            return self.opens_session(value)
        return binding.kind == "assign" and isinstance(value, cst.Attribute) and self.is_session(value)

    def _stored(self, node: cst.Attribute) -> list[Stored]:
        """Return what the class around stores in an attribute of ``self``, except None."""
        key = self._attributes.key(node)
        stored = self._attributes.of(key) if key is not None else []
        return [each for each in stored if each.annotation or not (each.value and last_name(each.value) == "None")]

    def _holds_session(self, node: cst.Attribute) -> bool:
        """Return whether the class around stores sessions in an attribute of ``self``, and nothing else."""
        key = self._attributes.key(node)
        if key is None:
            return False
        if key not in self._holders:
            self._holders[key] = False  # ends cycles: `self.a = self.b`, `self.b = self.a`
            stored = self._stored(node)
            self._holders[key] = bool(stored) and all(map(self._is_stored_session, stored))
        return self._holders[key]

    def _is_stored_session(self, stored: Stored) -> bool:
        if stored.annotation is not None:
            return self.is_session_type(stored.annotation)
        return stored.value is not None and self.is_session(unwrapped(stored.value))

    def _is_of_another_library(self, stored: Stored) -> bool:
        """Return whether a stored value is the session of an HTTP client or the like."""
        annotation, value = stored.annotation, stored.value
        if annotation is None and isinstance(value, cst.Name):
            annotation = self.source.annotation(value)
        if annotation is not None:
            return self._session_type(annotation) is False
        return isinstance(value, cst.Call) and any(map(_is_of_another_library, self.source.qualified(value.func)))

    def _is_parameter(self, name: cst.Name) -> bool:
        annotation = self.source.annotation(name)
        if annotation is not None:
            return self.is_session_type(annotation)
        parameter = self._parameter(name)
        default = parameter.default if parameter is not None else None
        if isinstance(default, cst.Call) and last_name(default.func) in _DEPENDS:
            dependency = next(iter(positional(default)), keyword(default, "dependency"))
            if dependency is not None and self.makes_session(dependency):
                return True
        return parameter is not None and bool(_SESSION_NAME.match(name.value)) and self._uses_sqlalchemy

    def _parameter(self, name: cst.Name) -> cst.Param | None:
        parameters = (self.source.parameter(function, name.value) for function in self.source.functions(name))
        return next((parameter for parameter in parameters if parameter is not None), None)

    def _is_shared(self, node: cst.BaseExpression) -> bool:
        """Return whether a name is a session that a module has at its top level."""
        path = dotted(node)
        if path is None or self._parameter_of(node) is not None:
            return False
        return any(self._answer("is_session", found) for found in self._modules.definitions(self.source, path))

    def _parameter_of(self, node: cst.BaseExpression) -> cst.Param | None:
        while isinstance(node, cst.Attribute):
            node = node.value
        return self._parameter(node) if isinstance(node, cst.Name) else None

    def is_session_type(self, annotation: cst.BaseExpression) -> bool:
        """Return whether an annotation is a session: the class, an ``Annotated`` of the class, or an alias of one."""
        return bool(self._session_type(annotation))

    def _session_type(self, annotation: cst.BaseExpression) -> bool | None:
        """Return whether an annotation is a session; None if its names do not tell."""
        names = self._modules.types(self.source, annotation)
        if any(map(_is_of_another_library, names)):
            return False
        return any(_SESSION_CLASS.match(name) or _SESSION_ALIAS.search(name) for name in names) or None

    def opens_session(self, call: cst.Call) -> bool:
        """Return whether a call returns a session, as ``db.transaction()`` and ``AsyncSession(engine)`` do."""
        name = last_name(call.func)
        if name is None:
            return bool(self.makes_session(call.func))
        qualified = self.source.qualified(call.func) if name.lower().endswith("session") else set[str]()
        if any(_SESSION_CLASS.match(origin) for origin in qualified):
            return True
        if any(map(_is_of_another_library, qualified)):
            return False
        target = receiver(call)
        if target is not None and name in {"session", "transaction"} and self._is_database(target):
            return True
        if name == "begin" and target is not None:
            is_named = re.search("session", last_name(target) or "", re.IGNORECASE)
            return bool(is_named or self.makes_session(target))
        makes_session = self.makes_session(call.func)
        if makes_session is not None:
            return makes_session
        if self._makes_factory(call):
            return False  # the session is what the result returns when it is called
        return bool(_SESSION_FACTORY.match(name)) and self._uses_sqlalchemy

    def is_typed_database(self, node: cst.BaseExpression) -> bool:
        """Return whether a parameter, or an attribute of ``self``, is annotated as the ``Database`` of a package."""
        annotations: list[cst.BaseExpression | None] = []
        if isinstance(node, cst.Name) and self.source.binding(node) is None:
            annotations = [self.source.annotation(node)]
        elif isinstance(node, cst.Attribute):
            for stored in self._stored(node):
                value = stored.value
                is_parameter = isinstance(value, cst.Name) and self.source.binding(value) is None
                passed = self.source.annotation(value) if is_parameter and isinstance(value, cst.Name) else None
                annotations.append(stored.annotation or passed)
        return bool(annotations) and all(each is not None and self._is_database_type(each) for each in annotations)

    def _is_database_type(self, annotation: cst.BaseExpression) -> bool:
        names = self._modules.types(self.source, annotation)
        return any(re.search(r"(^|\.)Database$", name) for name in names) and not any(
            name.partition(".")[0] in _OTHER_DATABASES for name in names
        )

    def _is_database(self, node: cst.BaseExpression) -> bool:
        name = last_name(node)
        if name is None:
            return False
        if _DATABASE.search(name) or name in {"db_service", "database_service", "service"}:
            return not self.source.imports_from("neo4j")
        if self.is_typed_database(node):
            return True
        annotation = self.source.annotation(node) if isinstance(node, cst.Name) else None
        return annotation is not None and any(
            type_name.endswith("Database") for type_name in self._modules.types(self.source, annotation)
        )

    # Factories

    def makes_session(self, node: cst.BaseExpression) -> bool | None:
        """Return whether calling an expression returns a session; None if the expression does not tell."""
        if isinstance(node, cst.Call):
            return self._makes_factory(node) or None
        if isinstance(node, cst.Name):
            binding = self.source.binding(node)
            if binding is not None:
                return self.makes_session(unwrapped(binding.value)) if binding.kind == "assign" else None
        parameter = self._parameter_of(node)
        if parameter is not None:
            annotation = parameter.annotation if isinstance(node, cst.Name) else None
            return (annotation is not None and self._is_factory_type(annotation.annotation)) or None
        path = dotted(node)
        definitions = self._modules.definitions(self.source, path) if path else []
        answers = {self._answer("makes_session", definition) for definition in definitions}
        return True if True in answers else False if False in answers else None

    def _is_factory_type(self, annotation: cst.BaseExpression) -> bool:
        if any(_FACTORY_CLASS.match(name) for name in self._modules.types(self.source, annotation)):
            return True
        if isinstance(annotation, cst.Subscript) and last_name(annotation.value) in {"Callable", "type", "Type"}:
            result = annotation.slice[-1].slice
            return isinstance(result, cst.Index) and self.is_session_type(result.value)
        return False

    def _makes_factory(self, call: cst.Call) -> bool:
        """Return whether a call returns a factory, as ``async_sessionmaker(engine)`` does."""
        if _MAKES_FACTORY.match(last_name(call.func) or "") or any(
            _FACTORY_CLASS.match(origin) for origin in self.source.qualified(call.func)
        ):
            return True
        path = dotted(call.func)
        definitions = self._modules.definitions(self.source, path) if path else []
        return any(self._answer("makes_factory", definition) for definition in definitions)

    # Definitions

    def _answer(self, question: Question, definition: Definition) -> bool | None:
        key = question, definition.node
        if key not in self._answers:
            self._answers[key] = None
            owner = Sessions(definition.source, self._modules, self._answers)
            self._answers[key] = owner._examined(question, definition.node)
        return self._answers[key]

    def _examined(self, question: Question, node: Node) -> bool | None:
        """Answer a question about a definition in this file."""
        if isinstance(node, cst.ClassDef):
            is_class = question in {"is_type", "makes_session"}
            return (is_class and any(map(self.is_session_type, bases(node)))) or None
        if isinstance(node, cst.FunctionDef):
            return self._returns(question, node) if question in {"makes_session", "makes_factory"} else None
        if question == "is_type":
            return self.is_session_type(node)
        if question == "is_session":
            return self.is_session(node)
        return self.makes_session(node) if question == "makes_session" else None

    def _returns(self, question: Question, function: cst.FunctionDef) -> bool | None:
        """Return whether a function returns or yields a session or a factory, by its annotation or its values."""
        if function.returns is not None and not _is_bare(function.returns.annotation):
            annotation = function.returns.annotation
            if question == "makes_factory":
                return self._is_factory_type(annotation)
            return self._session_type(annotation)
        returned = [node.value for node in self.source.own(function, cst.Return)]
        yielded = [node.value for node in self.source.own(function, cst.Yield)]
        check = self.is_session if question == "makes_session" else self.makes_session
        results = [value for value in (*returned, *yielded) if isinstance(value, cst.BaseExpression)]
        return any(check(unwrapped(value)) for value in results) or None


def _is_of_another_library(name: str) -> bool:
    """Return whether a qualified name is that of a library whose sessions are not those of a database."""
    return name.partition(".")[0] in _OTHER_SESSIONS


def _is_bare(annotation: cst.BaseExpression) -> bool:
    return isinstance(annotation, cst.Name | cst.Attribute) and last_name(annotation) in BARE
