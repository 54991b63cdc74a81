"""Runs the user's modules in a process of its own and finds the mapped classes and their places.

``pipeline`` calls :func:`load`; everything but ``process`` and ``reply`` runs in the child, whose main
program is ``worker``.
"""

from ctrlgen.load.process import Project, load

__all__ = ["Project", "load"]
