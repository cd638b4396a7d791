"""`python -m gpmirror`."""

from gpmirror.cli.main import run

if __name__ == "__main__":
    run()
