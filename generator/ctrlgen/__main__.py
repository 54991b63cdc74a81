"""``python -m ctrlgen``, and ``ctrlgen``, is the command."""

import sys

from ctrlgen.child_start import cool_down, warm_up

_READ_MODELS = ("generate", "check", "diff", "explain", "watch")


def main() -> None:
    """Run the command, while the process that reads the models gets ready, if it is one that needs it."""
    if sys.argv[1:2] and sys.argv[1] in _READ_MODELS and not {"-h", "--help"} & {*sys.argv}:
        warm_up()
    from ctrlgen.cli import main as run  # its libraries are imported meanwhile

    try:
        run()
    finally:
        cool_down()


if __name__ == "__main__":
    main()
