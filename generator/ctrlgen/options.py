"""What a project may decide about its package beyond where things are; ``config`` reads them, ``plan`` heeds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctrlgen.schema import Model

CODES = frozenset(
    {
        *("CG101", "CG102", "CG103", "CG104", "CG105", "CG106", "CG107"),
        *("CG201", "CG202", "CG203", "CG204", "CG205", "CG206", "CG207", "CG208"),
        *("CG301", "CG302", "CG303", "CG304"),
    }
)
"""Every warning there is; the guide has a line for each."""

ForeignKeys = Literal["warn", "emit", "error"]


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of one project.

    ``names`` maps ``User`` or ``app.models.User`` to another class name, and ``User.get_by_id`` to another method
    name; ``skip_models`` and ``skip_methods`` call them so too. ``strip`` are suffixes that names of models lose.
    ``foreign_keys`` tells what a foreign key is worth that no index leads.
    """

    names: Mapping[str, str] = field(default_factory=dict[str, str])
    skip_models: tuple[str, ...] = ()
    skip_methods: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    create_suffix: str = "Create"
    update_suffix: str = "Update"
    silence: tuple[str, ...] = ()
    foreign_keys: ForeignKeys = "warn"

    def name(self, model: Model, method: str | None = None) -> str | None:
        """Return what a model or one of its methods is to be called, where that was said."""
        return next((self.names[key] for key in _keys(model, method) if key in self.names), None)

    def skips(self, model: Model, method: str | None = None) -> bool:
        """Whether a model or one of its methods is to be left out."""
        skipped = self.skip_methods if method else self.skip_models
        return any(key in skipped for key in _keys(model, method))


NO_CHOICES = Options()


def _keys(model: Model, method: str | None) -> list[str]:
    """Return how the configuration may call a model or a method, the most exact first."""
    suffix = f".{method}" if method else ""
    module, name = model.reference.module, model.reference.name
    return [f"{module}.{name}{suffix}", f"{name}{suffix}"]
