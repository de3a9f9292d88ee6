"""Starts ministack with our corrections: run by the interpreter of the environment that holds it."""

import sys

from local import corrections


def main() -> None:
    """Apply every correction, then hand over to ministack's own entry point."""
    corrections.apply_all()
    sys.argv[1:] = []
    corrections.module("app").main()


if __name__ == "__main__":
    main()
