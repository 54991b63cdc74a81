"""ctrlgen: emits typed async controllers for SQLModel models.

The pipeline is ``load -> inspect -> plan -> render -> format -> write``, one package or module for each step.
``pipeline`` runs it, ``cli`` is the command line, and ``python_api`` the function ``generate``. The first two steps run
in the child process (``child``). ``schema`` is the output of ``inspect``, ``blueprint`` the output of ``plan``.
``stubs`` generates the test stubs.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing takes long enough for a Ctrl-C, before `main` handles it
if TYPE_CHECKING:
    from ctrlgen.python_api import Finding as Finding
    from ctrlgen.python_api import Result as Result
    from ctrlgen.python_api import generate as generate
else:

    def __getattr__(name: str) -> object:
        """Import public names when they are first used, so that the command starts faster."""
        if name not in {"Finding", "Result", "generate"}:
            raise AttributeError(f"module 'ctrlgen' has no attribute {name!r}")
        from ctrlgen import python_api

        return getattr(python_api, name)


__all__ = ["Finding", "Result", "generate"]
