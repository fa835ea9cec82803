"""CPU times if there is no valgrind. All contestants take turns. Prints ratios to the floor."""

from __future__ import annotations

import json
import sys
import time
from statistics import median

from .cost_work import all_work
from .counted import Work
from .kinds import FLOOR

REQUESTS = 200  # per round


def _seconds(work: Work) -> float:
    started = time.process_time()
    work(REQUESTS)
    return time.process_time() - started


def main(kind: str, rounds: int) -> None:
    """Print the median ratio of each contestant."""
    works = {name: work for name, what, work in all_work(kind) if what == "request"}
    ratios: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        taken = {name: _seconds(work) for name, work in works.items()}
        for name, seconds in taken.items():
            ratios[name].append(seconds / taken[FLOOR])
    print(json.dumps({name: median(values) for name, values in ratios.items()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
