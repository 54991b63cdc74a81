"""Parses well-formed options of a Typer command without Typer's own parser, which imports pydantic to convert values.

``cli`` uses it for the commands that are run all the time. The options are the ones that they declare for Typer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from typer.models import OptionInfo
from typer.utils import get_params_from_function

Command = Callable[..., None]


def plain_values(command: Command, arguments: Sequence[str]) -> dict[str, object] | None:
    """Return the values of the options by parameter; None if Typer must parse the arguments, and report mistakes.

    The options are flags, or have one value: ``--name value`` or ``--name=value``. Flags may have a callback.
    """
    options = _options(command)
    values: dict[str, object] = {}
    lists: dict[str, list[str]] = {}
    waiting = iter(arguments)
    for argument in waiting:
        flag, equals, text = argument.partition("=")
        if flag not in options:
            return None
        name, info, annotation = options[flag]
        if annotation is bool:
            if equals:
                return None
            values[name] = info.callback(True) if info.callback else True
            continue
        text = text if equals else next(waiting, "")
        if not text or text.startswith("-"):
            return None
        accepted = get_args(annotation)
        if list[str] in accepted:
            values[name] = lists.setdefault(name, [])
            lists[name].append(text)
        else:
            values[name] = Path(text) if Path in accepted else text
    return values


def _options(command: Command) -> dict[str, tuple[str, OptionInfo, object]]:
    """Return the parameter, declaration and type of each option."""
    options: dict[str, tuple[str, OptionInfo, object]] = {}
    for name, parameter in get_params_from_function(command).items():
        info: object = parameter.default
        if isinstance(info, OptionInfo):
            options |= dict.fromkeys(info.param_decls or (), (name, info, parameter.annotation))
    return options
