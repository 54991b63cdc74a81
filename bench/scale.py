"""``python -m bench.scale`` measures ctrlgen with 100, 500 and 1000 models, relative to importing them.

Three runs are measured: a *cold* run, which writes the package without any cache; a run after *one model changed*; and
a run in which *nothing* changed, which is answered from the record of the previous run. The unit is a process that
imports the same models and configures their mappers. Each figure is the best of several runs, because other work on the
machine can only add time. Wall time and CPU time include all processes. The last table shows where the time of the cold
run goes.

The benchmark also measures how much longer an application takes to import the models together with the package.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

HEAD = '''"""Things."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Field, SQLModel
'''
MODEL = '''

class Thing{n}(SQLModel, table=True):
    """Thing {n}."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True, max_length=20)
    owner_id: int = Field(index=True)
    name: str
    points: int = 0
    active: bool = True
    price: Decimal = Field(default=Decimal(0), max_digits=8, decimal_places=2)
    made_at: datetime
    note: str | None = None
    weight: float = 1.0
'''
PER_MODULE = 10  # models
SETTINGS = '[tool.ctrlgen]\nmodels = ["things"]\noutput = "generated"\n'
BARE = "import things.all; from sqlalchemy.orm import configure_mappers; configure_mappers()"
APPLICATION = "import things.all, sqlalchemy.ext.asyncio"
STEPS = """
import json, sys, time
begin = time.perf_counter()
from ctrlgen import child_start
child_start.warm_up()
from ctrlgen import child, format, pipeline, plan, render, settings, write
spent = {}

def timed(module, name, step):
    function = getattr(module, name)

    def call(*arguments, **options):
        start = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent[step] = spent.get(step, 0) + time.perf_counter() - start

    setattr(module, name, call)

timed(child.Child, "schema", "wait for the models")
timed(plan, "plan", "plan")
timed(render, "render", "render")
timed(format, "format_or_recall", "format, with ruff")
timed(pipeline, "compare_with_disk", "compare")
timed(pipeline, "write", "write")
config = settings.read_config(settings.Path(), settings.Settings())
generation = pipeline.generate(config)
pipeline.write(pipeline.compare_with_disk(generation, config), config)
print(json.dumps(spent | {"all of it": time.perf_counter() - begin}))
"""


@dataclass(frozen=True)
class Cost:
    """The time of a run, in seconds."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Figures:
    """The measurements with a number of models."""

    models: int
    bare: Cost
    cold: Cost
    changed: Cost
    unchanged: Cost
    application: Cost
    with_package: Cost
    steps: dict[str, float]


class Project:
    """A project with models in modules of ten, and no generated package yet."""

    def __init__(self, folder: Path, models: int) -> None:
        self.folder = folder
        self.names = [f"part{start}" for start in range(0, models, PER_MODULE)]
        (folder / "things").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(SETTINGS)
        (folder / "things/__init__.py").touch()
        (folder / "things/all.py").write_text("".join(f"import things.{name}\n" for name in self.names))
        for start, name in zip(range(0, models, PER_MODULE), self.names, strict=True):
            parts = (MODEL.format(n=n) for n in range(start, min(start + PER_MODULE, models)))
            (folder / f"things/{name}.py").write_text(HEAD + "".join(parts))

    def python(self, *arguments: str) -> str:
        """Run Python in the project, with byte code files as in any application, and return its output."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def forget(self) -> None:
        """Delete the generated package and the cache."""
        shutil.rmtree(self.folder / "generated", ignore_errors=True)
        shutil.rmtree(self.folder / ".ctrlgen_cache", ignore_errors=True)

    def change(self) -> None:
        """Add a column to the first model, or remove it again."""
        file = self.folder / f"things/{self.names[0]}.py"
        column = "    extra: int = 0\n"
        first, second, rest = file.read_text().partition("    name: str\n")
        file.write_text((first.removesuffix(column) if first.endswith(column) else first + column) + second + rest)


def best(rounds: int, run: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> Cost:
    """Return the least time that ``run`` takes in several rounds."""
    costs: list[Cost] = []
    for _ in range(rounds):
        prepare()
        wall, cpu = time.perf_counter(), _children()
        run()
        costs.append(Cost(time.perf_counter() - wall, _children() - cpu))
    return Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs))


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def measure(models: int, rounds: int) -> Figures:
    """Measure all runs with a number of models."""
    with tempfile.TemporaryDirectory() as name:
        project = Project(Path(name), models)
        project.python("-m", "ctrlgen", "generate", "-q")

        def generate() -> None:
            project.python("-m", "ctrlgen", "generate", "-q")

        project.forget()
        steps = json.loads(project.python("-c", STEPS))
        bare = best(rounds, lambda: project.python("-c", BARE))
        cold = best(rounds, generate, project.forget)
        changed = best(rounds, generate, project.change)
        generate()
        return Figures(
            models,
            bare,
            cold,
            changed,
            best(rounds, lambda: project.python("-m", "ctrlgen", "check", "-q")),
            best(rounds, lambda: project.python("-c", APPLICATION)),
            best(rounds, lambda: project.python("-c", f"{APPLICATION}, generated")),
            steps,
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--models", default="100,500,1000", help="numbers of models (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run (%(default)s)")
    options = parser.parse_args(arguments)
    figures = [measure(int(models), options.rounds) for models in options.models.split(",")]
    console = Console(width=120)
    for kind in ("wall", "cpu"):
        console.print(_ratios(figures, kind))
    console.print(_steps(figures))


def _ratios(figures: Sequence[Figures], kind: str) -> Table:
    table = Table(title=f"{'wall' if kind == 'wall' else 'CPU'} time in seconds, and as a ratio to the bare import")
    for column in ("models", "bare import", "cold", "one changed", "nothing changed", "import with the package"):
        table.add_column(column, justify="right")
    for each in figures:
        bare, cold, changed, unchanged, application, whole = (
            getattr(cost, kind)
            for cost in (each.bare, each.cold, each.changed, each.unchanged, each.application, each.with_package)
        )
        cells = [f"{bare:.2f}", *(f"{cost:.2f}  {cost / bare:.2f} x" for cost in (cold, changed))]
        table.add_row(str(each.models), *cells, f"{unchanged:.3f}", f"{whole:.2f}  {whole / application:.2f} x")
    return table


def _steps(figures: Sequence[Figures]) -> Table:
    table = Table(title="where the wall time of a cold run goes, in seconds")
    table.add_column("models", justify="right")
    for step in figures[0].steps:
        table.add_column(step, justify="right")
    for each in figures:
        table.add_row(str(each.models), *(f"{seconds:.2f}" for seconds in each.steps.values()))
    return table


if __name__ == "__main__":
    main()
