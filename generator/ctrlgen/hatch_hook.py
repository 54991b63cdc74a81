"""A build hook for Hatch that fails if the controllers do not match the models, and includes them in the build.

A project enables it with ``[tool.hatch.build.hooks.ctrlgen]``. The entry point ``hatch`` of ctrlgen refers to this
module.
"""

from __future__ import annotations

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl
from typing_extensions import override


class StaleBuildHook(BuildHookInterface[Any]):
    """Fails a build with stale controllers.

    The option ``project`` is the folder of the project, relative to the root.
    """

    PLUGIN_NAME = "ctrlgen"

    @override
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compare the controllers with the models before the build, and include them even if git ignores them."""
        if version == "editable":  # an editable install, after which the models may change
            return
        from pathlib import Path

        from ctrlgen.errors import CtrlgenError
        from ctrlgen.python_api import generate
        from ctrlgen.staleness import stale_names
        from ctrlgen.write import Changes

        try:
            result = generate(Path(self.root, str(self.config.get("project", "."))), dry_run=True)
        except CtrlgenError as error:
            self.app.abort(f"ctrlgen: {error}" + (f"\nhint: {error.hint}" if error.hint else ""))
            return
        output = result.config.output
        # Tests are not part of a build; a source distribution may lack them.
        changes = Changes(tuple(change for change in result.changes.files if change.file.is_relative_to(output)))
        if stale := stale_names(changes, result.config):
            names = ", ".join(stale)
            self.app.abort(f"ctrlgen: the controllers are stale; run `ctrlgen generate` and build again: {names}")
        # Hatch leaves out what git ignores, unless it is declared as an artifact.
        inside = Path(os.path.relpath(output, self.root)).as_posix()
        build_data["artifacts"] += [f"/{inside}/**/*.py", f"/{inside}/py.typed"]


@hookimpl
def hatch_register_build_hook() -> type[StaleBuildHook]:
    """Register the hook with Hatch."""
    return StaleBuildHook
