"""Finds and renders the Jinja templates, inside the wheel or in a checkout of this repository."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from textwrap import wrap

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ctrlgen.errors import InstallationError

_WIDTH = 74  # of the lines of a docstring: 88 with indentation and quotes
_INDENT = " " * 8  # of a method's docstring
_TOOL = Path(__file__).resolve().parent.parent


def render_template(name: str, **values: object) -> str:
    """Render a template. An undefined variable in it is an error."""
    return _environment().get_template(name).render(**values)


def template_text(name: str) -> str:
    """Return the source of a template of another program."""
    return (templates_folder() / name).read_text("utf-8")


def compile_templates() -> None:
    """Compile the templates of the package in advance. Otherwise each is compiled when it is first rendered."""
    environment = _environment()
    for name in environment.list_templates(["jinja"]):
        if not name.startswith(("stubs/", "init/", "explorer/")):
            environment.get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates_folder(), encoding="utf-8"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,  # which looks at the file of a template whenever it is included
        autoescape=_is_html,  # noqa: S701 - in Python sources, `docstring` and `literal` do the quoting
    )
    environment.filters |= {"docstring": docstring, "literal": repr}
    return environment


def _is_html(name: str | None) -> bool:
    """Return whether a template is an HTML page, in which values must be escaped."""
    return name is not None and name.endswith(".html.jinja")


def docstring(text: str) -> str:
    """Return ``text`` as a docstring, escaped. If it is long, the first sentence becomes the summary line."""
    safe = " ".join(text.split()).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    summary, _, rest = safe.partition(". ")
    if len(safe) <= _WIDTH or not rest:
        return safe
    return "\n".join(f"{_INDENT}{line}".rstrip() for line in (f"{summary}.", "", *wrap(rest, _WIDTH), "")).lstrip()


@cache
def templates_folder() -> Path:
    """Return the folder of the templates."""
    for folder in (_TOOL / "templates", _TOOL.parent.parent / "templates"):
        if (folder / "runtime").is_dir():
            return folder
    raise InstallationError("the templates are missing from this installation", hint="reinstall ctrlgen")


def runtime_sources() -> dict[str, str]:
    """Return the sources of the runtime, by path relative to the output folder."""
    folder = templates_folder()
    files = sorted((folder / "runtime").glob("*.py"))
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8") for file in files}
