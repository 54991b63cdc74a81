"""What the files of the stubs are called: so that they meet no other test files, which pytest wants apart."""

from __future__ import annotations

from ctrlgen.package import Controller

FACTORIES = "controller_factories"
PLANS = "query_plans"
HELPERS = (FACTORIES, PLANS)


def test_file(controller: Controller) -> str:
    """Return the name of a controller's test module."""
    return f"test_{controller.module}_controller.py"
