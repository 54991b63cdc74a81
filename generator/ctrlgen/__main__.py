"""``python -m ctrlgen`` is the command."""

from ctrlgen.cli import main

if __name__ == "__main__":
    main()
