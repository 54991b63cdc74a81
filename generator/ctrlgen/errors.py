"""What can go wrong for a user, one class each; the command line prints them and never a traceback."""

from __future__ import annotations

from dataclasses import dataclass

from ctrlgen.schema import Location


@dataclass(eq=False)
class CtrlgenError(Exception):
    """A mistake a user can mend.

    Parameters
    ----------
    message
        What is wrong, one sentence.
    location
        Where, when it is in a file of theirs.
    hint
        What to do about it.
    source
        The line of theirs that is meant, as it stands in the file.
    """

    message: str
    location: Location | None = None
    hint: str | None = None
    source: str | None = None

    def __reduce__(self) -> tuple[type[CtrlgenError], tuple[str, Location | None, str | None, str | None]]:
        """Pickle by fields: the loading process hands its errors to the one that prints them."""
        return type(self), (self.message, self.location, self.hint, self.source)

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.message}"


class ConfigError(CtrlgenError):
    """The configuration or a flag is not usable."""


class LoadError(CtrlgenError):
    """A module of models can not be imported, or holds no table model."""


class ModelError(CtrlgenError):
    """A model is declared so that nothing can be generated from it."""


class NameClashError(CtrlgenError):
    """Two models want one name, or a model wants a name of the facade."""


class OutputError(CtrlgenError):
    """The output folder holds something that must not be overwritten."""


class FormatError(CtrlgenError):
    """Ruff is missing or refused the emitted code."""
