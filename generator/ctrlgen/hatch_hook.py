"""A build hook for Hatch that fails if the controllers do not match the models.

A project enables it with ``[tool.hatch.build.hooks.ctrlgen]``. The entry point ``hatch`` of ctrlgen refers to this
module.
"""

from __future__ import annotations

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
        """Compare the controllers with the models before the build."""
        if version == "editable":  # an editable install, after which the models may change
            return
        from pathlib import Path

        from ctrlgen.errors import CtrlgenError
        from ctrlgen.python_api import generate
        from ctrlgen.staleness import stale_names

        try:
            result = generate(Path(self.root, str(self.config.get("project", "."))), dry_run=True)
        except CtrlgenError as error:
            self.app.abort(f"ctrlgen: {error}" + (f"\nhint: {error.hint}" if error.hint else ""))
            return
        if stale := stale_names(result.changes, result.config):
            names = ", ".join(stale)
            self.app.abort(f"ctrlgen: the controllers are stale; run `ctrlgen generate` and build again: {names}")


@hookimpl
def hatch_register_build_hook() -> type[StaleBuildHook]:
    """Register the hook with Hatch."""
    return StaleBuildHook
