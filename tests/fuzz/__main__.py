"""The command: `python3 -m tests.fuzz`, from a checkout. It makes its own environment in a temporary directory.

atheris (libFuzzer) searches every parser, guided by coverage. It has wheels only for some systems and versions of
Python, so it is in no extra. Each target gets an equal part of the time and its own process. An input that breaks one
is printed and kept in a file whose name is printed too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.inputs import WORDS
from tests.fuzz.targets import TARGETS
from tests.own_environment import own_environment

PYTHON = f"Python {sys.version.split()[0]}"
NO_ATHERIS = 3  # exit status: there is no atheris for this Python, so nothing was searched
_GRACE = 120  # seconds to start up and to finish the last input
_SLOWEST = 10  # seconds for one input


def main() -> int:
    """Fuzz. Returns 0 if nothing was found, 1 if something was, and 3 if atheris is not available."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.fuzz", description="Search every parser for broken promises."
    )
    parser.add_argument("--seconds", type=int, default=300, help="how long in total (default: %(default)s)")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one; you can repeat the option")
    parser.add_argument("--here", action="store_true", help="use the current environment and its atheris")
    given = parser.parse_args()
    names = given.target or list(TARGETS)
    if given.here:
        return _fuzz(names, given.seconds)
    with own_environment() as environment:
        # Only a wheel: its source needs a clang with libFuzzer.
        pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--only-binary=atheris", "atheris"]
        if environment.run(*pip, limit=_GRACE).returncode:
            print(f"nothing was searched: pip finds no wheel of atheris for {PYTHON}", file=sys.stderr)
            return NO_ATHERIS
        command = ["-m", "tests.fuzz", "--here", "--seconds", str(given.seconds)]
        command += [f"--target={name}" for name in names]
        return environment.run(*command, limit=given.seconds + _GRACE * len(names)).returncode


def _fuzz(names: list[str], seconds: int) -> int:
    if find_spec("atheris") is None:
        print("nothing was searched: atheris is not installed here; leave out --here to fetch it", file=sys.stderr)
        return NO_ATHERIS
    print(f"{PYTHON}, atheris {version('atheris')}", flush=True)
    broken = [name for name in names if not _holds(name, max(1, seconds // len(names)))]
    print(f"broken: {', '.join(broken)}" if broken else f"{len(names)} targets hold")
    return 1 if broken else 0


def _holds(name: str, seconds: int) -> bool:
    """Fuzz one target. True if nothing was found."""
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
