"""Classes and imports are found in every kind of block."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctrlgen.source_locations import SourceFile

BLOCKS = [
    "if x:\n    {}",
    "if x:\n    pass\nelif y:\n    {}",
    "if x:\n    pass\nelse:\n    {}",
    "for x in y:\n    {}",
    "for x in y:\n    pass\nelse:\n    {}",
    "while x:\n    {}",
    "with x:\n    {}",
    "try:\n    {}\nfinally:\n    pass",
    "try:\n    pass\nexcept ImportError:\n    {}",
    "try:\n    pass\nexcept* ImportError:\n    {}",
    "try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    {}",
    "try:\n    pass\nfinally:\n    {}",
    "match x:\n    case 1:\n        {}",
]


def source(tmp_path: Path, text: str) -> SourceFile:
    (tmp_path / "models.py").write_text(text)
    return SourceFile(tmp_path / "models.py")


@pytest.mark.parametrize("block", BLOCKS)
def test_class_is_found_in_a_block(tmp_path: Path, block: str) -> None:
    classes = source(tmp_path, block.format("class Hero: pass")).classes
    assert [*classes] == ["Hero"]


@pytest.mark.parametrize("block", BLOCKS)
def test_imports_for_type_checkers_are_found_in_a_block(tmp_path: Path, block: str) -> None:
    imports = source(tmp_path, block.format("if TYPE_CHECKING: import hero")).type_checking_imports
    assert imports == ["import hero"]


def test_classes_have_qualified_names(tmp_path: Path) -> None:
    text = (
        "class A:\n    class B:\n        def c(self):\n            class D: pass\nasync def e():\n    class F: pass\n"
    )
    names = ["A", "A.B", "A.B.c.<locals>.D", "e.<locals>.F"]
    assert [*source(tmp_path, text).classes] == names


def test_last_class_of_a_name_counts_as_at_run_time(tmp_path: Path) -> None:
    text = "try:\n    class A: pass\nexcept ImportError:\n    pass\nelse:\n    class A: pass\n"
    assert source(tmp_path, text).classes["A"].lineno == 6
