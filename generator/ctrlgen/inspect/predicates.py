"""Parses the predicate of a partial index: its SQL, and its conditions on columns, if they are recognized."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ctrlgen.inspect.index_sql import NotUnderstoodError, Reader, Token
from ctrlgen.schema import Column, Condition, Imported, Predicate


@dataclass(frozen=True, slots=True)
class Subject:
    """A column that a predicate may refer to.

    ``labels`` maps stored values to enum members. ``converted`` is set if only the column's type can convert a constant
    to a value.
    """

    column: Column
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    converted: bool = False

    @property
    def has_named_class(self) -> bool:
        """Whether the class of its values can be imported."""
        return isinstance(self.column.annotation.pieces[0], Imported) and len(self.column.annotation.pieces) == 1


def predicate_of(sql: str, subjects: Mapping[str, Subject]) -> Predicate:
    """Return a predicate. ``subjects`` are the columns by name."""
    parser = _Parser(sql, subjects)
    try:
        return Predicate(sql, tuple(_distinct(parser.parse())))
    except NotUnderstoodError:
        return Predicate(sql, None)


def _distinct(conditions: list[Condition]) -> Iterable[Condition]:
    """Return the conditions without duplicates. A column that equals a constant is not NULL anyway."""
    equal = {condition.attribute for condition in conditions if condition.test == "="}
    redundant = [
        condition for condition in conditions if condition.test == "is not null" and condition.attribute in equal
    ]
    return dict.fromkeys(condition for condition in conditions if condition not in redundant)


class _Parser:
    """Parses ``AND`` of: ``column = constant``, ``IS [NOT] NULL``, ``IS TRUE``, ``column``, ``NOT column``."""

    def __init__(self, sql: str, subjects: Mapping[str, Subject]) -> None:
        self._sql = sql
        self._subjects = subjects

    def parse(self) -> list[Condition]:
        self._reader = Reader(self._sql)
        conditions = self._conjunction()
        self._reader.end()
        return conditions

    def _conjunction(self) -> list[Condition]:
        conditions = self._test()
        while self._reader.accept("and"):
            conditions += self._test()
        return conditions

    def _test(self) -> list[Condition]:
        if self._reader.next.text != "(":
            return [self._simple()]
        start = self._reader.position
        try:
            return [self._simple()]  # a column in parentheses
        except NotUnderstoodError:
            self._reader.position = start
        self._reader.expect("(")
        conditions = self._conjunction()
        self._reader.expect(")")
        return conditions

    def _simple(self) -> Condition:
        if self._reader.accept("not"):
            return self._negated()
        if self._reader.next.kind in {"number", "string"}:
            constant = self._constant()
            self._reader.expect("=")
            return _equal(self._operand(), constant)
        return self._about(self._operand())

    def _negated(self) -> Condition:
        subject = self._operand()
        if self._reader.next.text in {"=", "is"}:  # NOT has lower precedence: it negates the whole test
            raise NotUnderstoodError("not")
        return _boolean(subject, "False")

    def _about(self, subject: Subject) -> Condition:
        accept = self._reader.accept
        if accept("is", "null"):
            return Condition(subject.column.attribute, "is null")
        if accept("is", "not", "null"):
            return Condition(subject.column.attribute, "is not null")
        if accept("is", "false"):
            return _boolean(subject, "False")
        if accept("="):
            return _equal(subject, self._constant())
        accept("is", "true")
        return _boolean(subject, "True")

    def _operand(self) -> Subject:
        if self._reader.accept("("):
            subject = self._operand()
            self._reader.expect(")")
        else:
            name = self._reader.name()
            if name not in self._subjects:
                raise NotUnderstoodError(name)
            subject = self._subjects[name]
        self._reader.text_cast()
        return subject

    def _constant(self) -> Token:
        token = self._reader.take("number", "string", "word")
        while self._reader.accept("::"):
            self._type_name()
        return token

    def _type_name(self) -> None:
        if not self._reader.accept("character", "varying"):
            self._reader.name()


def _boolean(subject: Subject, value: str) -> Condition:
    if subject.column.kind != "bool" or subject.converted:
        raise NotUnderstoodError(subject.column.name)
    return Condition(subject.column.attribute, "=", value)


def _equal(subject: Subject, constant: Token) -> Condition:
    return Condition(subject.column.attribute, "=", _literal(subject, constant))


def _literal(subject: Subject, constant: Token) -> str:
    """Return a constant as a Python literal; for an enum, the name of the member."""
    match subject.column.kind, constant.kind, constant.text:
        case "enum", "string", text if text in subject.labels and subject.has_named_class:
            return repr(subject.labels[text])
        case _ if subject.converted:
            raise NotUnderstoodError(constant.text)
        case "bool", "word", "true" | "false" as text:
            return text.capitalize()
        case "int", "number", text if "." not in text:
            return str(int(text))
        case "float", "number", text:
            return repr(float(text))
        case "decimal", "number", text:
            return text
        case "str" | "uuid", "string", text:
            return repr(text)
        case _:
            raise NotUnderstoodError(constant.text)
