"""Renders ``docs/api.md`` from the docstrings of the runtime: ``python -m tests.docs.api_page`` prints the page."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator

import generated
from generated import AnyOf, BaseController, DatabaseService, Page, PaginationResult, ReplicaStatus, Selection, Span

HEAD = """# API of the runtime

What every generated package has, whatever its models are. This page is rendered from the docstrings of the runtime. The
methods that follow from your models are shown by [`ctrlgen explain`](commands.md#ctrlgen-explain).

Your `Database` derives from `DatabaseService`, and each controller from `BaseController`. In the signatures,

- `M` is the model, such as `User`,
- `C` is the dict of a new row, `UserCreate`, and `U` that of changes, `UserUpdate`,
- `K` is the type of the primary key, a tuple if it has several columns,
- `L` lists the names of relationships, `UserLoad`,
- `N`, `A`, `B`, `D` and `E` are the types of columns.
"""
CLASSES = (DatabaseService, BaseController, Selection, Span, AnyOf, Page, PaginationResult, ReplicaStatus)
ERRORS = [each for each in vars(generated).values() if isinstance(each, type) and issubclass(each, Exception)]
INTERNAL = {"transactions", "pool", "borrow_from", "watched", "in_total_order"}
"""Members that only the package itself and the test stubs call."""
_SECTION = re.compile(r"^(Parameters|Returns|Raises|Yields|Notes)\n-+\n", re.MULTILINE)


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, *(_class(cls) for cls in CLASSES), "## Errors\n", *map(_error, ERRORS)]
    return "\n".join(parts)


def _class(cls: type) -> str:
    parts = [f"## {cls.__name__}\n", _prose(inspect.getdoc(cls) or "")]
    for name, member in _members(cls):
        if isinstance(member, property):
            parts.append(f"### `{name}`\n\n{_prose(inspect.getdoc(member) or '')}")
        else:
            declared = "async def" if inspect.iscoroutinefunction(inspect.unwrap(member)) else "def"
            signature = re.sub(r"\(self(?:, )?", "(", str(inspect.signature(member)).replace("'", ""), count=1)
            code = _wrapped(f"{declared} {name}{signature}")
            heading = f"### `{name}()`"
            parts.append(f"{heading}\n\n```text\n{code}\n```\n\n{_prose(inspect.getdoc(member) or '')}")
    return "\n".join(parts)


def _members(cls: type) -> Iterator[tuple[str, object]]:
    for name, member in vars(cls).items():
        if (
            not name.startswith("_")
            and name not in INTERNAL
            and (inspect.isfunction(member) or isinstance(member, property))
        ):
            yield name, member


def _error(cls: type) -> str:
    return f"### {cls.__name__}\n\n{_prose(inspect.getdoc(cls) or '')}"


def _wrapped(signature: str) -> str:
    if len(signature) <= 100:
        return signature
    name, rest = signature.split("(", 1)
    arguments, result = rest.rsplit(") ->", 1)
    lines = [f"    {each}," for each in re.split(r", (?=\*|/|\w+:|\w+=)", arguments)]
    return "\n".join([f"{name}(", *lines, f") ->{result}"])


def _prose(doc: str) -> str:
    """Return a docstring as Markdown; its sections become lists."""
    text, *sections = _SECTION.split(doc.replace("``", "`"))
    lines = [_paragraphs(text)]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        lines.append(f"{title}:\n")
        for entry in re.split(r"\n(?=\S)", body.strip()):
            name, *description = entry.split("\n")
            what = " ".join(line.strip() for line in description)
            lines.append(textwrap.fill(f"- `{name}`: {what}", 120, subsequent_indent="  ", break_on_hyphens=False))
        lines.append("")
    return "\n".join(lines)


def _paragraphs(text: str) -> str:
    paragraphs = [" ".join(each.split()) for each in text.strip().split("\n\n")]
    return "\n\n".join(textwrap.fill(each, 120, break_on_hyphens=False) for each in paragraphs) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
