"""A virtual environment with this checkout, the client libraries and the peers, for all measurements."""

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
    """Makes an environment in `folder`, or uses the one that is there. It does not change the checkout."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._say = say
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = folder / "venv" / scripts / "python"

    def prepare(self) -> None:
        """Install everything. If the environment exists, replace only the checkout in it."""
        if not self.python.exists():
            self._say("making a virtual environment")
            subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        self._say(f"installing {', '.join((*LIBRARIES, *PEERS))}")
        self._pip(*LIBRARIES, *PEERS, "trustme", "PyJWT[crypto]")
        self._say("installing this checkout")
        self._pip("--force-reinstall", "--no-deps", str(self._copy_of_the_checkout()))
        self._copy(CHECKOUT / "tests" / "benchmarks", self.folder / "tests" / "benchmarks")
        (self.folder / "tests" / "__init__.py").touch()

    def install(self, *distributions: str) -> None:
        """Install what few measurements need."""
        self._pip(*distributions)

    def _pip(self, *arguments: str) -> None:
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *arguments]
        subprocess.run(command, check=True, stdout=sys.stderr)

    def _copy_of_the_checkout(self) -> Path:
        """A copy, because a build leaves files behind."""
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
        """Run a module of this package. Returns the last line that it prints, decoded from JSON.

        Raises:
            RuntimeError: the module failed; the message contains its output.
        """
        command = [*prefix, str(self.python), "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
        return self._outcome(command, variables or {})

    def run_code(self, code: str, *arguments: object) -> Any:
        """Like `run`, for a few lines of code in an interpreter that has imported nothing."""
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
        """No proxies and an empty home directory, so that nothing of the person's is counted or sent."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"):
            kept.pop(name, None)
        return {**kept, "HOME": str(self.folder), "PYTHONHASHSEED": "1"}

    def versions(self) -> dict[str, str]:
        """The version of Python and of each distribution."""
        code = (
            "import json, os, platform, sys, importlib.metadata as m; "
            "print(json.dumps({'Python': f'{platform.python_version()} on {platform.system()} with {os.cpu_count()} "
            "cores', **{n: m.version(n) for n in sys.argv[1:]}}))"
        )
        versions: dict[str, str] = self.run_code(code, *LIBRARIES, *PEERS)
        return versions
