"""The command: ``python3 -m tests.benchmarks``, from a checkout.

It prints progress on stderr and the report (Markdown) on stdout. With ``--docs`` it also writes report and plot into
files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from . import cost, dpop, first_token, imports, memory, renewal, store, throughput, tls
from .environment import Environment
from .report import Section, block, page

COMMAND = "python3 -m tests.benchmarks --docs docs"


class Measurement(Protocol):
    """The function `measure` of a module."""

    def __call__(self, environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]: ...


MEASUREMENTS: dict[str, Measurement] = {
    "cost": cost.measure,
    "dpop": dpop.measure,
    "import": imports.measure,
    "memory": memory.measure,
    "threads": throughput.measure_threads,
    "tasks": throughput.measure_tasks,
    "renewal": renewal.measure,
    "first-token": first_token.measure,
    "tls": tls.measure,
    "store": store.measure,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.benchmarks",
        description="Measure this checkout against the floor, an auth written by hand, and the peers.",
    )
    parser.add_argument("--only", metavar="NAMES", help=f"some of {','.join(MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="do a fraction of the work, for rough figures")
    parser.add_argument(
        "--docs",
        type=Path,
        metavar="FOLDER",
        help="write benchmarks.md and the plot there; keep the blocks of other measurements",
    )
    parser.add_argument(
        "--environment", type=Path, metavar="FOLDER", help="keep the environment there for the next run"
    )
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",") if arguments.only else list(MEASUREMENTS)
    unknown = sorted(set(arguments.only) - set(MEASUREMENTS))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; choose from {','.join(MEASUREMENTS)}")
    return arguments


def main() -> int:
    """Measure and print. Returns the exit status: 1 if a target was missed."""
    arguments = _arguments()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:5.0f} s] {text}", file=sys.stderr, flush=True)

    with ExitStack() as stack:
        folder = arguments.environment
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oauth_cc_auth-benchmarks-")))
        environment = Environment(folder.absolute(), say)
        environment.prepare()
        versions = environment.versions()
        blocks: dict[str, str] = {}
        everything: list[Section] = []
        for name in arguments.only:
            sections = MEASUREMENTS[name](environment, say, quick=arguments.quick)
            blocks[name] = block(sections, versions)
            everything += sections
            if arguments.docs is not None:  # at once: a later measurement may fail
                _write(arguments.docs, {name: blocks[name]}, sections)
    print(page(blocks, COMMAND))
    return 0 if all(target.reached for section in everything for target in section.targets) else 1


def _write(folder: Path, blocks: dict[str, str], sections: list[Section]) -> None:
    report = folder / "benchmarks.md"
    earlier = report.read_text(encoding="utf-8") if report.exists() else ""
    report.write_text(page(blocks, COMMAND, earlier), encoding="utf-8")
    for section in sections:
        for name, text in section.files.items():
            (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
