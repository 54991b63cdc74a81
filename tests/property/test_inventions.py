"""Random models that SQLAlchemy maps give a package that compiles, is stable, and agrees with naive queries."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from tests.conftest import NewDatabase
from tests.property.inventions import packages

PYPROJECT = '[tool.ctrlgen]\nmodels = ["invented"]\noutput = "generated"\ntests = "tests"\n'
EXAMPLES = int(os.environ.get("INVENTED_PACKAGES", "6"))
BIN = Path(sys.executable).parent


def run(folder: Path, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=120
    )


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="INVENTED_PACKAGES" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(source=packages())
def test_every_invented_package_works(new_database: NewDatabase, project: Path, source: str) -> None:
    with tempfile.TemporaryDirectory(prefix="invented-") as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "invented.py").write_text(source)
        loads = run(folder, sys.executable, "-c", "import invented, sqlalchemy.orm as o; o.configure_mappers()")
        assert loads.returncode == 0, f"{source}\n{loads.stderr}"
        done = run(folder, sys.executable, "-m", "ctrlgen", "generate", PYTHONHASHSEED="1")
        assert done.returncode == 0, f"{source}\n{done.stderr}"
        again = run(folder, sys.executable, "-m", "ctrlgen", "check", PYTHONHASHSEED="2")
        assert again.returncode == 0, f"{source}\n{again.stdout}"
        ruff = run(folder, BIN / "ruff", "check", "--isolated", "--select", "E4,E7,E9,F", "generated", "tests")
        assert ruff.returncode == 0, f"{source}\n{ruff.stdout}"
        asyncio.run(exercise(new_database, project, folder, source))


async def exercise(new_database: NewDatabase, project: Path, folder: Path, source: str) -> None:
    async with new_database() as url:
        script = project / "tests/property/exercise.py"
        done = await asyncio.to_thread(run, folder, sys.executable, script, url)
        assert done.returncode == 0, f"{source}\n{done.stdout}{done.stderr[-3000:]}"
