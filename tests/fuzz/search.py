"""One search by atheris: `python3 -m tests.fuzz.search TARGET [libFuzzer's arguments]`. `tests.fuzz` runs it.

With a file as an argument, it runs that input once.
"""

from __future__ import annotations

import sys
from importlib import import_module

import atheris


def main() -> None:
    """Never returns: libFuzzer ends the process, with an exit status other than 0 if it found something."""
    with atheris.instrument_imports(include=["oauth_cc_auth"]):
        targets = import_module("tests.fuzz.targets")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], targets.TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
