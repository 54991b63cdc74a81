"""What can go wrong for a user: one class for each mistake, and what all messages share.

The command line prints the message, the place and the hint, and never a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from ctrlgen.finding import Location


@dataclass(eq=False)
class CtrlgenError(Exception):
    """A mistake that the user can fix.

    Parameters
    ----------
    message
        What is wrong, one sentence.
    location
        Where it is, if that is in a file of theirs.
    hint
        What to do about it.
    source
        That line, as it stands in the file.
    others
        What else is wrong: all causes are shown, because the first one need not be the one to fix.
    import_chain
        The lines of the project that led to a failing import, outermost first; `--verbose` shows them.
    traceback
        Where it comes from in full; `--traceback` shows it.
    """

    message: str
    location: Location | None = None
    hint: str | None = None
    source: str | None = None
    others: tuple[CtrlgenError, ...] = ()
    import_chain: tuple[str, ...] = ()
    traceback: str = ""

    def __reduce__(self) -> tuple[type[CtrlgenError], tuple[object, ...]]:
        """Pickle by fields: the loading process hands its errors to the one that prints them."""
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}"


class ConfigError(CtrlgenError):
    """The configuration or a flag is not usable."""


class UsageError(CtrlgenError):
    """An argument of the command names something that does not exist."""


class LoadError(CtrlgenError):
    """A module of models cannot be imported, or holds no table model."""


class ModelError(CtrlgenError):
    """A model is declared so that nothing can be generated from it."""


class NameClashError(CtrlgenError):
    """Two models want the same name, or a model wants a name of the facade."""


class OutputError(CtrlgenError):
    """The output folder holds something that must not be overwritten."""


class FormatError(CtrlgenError):
    """Ruff is missing or refused the emitted code."""


_ADVERTISEMENT = re.compile(r"\s*(\(Background on this error at: .*\)|For further information visit .*)")


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the hint that names the known name closest to ``name``, if one is close."""
    close = closest(name, known)
    return f"did you mean `{close}`?" if close else None


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to ``name``, if one is close."""
    import difflib  # for mistakes alone

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def described(error: BaseException) -> str:
    """Return type and message, as on the last line of a traceback."""
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = _ADVERTISEMENT.sub("", message_of(error)).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def message_of(error: BaseException) -> str:
    """Return an exception's message; nothing where the exception is broken itself."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - their __str__ may raise anything
        return ""
