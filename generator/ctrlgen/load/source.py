"""Where things are declared: files, lines and the text of them.

Both the failures of loading and every location in the ``Schema`` come from here. Lines are taken from the
syntax trees of the sources, because a class does not know its own before Python 3.13.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ctrlgen.load.syntax import SourceFile
from ctrlgen.schema import Location

_OWN = Path(__file__).resolve().parent.parent
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_FOREIGN = frozenset({"abc", "builtins", "pydantic", "sqlmodel", "typing"})


class Sources:
    """The sources of one run, each file parsed once.

    Parameters
    ----------
    root
        The project's folder: locations are relative to it.
    package
        The import name of the generated package, which no model may need.
    """

    def __init__(self, root: Path, package: str = "") -> None:
        self.root = root.resolve()
        self.package = package
        self._files: dict[str | None, SourceFile] = {}

    def is_theirs(self, file: str) -> bool:
        """Whether ``file`` is the project's own: not a library, not ctrlgen, not ``<string>``."""
        path = Path(file)
        if not path.is_absolute():  # "<frozen importlib._bootstrap>" would count as in the working directory
            return False
        path = path.resolve()
        foreign = path.is_relative_to(_OWN) or not _INSTALLED.isdisjoint(path.parts)
        return path.is_relative_to(self.root) and not foreign

    def place(self, file: str, line: int) -> Location:
        """Return a location; a file outside the project is called as seen from where it is imported."""
        path = Path(file).resolve()
        roots = [self.root] if self.is_theirs(file) else _import_roots()
        inside = (path.relative_to(root) for root in roots if path.is_relative_to(root))
        return Location(next(inside, path).as_posix(), line)

    def of_class(self, cls: type) -> Location:
        """Return where ``cls`` is declared."""
        node = self._file(cls).classes.get(cls.__qualname__)
        return self._location(cls, node.lineno if node else 1)

    def of_attribute(self, cls: type, attribute: str) -> Location:
        """Return where ``attribute`` is declared, be it in a base class; else the class's own place."""
        for base in _declaring(cls):
            line = self._file(base).attribute_line(base.__qualname__, attribute)
            if line is not None:
                return self._location(base, line)
        return self.of_class(cls)

    def of_index(self, cls: type, name: str | None, columns: Sequence[str], attribute: str) -> Location:
        """Return where an index or constraint is declared.

        By preference: the call that has its name, the call that has its columns, else ``attribute``.
        """
        for base in _declaring(cls):
            file = self._file(base)
            line = file.named_calls.get(name or "") or file.call_line(base.__qualname__, columns)
            if line is not None:
                return self._location(base, line)
        return self.of_attribute(cls, attribute)

    def type_checking_imports(self, cls: type) -> list[str]:
        """Return the imports that the module of ``cls`` makes for type checkers only, as statements."""
        return self._file(cls).type_checking_imports

    def has_text_annotations(self, cls: type) -> bool:
        """Return whether the module of ``cls`` begins with ``from __future__ import annotations``."""
        return self._file(cls).has_text_annotations

    def text(self, location: Location) -> str | None:
        """Return the line as it stands in a file of the project, without the blanks around it."""
        return linecache.getline(str(self.root / location.file), location.line).strip() or None

    def _location(self, cls: type, line: int) -> Location:
        file = _path(cls)
        return self.place(file, line) if file else Location(cls.__module__.replace(".", "/") + ".py", line)

    def _file(self, cls: type) -> SourceFile:
        path = _path(cls)
        if path not in self._files:
            self._files[path] = SourceFile(Path(path or "."))
        return self._files[path]


def _path(cls: type) -> str | None:
    path: object = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return path if isinstance(path, str) else None


def _declaring(cls: type) -> Iterator[type]:
    """Yield the class and those of its bases that someone wrote who uses SQLModel."""
    return (base for base in cls.__mro__ if base.__module__.partition(".")[0] not in _FOREIGN)


def _import_roots() -> list[Path]:
    """Return the folders that modules are imported from, the deepest first."""
    folders = {Path(entry).resolve() for entry in sys.path if entry}
    return sorted(folders, key=lambda folder: (-len(folder.parts), folder))
