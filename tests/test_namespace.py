"""Name clashes are resolved by underscores."""

from __future__ import annotations

from ctrlgen.namespace import BUILTINS, Namespace
from ctrlgen.schema import Annotation, Imported

LITERAL, SELECTION = Imported("typing", "Literal"), Imported(".runtime", "Selection")


def test_free_name_is_kept_and_then_taken() -> None:
    names = Namespace(["row"])
    assert [names.claim("value"), names.claim("value"), names.claim("row")] == ["value", "value_", "row_"]


def test_keyword_is_never_a_name() -> None:
    assert Namespace(["class_"]).claim("class") == "class__"


def test_names_claimed_together_do_not_clash() -> None:
    assert Namespace(["self"]).claim_all(["self", "self_", "id"]) == ("self__", "self_", "id")


def test_known_item_is_called_by_its_own_name_without_an_import() -> None:
    names = Namespace(["value"], known=[LITERAL])
    assert names.name(LITERAL) == "Literal"
    assert names.import_lines() == []


def test_known_item_that_the_scope_hides_is_imported_under_another_name() -> None:
    names = Namespace(["Literal"], known=[LITERAL])
    assert names.name(LITERAL) == "Literal_"
    assert names.import_lines() == ["from typing import Literal as Literal_"]


def test_item_called_like_a_known_one_is_imported_under_another_name() -> None:
    names = Namespace(known=[SELECTION])
    assert names.name(Imported("models", "Selection")) == "Selection_"
    assert names.name(SELECTION) == "Selection"


def test_nested_class_is_reached_through_its_outermost_class() -> None:
    names = Namespace(["Outer"])
    assert names.name(Imported("models", "Outer.Inner")) == "Outer_.Inner"
    assert names.import_lines() == ["from models import Outer as Outer_"]


def test_only_the_requested_items_are_imported() -> None:
    names = Namespace()
    user, post = Imported("models", "User"), Imported("models", "Post.Kind")
    assert (names.name(user), names.name(post)) == ("User", "Post.Kind")
    assert names.import_lines([post]) == ["from models import Post"]


def test_hidden_builtin_is_imported_from_builtins_but_a_literal_of_its_name_stays() -> None:
    names = Namespace(["list"], known=BUILTINS)
    annotation = Annotation(("list[dict[str, ", LITERAL, "['list', \"str\"]]]"))
    assert names.source(annotation) == "list_[dict[str, Literal['list', \"str\"]]]"
    assert "from builtins import list as list_" in names.import_lines()
