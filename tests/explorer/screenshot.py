"""Takes the picture of the explorer that the README shows; ``make screenshot`` runs it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.explorer.browsers import installed_browser

ADDRESS = "#/user/methods/get_by_discord_id"


async def take(page_file: Path, picture: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed_browser(), args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1600, "height": 900}, color_scheme="light")
        await page.goto(page_file.as_uri() + ADDRESS)
        await page.wait_for_selector("html[data-ready]")
        await page.select_option("#detail", "keys")
        await page.evaluate("fitDiagram(false); document.activeElement.blur()")
        await page.wait_for_timeout(1_000)  # until it has scrolled
        await page.screenshot(path=picture)
        await browser.close()


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "explorer.html")
        subprocess.run([sys.executable, "-m", "ctrlgen", "explain", "--html", file], cwd=root, check=True)
        asyncio.run(take(file, root / "docs/explorer.png"))


if __name__ == "__main__":
    main()
