"""`python -m gpmirror`."""

from gpmirror.cli.start import run

if __name__ == "__main__":
    run()
