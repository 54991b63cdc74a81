"""Finds a browser of the system: nothing is downloaded."""

from __future__ import annotations

import shutil

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def installed_browser() -> str | None:
    """Return the path of the first installed browser."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)
