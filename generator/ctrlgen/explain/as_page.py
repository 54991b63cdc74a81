"""Writes an explanation as one page that needs neither network nor server: the explorer.

The page holds the same data as ``--format json``; the scripts of ``templates/explorer`` draw it. Its policy lets
nothing run but those scripts, by their hashes, and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json

from ctrlgen.explain.as_json import as_data
from ctrlgen.explain.explanation import Explanation
from ctrlgen.render.templates import render_template, template_text

_FOLDER = "explorer"
_SCRIPTS = (
    "vendor/dagre.min.js",
    "vendor/panzoom.min.js",
    "elements.js",
    "schema.js",
    "layout.js",
    "diagram.js",
    "details.js",
    "search.js",
    "explorer.js",
)
"""In the order in which they need each other."""


def as_page(explanation: Explanation, package: str) -> str:
    """Return the page; the same models give the same bytes.

    Parameters
    ----------
    package
        The import name of the generated package, for the title.
    """
    scripts, style = [_script(name) for name in _SCRIPTS], template_text(f"{_FOLDER}/explorer.css")
    missing = (index for model in explanation.models for index in model.missing_indexes)
    return render_template(
        f"{_FOLDER}/page.html.jinja",
        package=package,
        table_count=len(explanation.models),
        unindexed_count=sum(index.is_foreign_key for index in missing),
        style=style,
        style_hash=_hash(style),
        scripts=scripts,
        script_hashes=[_hash(script) for script in scripts],
        data=_data(explanation),
    )


def _script(name: str) -> str:
    """Return a script without the comment that tells debuggers where to fetch its source map."""
    lines = template_text(f"{_FOLDER}/{name}").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//# sourceMappingURL="))


def _hash(text: str) -> str:
    """Return what the page's policy calls a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(explanation: Explanation) -> str:
    """Return the data as JSON in which nothing can end the element around it."""
    return json.dumps(as_data(explanation), separators=(",", ":")).replace("<", r"\u003c")
