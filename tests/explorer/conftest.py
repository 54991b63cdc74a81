"""Pages of three projects, and a real browser that opens them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.cli.conftest import MODELS, SETTINGS, Project

from .browsers import BROWSERS, installed_browser
from .schemas import ODD, many_tables

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@dataclass(frozen=True)
class Explorer:
    """A page on disk, with the output of `--format json` for the same models."""

    project: Project
    file: Path

    @cached_property
    def data(self) -> dict[str, Any]:
        done = self.project.run("explain", "--format", "json", "-q")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def model(self, name: str) -> dict[str, Any]:
        return next(model for model in self.data["models"] if model["name"] == name)


def explored(project: Project, file: Path) -> Explorer:
    done = project.run("explain", "--html", str(file), "-q")
    assert done.returncode == 0, done.stderr
    return Explorer(project, file)


def scratch(folder: Path, models: str) -> Project:
    project = Project(folder)
    project.write("pyproject.toml", SETTINGS)
    project.write("app/__init__.py", "")
    project.write("app/models.py", models)
    return project


@pytest.fixture(scope="session")
def reference(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """The page of the reference bot's models."""
    return explored(Project(project), tmp_path_factory.mktemp("reference") / "page.html")


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """The page of models with hostile names and every kind of connection."""
    project = scratch(tmp_path_factory.mktemp("odd"), ODD)
    return explored(project, project.root / "page.html")


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """The page of two hundred tables."""
    project = scratch(tmp_path_factory.mktemp("large"), many_tables(200))
    return explored(project, project.root / "page.html")


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """A project with one model."""
    return scratch(tmp_path, MODELS)


@dataclass
class Window:
    """A page in the browser, and its errors."""

    page: Page
    problems: list[str] = field(default_factory=list[str])

    async def panel(self) -> str:
        """The title of the panel, once the page has followed its address and the panel has opened."""
        await self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        await self.page.locator("#panel-title").wait_for()
        return await self.page.inner_text("#panel-title")

    async def shows(self, table: str) -> None:
        """Wait until the panel shows a table. Waiting for a function would need eval, which the page forbids."""
        await expect(self.page.locator("#panel")).to_have_attribute("data-shown", table)

    async def focused(self) -> dict[str, str]:
        """The element with the focus: its id, its label, the table that it stands for."""
        return await self.page.evaluate(
            "(({id, dataset, ariaLabel, textContent}) =>"
            " ({id, table: dataset.table ?? '', label: ariaLabel ?? textContent}))(document.activeElement)"
        )

    async def scale(self) -> float:
        return await self.page.evaluate("panzoom.getScale()")


Open = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """A headless Chromium, of the system: nothing is downloaded."""
    executable = installed_browser()
    if executable is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)} is on PATH (apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncGenerator[Open]:
    """Opens pages; fails if one logs anything, raises an error, or makes another request."""
    windows: list[Window] = []

    async def open_page(explorer: Explorer, address: str = "", **options: Any) -> Window:
        context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        window = Window(await context.new_page())
        windows.append(window)
        own = explorer.file.as_uri()
        window.page.on("console", lambda message: window.problems.append(f"{message.type}: {message.text}"))
        window.page.on("pageerror", lambda error: window.problems.append(str(error)))
        window.page.on(
            "request",
            lambda request: (
                window.problems.append(f"request: {request.url}")
                if request.url.partition("#")[0] != own and not request.url.startswith("data:")
                else None
            ),
        )
        await window.page.goto(own + address)
        await window.page.wait_for_selector("html[data-ready]")
        return window

    yield open_page
    for window in windows:
        await window.page.context.close()
        assert window.problems == []
