"""ctrlgen: emits typed async controllers for SQLModel models.

The pipeline is ``load -> inspect -> plan -> render -> format -> write``, a package or module each; ``pipeline`` runs
it, ``cli`` is its command line, ``python_api`` the same as a function. The first two steps run in the process of
``child``. ``schema`` holds what ``inspect`` reads, ``blueprint`` what ``plan`` decides; ``stubs`` makes the tests of a
package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctrlgen.python_api import Finding as Finding
    from ctrlgen.python_api import Result as Result
    from ctrlgen.python_api import generate as generate
else:

    def __getattr__(name: str) -> object:
        """Import what is public when it is first used: the command starts without it."""
        if name not in {"Finding", "Result", "generate"}:
            raise AttributeError(f"module 'ctrlgen' has no attribute {name!r}")
        from ctrlgen import python_api

        return getattr(python_api, name)


__all__ = ["Finding", "Result", "generate"]
