"""An environment for what takes long: a copy of the checkout and what it needs, in a temporary directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).parents[1]


class Environment:
    """A virtual environment and, beside it, a copy of the checkout: the checkout itself stays as it is.

    Attributes:
        folder: The copy.
    """

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self._python = python

    def run(self, *arguments: str, limit: float, output: IO[bytes] | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run this Python in the copy, for at most `limit` seconds, and have it print to `output` where that is given.

        Raises:
            subprocess.TimeoutExpired: it took longer.
        """
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        command = [str(self._python), *arguments]
        return subprocess.run(command, cwd=self.folder, env=kept, timeout=limit, check=False, stdout=output)


@contextmanager
def own_environment(extra: str = "", requirements: Sequence[str] = ()) -> Iterator[Environment]:
    """The checkout, not installed, with the requirements of its `extra` and more; removed in the end."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "checkout"
        folder.mkdir()
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for name in ("oauth_cc_auth", "tests", "docs"):
            shutil.copytree(CHECKOUT / name, folder / name, ignore=ignore)
        for name in ("LICENSE", "README.md", "pyproject.toml", "setup.cfg"):
            shutil.copy(CHECKOUT / name, folder)
        venv = Path(temporary) / "venv"
        print("making an environment", flush=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
        pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
        ours = f"{folder}[{extra}]" if extra else str(folder)
        subprocess.run([*pip, "install", "--quiet", ours, *requirements], check=True)
        # What is to be run is the copy in the current folder, and nothing else.
        subprocess.run([*pip, "uninstall", "--quiet", "--yes", "oauth_cc_auth"], check=True)
        yield Environment(folder, python)
