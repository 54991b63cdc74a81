"""The Jinja environment: strict about names, and safe for any text a model's author wrote."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ctrlgen.render.folder import templates_folder


def render_template(name: str, **values: object) -> str:
    """Return the template's text; a name it does not know is an error."""
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates_folder(), encoding="utf-8"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is Python, not HTML; `docstring` and `literal` do the quoting
    )
    environment.filters |= {"docstring": docstring, "literal": repr}
    return environment


def docstring(text: str) -> str:
    """Return ``text`` on one line, unable to end or alter the docstring it stands in."""
    return " ".join(text.split()).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
