"""The pre-commit hooks, run by the real pre-commit through a commit that changes a model."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import Run

pytestmark = pytest.mark.usefixtures("real_processes")

CONFIG = """\
repos:
  - repo: {tool}
    rev: {revision}
    hooks:
      - id: {hook}
"""


@pytest.fixture
def hooks(project: Path, tmp_path: Path, run: Run) -> Path:
    """A git repository that offers this tree's hooks, as pre-commit fetches them."""
    folder = tmp_path / "tool"
    folder.mkdir()
    shutil.copy(project / ".pre-commit-hooks.yaml", folder)
    commit_all(folder, run, "Offer the hooks")
    return folder


@pytest.fixture
def repository(shop: Path, run: Run, tool: tuple[str, ...]) -> Path:
    """A user's repository whose controllers are generated and committed."""
    (shop / ".gitignore").write_text("__pycache__/\n")
    run(*tool, "generate", cwd=shop)
    commit_all(shop, run, "Add a shop")
    return shop


def commit_all(folder: Path, run: Run, message: str) -> None:
    if not (folder / ".git").exists():
        run("git", "init", "--quiet", cwd=folder)
        run("git", "config", "user.email", "shop@example.com", cwd=folder)
        run("git", "config", "user.name", "Shop", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--message", message, cwd=folder)


def install_hook(hook: str, repository: Path, hooks: Path, tmp_path: Path, run: Run) -> dict[str, str]:
    """Install one hook into the repository's commits; return the environment that git needs to run it."""
    revision = run("git", "rev-parse", "HEAD", cwd=hooks).stdout.strip()
    config = CONFIG.format(tool=hooks, revision=revision, hook=hook)
    (repository / ".pre-commit-config.yaml").write_text(config)
    environment = {
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    run(sys.executable, "-m", "pre_commit", "install", cwd=repository, **environment)
    return environment


def add_a_column(repository: Path, run: Run) -> None:
    models = repository / "shop.py"
    models.write_text(
        models.read_text().replace("    total: int", "    paid: bool = Field(index=True)\n    total: int")
    )
    run("git", "add", "--all", cwd=repository)


def test_generate_hook_stops_the_commit_once_then_lets_the_regenerated_package_in(
    repository: Path, hooks: Path, tmp_path: Path, run: Run
) -> None:
    environment = install_hook("ctrlgen", repository, hooks, tmp_path, run)
    add_a_column(repository, run)

    stopped = run("git", "commit", "-m", "Orders are paid", cwd=repository, code=1, **environment)
    assert "files were modified by this hook" in stopped.stdout + stopped.stderr
    assert "find_by_paid" in (repository / "db/order.py").read_text()

    run("git", "add", "--all", cwd=repository)
    run("git", "commit", "-m", "Orders are paid", cwd=repository, **environment)
    assert run("git", "status", "--porcelain", cwd=repository).stdout == ""


def test_check_hook_refuses_a_stale_package_and_shows_the_diff(
    repository: Path, hooks: Path, tmp_path: Path, run: Run, tool: tuple[str, ...]
) -> None:
    environment = install_hook("ctrlgen-check", repository, hooks, tmp_path, run)
    add_a_column(repository, run)

    refused = run("git", "commit", "-m", "Orders are paid", cwd=repository, code=1, **environment)
    assert "+    def find_by_paid" in refused.stdout + refused.stderr
    assert "find_by_paid" not in (repository / "db/order.py").read_text()

    run(*tool, "generate", cwd=repository)
    run("git", "add", "--all", cwd=repository)
    run("git", "commit", "-m", "Orders are paid", cwd=repository, **environment)


def test_lint_hook_refuses_a_condition_that_python_evaluates(
    repository: Path, hooks: Path, tmp_path: Path, run: Run
) -> None:
    environment = install_hook("ctrlgen-lint", repository, hooks, tmp_path, run)
    source = "from sqlmodel import select\n\nfrom shop import Order\n\nfree = select(Order).where({})\n"
    (repository / "queries.py").write_text(source.format("not Order.total"))
    run("git", "add", "--all", cwd=repository)

    refused = run("git", "commit", "-m", "Free orders", cwd=repository, code=1, **environment)
    assert "queries.py:5:28: CGL301" in refused.stdout + refused.stderr

    (repository / "queries.py").write_text(source.format("~Order.total"))
    run("git", "add", "--all", cwd=repository)
    run("git", "commit", "-m", "Free orders", cwd=repository, **environment)
