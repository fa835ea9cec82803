"""Counts instructions with valgrind's callgrind. The count is the same on a busy machine as on an idle one."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from .environment import Environment


def is_available() -> bool:
    """True if valgrind is installed."""
    return shutil.which("valgrind") is not None


def instructions(
    environment: Environment, module: str, kind: str, hash_seed: int, counts: tuple[int, int]
) -> dict[Any, float]:
    """Instructions for one request or one call, by what was counted and by contestant; `module` has the work.

    Each contestant does it `counts[0]` times in one process and `counts[1]` times in another. The difference contains
    nothing else that these processes do.
    """
    with tempfile.TemporaryDirectory() as folder:
        runs = environment.run(
            module,
            kind,
            *counts,
            prefix=("valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={folder}/%p"),
            variables={"PYTHONHASHSEED": str(hash_seed)},
        )
        totals: dict[Any, dict[int, int]] = {}
        for run in runs:
            total = _total(Path(folder, str(run["pid"])))
            totals.setdefault((run["what"], run["name"]), {})[run["count"]] = total
    fewer, more = counts
    return {key: (total[more] - total[fewer]) / (more - fewer) for key, total in totals.items()}


def _total(path: Path) -> int:
    found = re.search(r"^(?:summary|totals): (\d+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"callgrind left no total in {path.name}")
    return int(found[1])
