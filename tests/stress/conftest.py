"""Fixtures of the stress tests."""

from __future__ import annotations

import os

import pytest

from tests.scenarios.conftest import db, reference_url, users

__all__ = ["db", "reference_url", "users"]


@pytest.fixture(scope="session")
def whole() -> bool:
    """Whether to run the tests in full, as `make stress` does."""
    return os.environ.get("STRESS") == "whole"
