"""A virtual environment with this checkout, the client libraries and the peers, in which everything is measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
PEERS = ("Authlib", "requests-oauthlib", "httpx-auth", "requests-auth", "requests_oauth2client")
LIBRARIES = ("requests", "httpx", "httpx2")
CHILD_LIMIT = 1800  # seconds, for the longest measurement


class Environment:
    """Made in `folder`, and used again where it is there already; the checkout stays as it is."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._say = say
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = folder / "venv" / scripts / "python"

    def prepare(self) -> None:
        """Install everything; what is installed already only the checkout is replaced in."""
        if not self.python.exists():
            self._say("making a virtual environment")
            subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        self._say(f"installing {', '.join((*LIBRARIES, *PEERS))}")
        self._pip(*LIBRARIES, *PEERS)
        self._say("installing this checkout")
        self._pip("--force-reinstall", "--no-deps", str(self._copy_of_the_checkout()))
        self._copy(CHECKOUT / "tests" / "benchmarks", self.folder / "tests" / "benchmarks")
        (self.folder / "tests" / "__init__.py").touch()

    def _pip(self, *arguments: str) -> None:
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *arguments]
        subprocess.run(command, check=True, stdout=sys.stderr)

    def _copy_of_the_checkout(self) -> Path:
        """Building in the checkout would leave its traces there."""
        copy = self.folder / "checkout"
        self._copy(CHECKOUT / "oauth_cc_auth", copy / "oauth_cc_auth")
        for name in ("LICENSE", "README.md", "pyproject.toml", "setup.cfg"):
            shutil.copy(CHECKOUT / name, copy)
        return copy

    def _copy(self, source: Path, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))

    def run(
        self, module: str, *arguments: object, prefix: Sequence[str] = (), variables: dict[str, str] | None = None
    ) -> Any:
        """What a module of this package prints as its last line, from JSON.

        Raises:
            RuntimeError: it failed; the message has what it said.
        """
        command = [*prefix, str(self.python), "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
        return self._outcome(command, variables or {})

    def run_code(self, code: str, *arguments: object) -> Any:
        """`run` for a few lines of code in an interpreter that has imported nothing."""
        return self._outcome([str(self.python), "-c", code, *map(str, arguments)], {})

    def _outcome(self, command: Sequence[str], variables: dict[str, str]) -> Any:
        result = subprocess.run(
            command,
            cwd=self.folder,
            env={**self._variables(), **variables},
            capture_output=True,
            text=True,
            timeout=CHILD_LIMIT,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
        return json.loads(result.stdout.splitlines()[-1])

    def _variables(self) -> dict[str, str]:
        """Without proxies and with an empty home: nothing of the person's is to be counted or sent anywhere."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"):
            kept.pop(name, None)
        return {**kept, "HOME": str(self.folder), "PYTHONHASHSEED": "1"}

    def versions(self) -> dict[str, str]:
        """Version by distribution, and that of Python."""
        code = (
            "import json, os, platform, sys, importlib.metadata as m; "
            "print(json.dumps({'Python': f'{platform.python_version()} on {platform.system()} with {os.cpu_count()} "
            "cores', **{n: m.version(n) for n in sys.argv[1:]}}))"
        )
        versions: dict[str, str] = self.run_code(code, *LIBRARIES, *PEERS)
        return versions
