"""Each kind of method has a rule, a template and a name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ctrlgen.plan import plan_controller
from ctrlgen.plan.methods import is_derived
from ctrlgen.plan.naming import CONTROLLER, PARAMETERS
from ctrlgen.schema import Condition, Model

from .build import column, index, model, relation, unique

EVERYTHING: Model = model(
    "Job",
    column("name"),
    column("a"),
    column("open", "bool", kind="bool", comparison="equal"),
    indexes=(
        unique("name", name="uq_job_name"),
        index("a", name="ix_job_a"),
        index("a", name="ix_job_late", where="open", conditions=(Condition("open", "=", "True"),)),
    ),
    relations=(replace(relation("parts"), linked=True),),
)


def test_every_kind_of_method_has_a_template_and_every_template_a_kind(project: Path) -> None:
    templates = {file.stem for file in project.glob("templates/methods/*.jinja")} - {"_shared"}
    assert {method.kind for method in plan_controller(EVERYTHING).methods} == templates


def test_keys_avoid_the_parameters_of_the_templates(project: Path) -> None:
    templates = [file.read_text("utf-8") for file in project.glob("templates/methods/*.jinja")]
    signatures = " ".join(re.findall(r"(?:def |macro load).*", "\n".join(templates)))
    assert set(re.findall(r"(?:\*\*|\*, )(\w+)(?=:)", signatures)) | {"self"} == PARAMETERS


def test_names_of_derived_methods_are_recognized() -> None:
    methods = [method.name for method in plan_controller(EVERYTHING).methods]
    assert {"find_late_by_a", "find_by_a", "load_parts", "get_or_create_by_name"} <= {*methods}
    assert [name for name in methods if not is_derived(name)] == []


@pytest.mark.parametrize("name", sorted(CONTROLLER))
def test_members_of_every_controller_are_not_derived(name: str) -> None:
    assert not is_derived(name)
