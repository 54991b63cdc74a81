"""The guide's examples: a good example has no finding, a bad one has the named finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ctrlgen.lint.emitted_methods import EmittedMethods

from .conftest import codes, lint

_EXAMPLE = re.compile(
    r"^## (?P<kind>good|bad|shown)(?: (?P<code>CGL\d+))?: (?P<title>[^\n]*)\n\n```python\n(?P<text>.*?)\n```",
    re.MULTILINE | re.DOTALL,
)
EXAMPLES = list(_EXAMPLE.finditer(Path(__file__).with_name("guide_examples.md").read_text("utf-8")))
GOOD = [pytest.param(example["text"], id=example["title"]) for example in EXAMPLES if example["kind"] == "good"]
OTHER = [
    pytest.param(example["text"], example["code"], id=example["title"])
    for example in EXAMPLES
    if example["kind"] != "good"
]


def test_every_example_is_read() -> None:
    text = Path(__file__).with_name("guide_examples.md").read_text("utf-8")
    assert len(EXAMPLES) == text.count("```python") > 30


@pytest.mark.parametrize("text", GOOD)
def test_good_example_has_no_finding(text: str) -> None:
    assert lint(text) == ()


@pytest.mark.parametrize("text", GOOD)
def test_good_example_has_no_finding_beside_models(text: str, emitted: EmittedMethods) -> None:
    assert lint(text, emitted) == ()


@pytest.mark.parametrize(("text", "code"), OTHER)
def test_bad_example_has_one_finding(text: str, code: str, emitted: EmittedMethods) -> None:
    assert codes(text) == [code]
    assert codes(text, emitted) == [code]
