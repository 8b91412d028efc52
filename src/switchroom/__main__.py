"""Run the command line as ``python -m switchroom``."""

from switchroom.cli.main import entry

if __name__ == "__main__":
    entry()
