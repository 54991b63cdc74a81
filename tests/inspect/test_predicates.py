"""Predicates of partial indexes: they are parsed only if their meaning is certain."""

from dataclasses import replace

import pytest

from ctrlgen.findings import Location
from ctrlgen.inspect.predicates import Subject, predicate_of
from ctrlgen.schema import Annotation, Bounds, Column, Condition, Imported, Kind


def subject(attribute: str, kind: Kind, name: str = "", **labels: str) -> Subject:
    column = Column(
        attribute=attribute,
        name=name or attribute,
        annotation=Annotation((Imported("a", "Status") if kind == "enum" else kind,)),
        nullable=True,
        presence="required",
        comparison="ordered",
        kind=kind,
        bounds=Bounds(),
        enum_member=None,
        location=Location("a.py", 1),
    )
    return Subject(column, labels)


SUBJECTS = [
    subject("sent", "bool"),
    subject("done", "bool"),
    subject("level", "int"),
    subject("rate", "decimal"),
    subject("weight", "float"),
    subject("name", "str"),
    subject("key", "uuid"),
    subject("at", "datetime"),
    subject("status", "enum", OPEN="OPEN", closed="CLOSED"),
    subject("nick", "str", "Nick Name"),
]
COLUMNS = {item.column.name: item for item in SUBJECTS}

SENT, UNSENT = Condition("sent", "=", "True"), Condition("sent", "=", "False")


@pytest.mark.parametrize(
    ("sql", "conditions"),
    [
        ("sent", (SENT,)),
        ("SENT", (SENT,)),
        ("(sent)", (SENT,)),
        ("sent IS true", (SENT,)),
        ("sent = true", (SENT,)),
        ("reminders.sent", (SENT,)),
        ("NOT sent", (UNSENT,)),
        ("not (sent)", (UNSENT,)),
        ("(NOT sent)", (UNSENT,)),
        ("sent IS false", (UNSENT,)),
        ("sent = false", (UNSENT,)),
        ("at IS NULL", (Condition("at", "is null"),)),
        ("((at) is not null)", (Condition("at", "is not null"),)),
        ("level = 3", (Condition("level", "=", "3"),)),
        ("3 = level", (Condition("level", "=", "3"),)),
        ("level = -3", (Condition("level", "=", "-3"),)),
        ("level = 007", (Condition("level", "=", "7"),)),
        ("weight = 01", (Condition("weight", "=", "1.0"),)),
        ("rate = 0.50", (Condition("rate", "=", "0.50"),)),
        ("name = 'it''s'", (Condition("name", "=", '"it\'s"'),)),
        ("(name)::text = 'x'::text", (Condition("name", "=", "'x'"),)),
        ("name::character varying = 'x'::character varying", (Condition("name", "=", "'x'"),)),
        ("status = 'OPEN'", (Condition("status", "=", "'OPEN'"),)),
        ("status = 'closed'::case_status", (Condition("status", "=", "'CLOSED'"),)),
        ('"Nick Name" IS NULL', (Condition("nick", "is null"),)),
        (
            "NOT sent AND at IS NOT NULL AND level = 1",
            (UNSENT, Condition("at", "is not null"), Condition("level", "=", "1")),
        ),
        ("((NOT sent) AND (at IS NULL))", (UNSENT, Condition("at", "is null"))),
        ("sent AND (done AND level = 1)", (SENT, Condition("done", "=", "True"), Condition("level", "=", "1"))),
        ("sent AND sent AND at IS NULL", (SENT, Condition("at", "is null"))),
        ("level = 3 AND level IS NOT NULL", (Condition("level", "=", "3"),)),
        ("\n  sent\n  AND done\n", (SENT, Condition("done", "=", "True"))),
    ],
)
def test_predicate_is_understood(sql: str, conditions: tuple[Condition, ...]) -> None:
    assert predicate_of(sql, COLUMNS).conditions == conditions


@pytest.mark.parametrize(
    "sql",
    [
        "sent OR done",
        "sent AND (done OR level = 1)",
        "NOT (sent AND done)",
        "NOT sent IS NULL",
        "NOT sent = true",
        "NOT level = 1",
        "level",
        "NOT level",
        "level IS true",
        "level > 3",
        "level <> 3",
        "level = 1.5",
        "level = '1'",
        "level = 1 + 1",
        "level::text = '1'",
        "level = done",
        "level = NULL",
        "name = 1",
        "name = 'a' || 'b'",
        "name = E'a'",
        "name LIKE 'a%'",
        "name IN ('a', 'b')",
        "name = lower('A')",
        "lower(name) = 'a'",
        "status = 'MISSING'",
        "sent IS NOT true",
        "sent IS NOT DISTINCT FROM true",
        "at = '2020-01-01'",
        "unknown = 1",
        "unknown",
        "true",
        "level = 1 -- sometimes",
        "level = 1 AND",
        "(level = 1",
        "level = 1)",
        "\"NAME\" = 'a'",
        "name = 'unfinished",
        "",
    ],
)
def test_predicate_is_not_understood(sql: str) -> None:
    assert predicate_of(sql, COLUMNS).conditions is None


def test_enum_that_cannot_be_imported_is_not_understood() -> None:
    status = subject("status", "enum", OPEN="OPEN")
    nameless = replace(status.column, annotation=Annotation(("Any",)))
    assert predicate_of("status = 'OPEN'", {"status": replace(status, column=nameless)}).conditions is None


@pytest.mark.parametrize("sql", ["name = 'x'", "sent", "NOT sent", "level = 3"])
def test_constant_that_only_the_type_of_its_column_can_read_is_not_understood(sql: str) -> None:
    columns = {name: replace(subject, converted=True) for name, subject in COLUMNS.items()}
    assert predicate_of(sql, columns).conditions is None
    assert predicate_of("name IS NOT NULL", columns).conditions == (Condition("name", "is not null"),)
