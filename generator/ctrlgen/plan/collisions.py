"""Refuses two models that want one name, and models that want a name of the package's own."""

from __future__ import annotations

from ctrlgen.errors import NameClashError
from ctrlgen.package import Controller
from ctrlgen.plan.naming import FACADE


def check_names(controllers: list[Controller]) -> None:
    """Raise ``NameClashError`` for the first clash, in the order of the models."""
    owners: dict[str, Controller] = {}
    for controller in controllers:
        _check_reserved(controller)
        other = owners.setdefault(controller.module, controller)
        if other is not controller:
            raise NameClashError(
                f"`{_path(controller)}` and `{_path(other)}` both want to be `db.{controller.module}`",
                location=controller.model.location,
                hint=f"the other is at {other.model.location}; {_renaming(controller)}",
            )


def _check_reserved(controller: Controller) -> None:
    if controller.module in FACADE:
        raise NameClashError(
            f"`{_path(controller)}` would be `db.{controller.module}`, which the database facade needs itself",
            location=controller.model.location,
            hint=_renaming(controller),
        )


def _renaming(controller: Controller) -> str:
    setting = f'"{_path(controller)}" = "Other{controller.stem}"'
    return f"give it another name in pyproject.toml:\n\n    [tool.ctrlgen.names]\n    {setting}"


def _path(controller: Controller) -> str:
    reference = controller.model.reference
    return f"{reference.module}.{reference.name}"
