"""`python3 -m tests.fuzz --seconds 300`: a coverage-guided search through every parser, by atheris (libFuzzer).

For people and for a long mode of the checks, not for the test run: atheris has wheels for Linux and for some versions
of Python only, so no extra names it. `pip install atheris` first. Every target gets its part of the time, in a process
of its own; an input that breaks one is printed, and kept under the name that is told.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.inputs import WORDS
from tests.fuzz.targets import TARGETS

_GRACE = 120  # seconds to start up, and for the input under way when time is up
_SLOWEST = 10  # seconds that one input may take


def main() -> int:
    """Fuzz; 0 where nothing was found, 1 where something was, 2 where the search cannot start."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.fuzz", description="Search every parser for broken promises."
    )
    parser.add_argument("--seconds", type=int, default=300, help="how long in all (default: %(default)s)")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one; may be repeated")
    given = parser.parse_args()
    if find_spec("atheris") is None:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    names = given.target or list(TARGETS)
    broken = [name for name in names if not _holds(name, max(1, given.seconds // len(names)))]
    print(f"broken: {', '.join(broken)}" if broken else f"{len(names)} targets hold")
    return 1 if broken else 0


def _holds(name: str, seconds: int) -> bool:
    """Fuzz one target. True where nothing was found."""
    found = Path(tempfile.gettempdir(), f"oauth_cc_auth-fuzz-{name}-")
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder, "corpus"), Path(folder, "dictionary")
        corpus.mkdir()
        for number, word in enumerate(WORDS):
            corpus.joinpath(str(number)).write_bytes(word)
        dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS), encoding="ascii")
        command = [sys.executable, "-m", "tests.fuzz.search", name, str(corpus), f"-dict={dictionary}"]
        command += [f"-max_total_time={seconds}", f"-timeout={_SLOWEST}", f"-artifact_prefix={found}", "-max_len=4096"]
        ended = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", timeout=seconds + _GRACE
        )
    lines = ended.stderr.splitlines()
    runs = next((line for line in reversed(lines) if line.startswith("Done ")), "")
    print(f"{name}: {runs or 'BROKEN'}", flush=True)
    if ended.returncode:
        print(ended.stdout, ended.stderr[-8000:], sep="\n")
    return ended.returncode == 0


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
