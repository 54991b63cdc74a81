"""Renders an explanation as the explorer: one HTML page that needs neither a network nor a server.

The page contains the same data as ``--format json``, drawn by the scripts of ``templates/explorer``. Its content
security policy allows only these scripts, by hash, and no requests.
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
"""The scripts, in the order of their dependencies."""


def as_page(explanation: Explanation, package: str) -> str:
    """Return the page. The same models give the same bytes.

    Parameters
    ----------
    package
        The import name of the generated package, shown in the title.
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
    """Return a script without its ``sourceMappingURL`` comment."""
    lines = template_text(f"{_FOLDER}/{name}").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//# sourceMappingURL="))


def _hash(text: str) -> str:
    """Return the source expression of a script or style for the content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(explanation: Explanation) -> str:
    """Return the data as JSON that cannot close the enclosing script element."""
    return json.dumps(as_data(explanation), separators=(",", ":")).replace("<", r"\u003c")
