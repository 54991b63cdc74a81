"""Stubs are written once and extended by new tests; all other content belongs to the user."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from ctrlgen.blueprint import Package
from ctrlgen.errors import OutputError
from ctrlgen.plan import plan
from ctrlgen.schema import Bounds, ForeignKey, Imported, Kind, Samples, Schema
from ctrlgen.settings import Options
from ctrlgen.stubs import stubs
from tests.plan.build import HERE, column, index, model, relation, unique
from tests.render.conftest import PythonFileExtension

from .conftest import POST, TAG, package


def write(package: Package, folder: Path) -> list[str]:
    """Write the stubs; return the names of the files that changed."""
    changes = stubs(package, folder, project=folder.parent, first_party={"db", "models"})
    for file, raw in changes.files.items():
        file.write_bytes(raw)
    return sorted(file.name for file in changes.files)


def with_index(attribute: str) -> Package:
    """Return the package, with one more index on posts."""
    more = dataclasses.replace(POST, indexes=(*POST.indexes, index(attribute, name="ix_new")))
    return package(more, TAG)


def functions(file: Path) -> list[str]:
    return [node.name for node in ast.parse(file.read_bytes()).body if isinstance(node, ast.AsyncFunctionDef)]


def test_first_run_writes_fixtures_factories_and_a_module_per_controller(folder: Path) -> None:
    assert write(package(), folder) == [
        "conftest.py",
        "controller_factories.py",
        "query_plans.py",
        "test_post_controller.py",
        "test_tag_controller.py",
    ]


def test_module_reads_well(folder: Path, snapshot: SnapshotAssertion) -> None:
    write(package(), folder)
    assert (folder / "test_post_controller.py").read_text() == snapshot(extension_class=PythonFileExtension)


def test_factories_create_parents_first(folder: Path, snapshot: SnapshotAssertion) -> None:
    write(package(), folder)
    assert (folder / "controller_factories.py").read_text() == snapshot(extension_class=PythonFileExtension)


def test_second_run_changes_nothing(folder: Path) -> None:
    write(package(), folder)
    assert write(package(), folder) == []


def test_every_method_has_a_test(folder: Path) -> None:
    planned = package()
    write(planned, folder)
    for controller in planned.controllers:
        tests = functions(folder / f"test_{controller.module}_controller.py")
        assert {f"test_{method.name}" for method in controller.methods} <= set(tests)


def test_links_join_two_rows_even_of_one_model(folder: Path) -> None:
    friends = dataclasses.replace(TAG, relations=(relation("friends", "Tag", linked=True, attributes=("id",)),))
    write(package(friends), folder)
    text = (folder / "test_tag_controller.py").read_text()
    assert "assert await db.tag.add_friends([tag], [tag_]) == 1" in text
    assert "assert len(tag.friends) == 1" in text


def test_links_are_tested_by_the_methods_that_are_not_skipped(folder: Path) -> None:
    options = Options(skip_methods=("Post.load_labels",), names={"Post.add_labels": "label"})
    write(plan(Schema((POST, TAG)), "db", options), folder)
    text = (folder / "test_post_controller.py").read_text()
    assert "await db.post.label([post], [tag])\n    assert await db.post.remove_labels([post], [tag]) == 1" in text
    assert "len(post.labels)" not in text
    (folder / "test_post_controller.py").unlink()
    write(plan(Schema((POST, TAG)), "db", Options(skip_methods=("Post.add_labels",))), folder)
    text = (folder / "test_post_controller.py").read_text()
    assert "tag = await new_tag(db)\n    assert await db.post.remove_labels([post], [tag]) == 0" in text


def test_links_between_rows_that_exist_only_once_are_not_tested(folder: Path) -> None:
    only = column("id", "bool", kind="bool", comparison="equal")
    flag = model("Flag", indexes=(), relations=(relation("others", "Flag", linked=True, attributes=("id",)),))
    write(package(dataclasses.replace(flag, columns=(only,))), folder)
    tests = functions(folder / "test_flag_controller.py")
    assert [name for name in tests if name.endswith("_others")] == ["test_load_others"]


def test_new_method_adds_its_test_and_touches_no_existing_byte(folder: Path) -> None:
    write(package(), folder)
    file = folder / "test_post_controller.py"
    mine = file.read_text().replace("assert", "assert  ", 1) + "\n\n# my own\nX = [1,\n2]\n"
    file.write_text(mine)
    assert write(with_index("title"), folder) == ["test_post_controller.py"]
    assert file.read_text().startswith(mine)
    assert functions(file)[-1] == "test_find_by_title"


def test_import_of_a_new_test_is_inserted_after_the_others(folder: Path) -> None:
    (folder / "controller_factories.py").write_text("async def new_post(db): ...\nasync def new_tag(db): ...\n")
    file = folder / "test_post_controller.py"
    file.write_text('"""Mine."""\n\nimport os\n\nos.getcwd()\n')
    write(package(), folder)
    text = file.read_text()
    assert text.startswith('"""Mine."""\n\nimport os\n\nfrom ')
    assert "from controller_factories import new_post, new_tag, post_values, present\n" in text
    assert "\n\nfrom db import Database, NotFoundError\n\nos.getcwd()\n" in text
    assert "from db import Database, NotFoundError\n" in text


def test_line_endings_of_the_users_file_are_kept(folder: Path) -> None:
    write(package(), folder)
    file = folder / "test_post_controller.py"
    windows = file.read_bytes().replace(b"\n", b"\r\n")
    file.write_bytes(windows)
    write(with_index("title"), folder)
    added = file.read_bytes()
    assert added.startswith(windows)
    assert added.count(b"\n") == added.count(b"\r\n")


@pytest.mark.parametrize(
    "mark", [b"\xef\xbb\xbf", b"# -*- coding: latin-1 -*-\nX = '\xe9'\n", b"X = '\x0c\xe2\x80\xa8'\n"]
)
def test_bytes_of_the_users_file_are_kept(folder: Path, mark: bytes) -> None:
    """A byte order mark, another encoding, and characters that only `str.splitlines` considers line endings."""
    write(package(), folder)
    file = folder / "test_post_controller.py"
    docstring, rest = file.read_bytes().split(b"\n", 1)
    mine = mark + docstring + b"\n" + rest
    file.write_bytes(mine)
    assert write(with_index("title"), folder) == ["test_post_controller.py"]
    assert file.read_bytes().startswith(mine)
    assert "test_find_by_title" in functions(file)


def test_addition_that_cannot_be_encoded_is_an_error(folder: Path) -> None:
    file = folder / "test_post_controller.py"
    file.write_bytes(b"# -*- coding: ascii -*-\n")
    named = dataclasses.replace(POST, indexes=(*POST.indexes, index("größe", name="ix_new")))
    columns = (*named.columns, column("größe"))
    with pytest.raises(OutputError, match="'öß' cannot be encoded in a test file in ascii"):
        write(package(dataclasses.replace(named, columns=columns), TAG), folder)
    assert file.read_bytes() == b"# -*- coding: ascii -*-\n"


def test_import_is_renamed_if_the_users_file_has_the_name(folder: Path) -> None:
    made = column("made", "datetime", kind="datetime")
    dated = dataclasses.replace(TAG, columns=(*TAG.columns, made))
    (folder / "controller_factories.py").write_text("import datetime\n\n\ndatetime.date(2030, 1, 1)\n")
    write(package(dated), folder)
    text = (folder / "controller_factories.py").read_text()
    assert "from datetime import UTC, datetime as datetime_\n" in text
    assert '"made": datetime_.now(UTC)' in text


def test_factory_of_the_user_determines_the_values_of_a_new_row(folder: Path) -> None:
    """The factory was written before a column was indexed, and does not set it, so the test does."""
    (folder / "controller_factories.py").write_text(
        "async def new_tag(db): ...\nasync def tag_values(db):\n    return {}\n"
    )
    color = column("color", "str", kind="str", nullable=True, presence="optional", default="None")
    colored = dataclasses.replace(TAG, columns=(*TAG.columns, color), indexes=(*TAG.indexes, unique("color")))
    write(package(colored), folder)
    assert 'values["color"] = "changed"' in (folder / "test_tag_controller.py").read_text()


def test_method_mentioned_in_a_test_or_comment_is_not_added_again(folder: Path) -> None:
    write(package(), folder)
    file = folder / "test_post_controller.py"
    text = file.read_text()
    begin = text.index("async def test_delete_by_id")
    end = text.index("async def", begin + 1)
    file.write_text(text[:begin] + text[end:] + "\n# db.post.delete_by_id is tested with the bot\n")
    assert write(package(), folder) == []


def test_test_of_a_removed_method_is_reported_and_kept(folder: Path) -> None:
    write(with_index("title"), folder)
    before = (folder / "test_post_controller.py").read_bytes()
    changes = stubs(package(), folder, project=folder.parent)
    assert [(finding.code, finding.location.file) for finding in changes.findings] == [
        ("CG302", "tests/test_post_controller.py")
    ]
    assert "test_find_by_title" in changes.findings[0].message
    assert (folder / "test_post_controller.py").read_bytes() == before


def test_new_model_adds_its_factory_and_touches_nothing_else(folder: Path) -> None:
    write(package(TAG), folder)
    before = (folder / "controller_factories.py").read_text()
    assert write(package(), folder) == ["controller_factories.py", "test_post_controller.py"]
    after = (folder / "controller_factories.py").read_text()
    assert before[before.index("T = TypeVar") :] in after
    assert after.index("new_tag") < after.index("new_post")


def test_file_with_invalid_python_is_an_error_at_its_line(folder: Path) -> None:
    (folder / "test_post_controller.py").write_text("x = 1\ndef (:\n")
    with pytest.raises(OutputError) as caught:
        stubs(package(), folder, project=folder.parent)
    assert str(caught.value.location) == "tests/test_post_controller.py:2"


def test_model_that_requires_itself_is_left_to_the_user(folder: Path) -> None:
    key = ForeignKey(("parent_id",), Imported("models", "Node"), ("id",), HERE)
    node = package(model("Node", column("parent_id"), foreign_keys=(key,)))
    assert codes(node, folder) == [("CG301", "models.py")]
    write(node, folder)
    file = folder / "controller_factories.py"
    assert '"parent_id": skip("put a valid `parent_id` here"),' in file.read_text()
    file.write_text(file.read_text().replace('skip("put a valid `parent_id` here")', "1"))
    assert codes(node, folder) == []


def test_self_reference_that_may_be_null_is_null(folder: Path) -> None:
    key = ForeignKey(("parent_id",), Imported("models", "Node"), ("id",), HERE)
    node = package(model("Node", column("parent_id", nullable=True), foreign_keys=(key,)))
    assert codes(node, folder) == []
    write(node, folder)
    assert '"parent_id": None,' in (folder / "controller_factories.py").read_text()


def test_rows_that_need_each_other_are_created_if_a_reference_may_be_null(folder: Path) -> None:
    """The nullable column remains NULL, whichever model is planned first."""
    left = model(
        "Left",
        column("right_id", nullable=True),
        foreign_keys=(ForeignKey(("right_id",), Imported("models", "Right"), ("id",), HERE),),
    )
    right = model(
        "Right",
        column("left_id"),
        foreign_keys=(ForeignKey(("left_id",), Imported("models", "Left"), ("id",), HERE),),
    )
    write(package(left, right), folder)
    text = (folder / "controller_factories.py").read_text()
    assert '"right_id": None,' in text
    assert "    left = await new_left(db)\n" in text


def test_foreign_key_with_a_default_gets_its_row(folder: Path) -> None:
    """The database also checks the row that the default references."""
    post = dataclasses.replace(POST, columns=(column("id"), column("tag_id", presence="optional", default="1")))
    write(package(dataclasses.replace(post, indexes=post.indexes[:1]), TAG), folder)
    text = (folder / "controller_factories.py").read_text()
    assert "    tag = await new_tag(db)\n" in text
    assert '"tag_id": present(tag.id),' in text


def test_column_that_is_a_keyword_only_omits_the_tests_that_would_name_it(folder: Path) -> None:
    named = dataclasses.replace(TAG, columns=(*TAG.columns, column("class", "str", kind="str")))
    keyed = model("Kind", column("class"), column("name", "str", kind="str"), primary_key=("class",))
    assert codes(package(named, keyed), folder) == []
    write(package(named, keyed), folder)
    assert '"class": f"class {next(numbers)}",' in (folder / "controller_factories.py").read_text()
    assert "test_update_by_id" in functions(folder / "test_tag_controller.py")
    tests = functions(folder / "test_kind_controller.py")
    assert "test_create" in tests
    assert "test_get_by_class_" in tests or "test_get_by_class" in tests
    assert "test_find_one" not in tests


def test_unknown_value_affects_only_its_own_model(folder: Path) -> None:
    odd = dataclasses.replace(column("shape", "Shape", kind="other"), samples=Samples())
    assert codes(package(POST, dataclasses.replace(TAG, columns=(*TAG.columns, odd))), folder) == [
        ("CG301", "models.py")
    ]


@pytest.mark.parametrize("nullable", [False, True])
def test_loader_is_expected_to_find_the_rows_that_its_own_columns_refer_to(folder: Path, nullable: bool) -> None:
    """It does not find the rows of another foreign key to the same table."""
    editor = column("editor_id", nullable=nullable, presence="optional" if nullable else "required", default="None")
    keys = [ForeignKey((name,), Imported("models", "Tag"), ("id",), HERE) for name in ("tag_id", "editor_id")]
    related = (relation("editor", "Tag", many=False, attributes=("editor_id",)), *POST.relations)
    post = dataclasses.replace(POST, columns=(*POST.columns, editor), foreign_keys=tuple(keys), relations=related)
    write(package(post, TAG), folder)
    text = (folder / "test_post_controller.py").read_text()
    assert ("assert not post.editor" in text) is nullable
    assert ("assert post.editor" in text) is not nullable
    assert "assert post.tag" in text


def test_folder_inside_a_test_package_imports_its_factories_relatively(folder: Path) -> None:
    (folder / "__init__.py").touch()
    write(package(), folder)
    assert "from .controller_factories import" in (folder / "test_post_controller.py").read_text()


def test_imports_are_not_added_inside_a_try(folder: Path) -> None:
    file = folder / "test_post_controller.py"
    mine = "import os\n\ntry:\n    import ujson\nexcept ImportError:\n    ujson = None\n"
    file.write_text(mine)
    write(package(), folder)
    assert file.read_text().startswith("import os\nfrom ")
    assert mine.removeprefix("import os\n") in file.read_text()


def test_function_of_the_users_is_never_shadowed(folder: Path) -> None:
    file = folder / "test_post_controller.py"
    file.write_text("async def test_get_by_id(db):\n    posts = db.post\n    assert await posts.get_by_id(1) is None\n")
    write(package(), folder)
    assert functions(file).count("test_get_by_id") == 1


def test_file_is_read_in_its_declared_encoding(folder: Path) -> None:
    (folder / "test_extra.py").write_bytes(b'# -*- coding: latin-1 -*-\nX = "\xe9"  # db.tag.create\n')
    (folder / "test_folder.py").mkdir()
    write(package(), folder)
    assert "test_create" not in functions(folder / "test_tag_controller.py")


def codes(package: Package, folder: Path) -> list[tuple[str, str]]:
    changes = stubs(package, folder, project=folder.parent, first_party={"db", "models"})
    return [(finding.code, finding.location.file) for finding in changes.findings]


def test_tests_of_a_removed_model_are_reported(folder: Path) -> None:
    write(package(), folder)
    assert codes(package(TAG), folder) == [
        ("CG303", "tests/controller_factories.py"),
        ("CG304", "tests/controller_factories.py"),
        ("CG304", "tests/controller_factories.py"),
        ("CG302", "tests/test_post_controller.py"),
    ]


def with_heading() -> Package:
    """Return the package, with a heading instead of a post's title."""
    columns = (*(each for each in POST.columns if each.attribute != "title"), column("heading", "str", kind="str"))
    return package(dataclasses.replace(POST, columns=columns, indexes=POST.indexes[:2]), TAG)


def test_missing_line_is_added_to_a_factory(folder: Path) -> None:
    write(package(), folder)
    file = folder / "controller_factories.py"
    mine = file.read_text().replace('f"title {next(numbers)}",', 'f"{next(numbers)}. title",  # mine')
    file.write_text(mine)
    messages = [item.message for item in stubs(with_heading(), folder, project=folder.parent).findings]
    assert "`post_values` no longer matches `PostCreate`: it gives `title`" in messages
    write(with_heading(), folder)
    kept = '        "title": f"{next(numbers)}. title",  # mine\n'
    assert kept + '        "heading": f"heading {next(numbers)}",\n    }\n' in file.read_text()
    assert len(file.read_text().splitlines()) == len(mine.splitlines()) + 1


def test_referenced_row_is_added_to_a_factory(folder: Path) -> None:
    write(
        package(
            dataclasses.replace(
                POST, columns=POST.columns[:1], indexes=POST.indexes[:1], foreign_keys=(), relations=()
            ),
            TAG,
        ),
        folder,
    )
    file = folder / "controller_factories.py"
    assert "    return {}\n" in file.read_text()
    write(package(), folder)
    assert (
        '    """Return the values of a new `Post`."""\n'
        "    tag = await new_tag(db)\n"
        "    return {\n"
        '        "tag_id": present(tag.id),\n'
        '        "title": f"title {next(numbers)}",\n'
        "    }\n"
    ) in file.read_text()


def test_line_for_a_rewritten_factory_is_printed(folder: Path) -> None:
    write(package(), folder)
    file = folder / "controller_factories.py"
    file.write_text(
        file.read_text().replace("    tag = await new_tag(db)\n", "    tag = (await db.tag.find_all())[0]\n")
    )
    assert write(with_heading(), folder) == []
    findings = [item for item in stubs(with_heading(), folder, project=folder.parent).findings if item.code == "CG304"]
    line = '"heading": f"heading {next(numbers)}",'
    message = f"`post_values` no longer matches `PostCreate`: it lacks `heading` (add `{line}`) and gives `title`"
    assert [item.message for item in findings] == [message]


@pytest.mark.parametrize("kept", ["tag_values", "new_tag"])
def test_partly_deleted_factory_is_completed(folder: Path, kept: str) -> None:
    write(package(), folder)
    file = folder / "controller_factories.py"
    text = file.read_text()
    start, middle = text.index("async def tag_values"), text.index("async def new_tag")
    file.write_text(text[:middle].rstrip() + "\n" if kept == "tag_values" else text[:start] + text[middle:])
    assert write(package(), folder) == ["controller_factories.py"]
    assert {"tag_values", "new_tag"} <= set(functions(file))


@pytest.mark.parametrize(
    ("kind", "bounds", "expected"),
    [
        ("float", Bounds(above="0", below="1"), "0.5"),
        ("decimal", Bounds(above="0", below="1"), 'Decimal("0.5")'),
        ("int", Bounds(above="10", multiple_of="7"), "14"),
        ("int", Bounds(above="7", multiple_of="7"), "14"),
        ("float", Bounds(maximum="-2"), "-3"),
        ("int", Bounds(above="1", below="2"), None),
        ("int", Bounds(minimum="-5", maximum="-1"), "-1"),
        ("int", Bounds(below="-1.5"), "-2"),
        ("int", Bounds(below="-2"), "-3"),
    ],
)
def test_numbers_are_within_their_bounds(kind: Kind, bounds: Bounds, expected: str | None) -> None:
    value = column("n", kind, kind=kind, bounds=bounds).samples.fixed
    assert (value.source(lambda item: item.name) if value else None) == expected


def test_removed_relationship_in_a_loading_test_is_reported(folder: Path) -> None:
    write(package(), folder)
    findings = codes(package(dataclasses.replace(POST, relations=()), TAG), folder)
    assert ("CG302", "tests/test_post_controller.py") in findings
