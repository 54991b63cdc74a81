"""``python -m ctrlgen``, and ``ctrlgen``, is the command."""

import sys
from typing import NoReturn

_READ_MODELS = ("generate", "check", "diff")


def main() -> None:
    """Run the command, while the process that reads the models gets ready, if it is one that needs it."""
    from ctrlgen.interruption import end_in_order  # first of all: from here on Ctrl-C ends the process in order

    end_in_order()
    from ctrlgen.record import looks_unchanged

    reads_models = sys.argv[1:2] and sys.argv[1] in _READ_MODELS and not {"-h", "--help"} & {*sys.argv}
    if not reads_models or looks_unchanged(sys.argv[2:]):
        _run()
    from ctrlgen.child_start import cool_down, warm_up

    warm_up()
    try:
        _run()
    finally:
        cool_down()


def _run() -> NoReturn:
    from ctrlgen.cli import main as run  # its libraries are imported while the child imports its own

    run()


if __name__ == "__main__":
    main()
