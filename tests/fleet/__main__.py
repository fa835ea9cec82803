"""`python3 -m tests.fleet`: simulates a day of a fleet, prints a Markdown page and writes it to docs/fleet.md."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from tests.fleet.day import shared_days, simulate
from tests.fleet.report import report

PAGE = Path(__file__).parents[2] / "docs" / "fleet.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m tests.fleet", description=__doc__)
    parser.add_argument("--processes", type=int, default=10_000, help="how many (10000; only then it writes the page)")
    parser.add_argument("--requests-a-minute", type=float, default=4.0, help="API requests of each process (4)")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (1)")
    options = parser.parse_args()
    logging.getLogger("oauth_cc_auth").setLevel(logging.CRITICAL)  # otherwise it logs a WARNING for each failed renewal
    settings = {"requests_a_minute": options.requests_a_minute, "seed": options.seed}
    figures, shared = simulate(options.processes, **settings), shared_days(options.processes, **settings)
    page = report(figures, shared, requests_a_minute=options.requests_a_minute)
    print(page, end="")
    if vars(options) == vars(parser.parse_args([])):
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
