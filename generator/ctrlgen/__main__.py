"""The entry point of ``ctrlgen`` and ``python -m ctrlgen``."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing takes longer than everything else before `main`
if TYPE_CHECKING:
    from types import TracebackType

_READ_MODELS = ("generate", "check", "diff", "explain", "watch")


def main() -> None:
    """Run the command. If it needs the models, start the child process first, so that both import in parallel."""
    sys.excepthook = _end_in_one_line
    from ctrlgen.interruption import end_in_order

    end_in_order()
    from ctrlgen.record import looks_unchanged

    reads_models = sys.argv[1:2] and sys.argv[1] in _READ_MODELS and not {"-h", "--help"} & {*sys.argv}
    if not reads_models or looks_unchanged(sys.argv[2:]):
        from ctrlgen.cli import main as run

        run()
    else:
        from ctrlgen.child_start import cool_down, warm_up

        warm_up()
        from ctrlgen.cli import main as run  # imports libraries while the child process imports its own

        try:
            run()
        finally:
            cool_down()


def _end_in_one_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print an uncaught exception; for Ctrl-C, before ``interruption`` handles it, only one line."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    os.write(2, b"error: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
