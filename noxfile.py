"""What a change is checked with. `nox --list` shows the sessions; CONTRIBUTING.md says when to run which.

    nox                              # `fast` and `lint`
    nox -s tests-3.12 -- tests/core  # one Python, one folder: what follows `--` is for pytest
    nox -R -s fast                   # without installing anything again

A session on a Python that is not there is skipped. `.ci/run` runs everything but `long`, from a clean checkout.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
FREE_THREADED = ("3.15t", "3.14t", "3.13t")  # newest first

# Unit tests of the parts that decide: no client library, no server.
FAST = (
    "tests/http",
    "tests/redact",
    "tests/settings",
    "tests/authentication",
    "tests/protocol",
    "tests/core",
    "tests/test_config.py",
    "tests/test_config_errors.py",
    "tests/test_errors.py",
    "tests/test_record.py",
    "tests/test_token.py",
)
SITE = "docs/_build/html"
DOCS = ("tests/docs", "tests/test_design.py")

# .ci/run names here the wheel that it has built, so that what is checked is what is shipped.
WHEEL = os.environ.get("TESTED_WHEEL")
# .ci/run measures coverage on one Python: with that, the tests take half as long again.
MEASURED = os.environ.get("MEASURED") != "no"

nox.needs_version = ">=2026.7.11"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["fast", "lint"]


@nox.session
def fast(session: nox.Session) -> None:
    """The pure part (HTTP, settings, protocol, core), in about ten seconds."""
    _install_with_tests(session)
    session.run("pytest", *_that_exist(session, FAST), *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, or those named after `--`, on each Python that is there; `coverage` shows what they reached."""
    _install_with_tests(session)
    if MEASURED:
        # As `coverage run`: a plugin of pytest would start after our own plugin was imported.
        session.run("coverage", "run", "-m", "pytest", *session.posargs, env=_coverage_file())
    else:
        session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """All tests, with the lowest versions of the client libraries that setup.cfg allows."""
    versions = _lowest_versions()
    if not versions:
        session.error("setup.cfg names no lowest versions")
    _install_with_tests(session, *versions)
    # Not measured: in 3.10, sys.settrace fails now and then if two threads start at once.
    session.run("pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """What `tests` reached, all its runs together: 100 %, branches included."""
    session.install("coverage[toml]")
    session.run("coverage", "combine", "--quiet", env=_coverage_file())
    session.run("coverage", "report", env=_coverage_file())


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format. `nox -s lint -- --fix` mends what it can."""
    session.install(*_group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def types(session: nox.Session) -> None:
    """Mypy and pyright over the source, and pyright over the types that the installed wheel shows."""
    session.install(f"{WHEEL or '.'}[test]", *_group("types"))
    quiet = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # else pyright asks the network for its newest version
    session.run("mypy", "--strict")
    session.run("pyright", env=quiet)
    with session.chdir(session.virtualenv.location):  # away from the source, so the installed package is judged
        session.run("pyright", "--verifytypes", "oauth_cc_auth", "--ignoreexternal", env=quiet)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the sdist, and the wheel from it, into dist/, and check both."""
    session.install(*_group("wheel"))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build")
    built = sorted(map(str, ROOT.glob("dist/*")))
    session.run("twine", "check", "--strict", *built)
    session.run("check-wheel-contents", *(name for name in built if name.endswith(".whl")))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into docs/_build, strictly, and check its links; run the examples of README and pages."""
    _install_with_tests(session, *_group("docs"))
    session.run("sphinx-build", "-q", "-E", "-n", "-W", "--keep-going", "docs", SITE)
    session.run("python", "-m", "tests.docs.site", SITE)
    session.run("pytest", *_that_exist(session, DOCS), *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Build and tag the release that HEAD is: version, changelog and title of the commit have to agree."""
    version = _version()
    wrong = []
    if _git(session, "status", "--porcelain"):
        wrong.append("there are changes that are not committed")
    if (title := _git(session, "log", "-1", "--format=%s")) != f"Version {version}":
        wrong.append(f"the title of the commit is {title!r}, not 'Version {version}'")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        wrong.append(f"CHANGELOG.md has no heading with {version} and a date")
    if _git(session, "tag", "--list", f"v{version}"):
        wrong.append(f"the tag v{version} exists")
    if wrong:
        session.error("no release: " + "; ".join(wrong))
    wheel(session)
    _git(session, "tag", "--annotate", f"v{version}", "--message", f"Version {version}")
    session.log(f"Tagged v{version}. Now: git push origin v{version}, and twine upload dist/*")


# niquests puts its own urllib3 in the place of the real one, for requests too.
# MCP's versions 1 and 2 are one package, and Airflow pins what others need.
PACKAGES = {
    "most": "tests/packages",
    "niquests": "tests/packages/test_niquests.py",
    "mcp-1": "tests/packages/test_mcp.py",
    "libraries": "tests/packages/test_libraries.py",
    "airflow": "tests/packages/test_libraries.py",
}


@nox.session
@nox.parametrize("part", list(PACKAGES), ids=list(PACKAGES))
def packages(session: nox.Session, part: str) -> None:
    """With the real packages that people put in between: caches, recorders, SDKs, task queues, servers."""
    _install_with_tests(session, *_group(f"packages-{part}"))
    session.run("pytest", PACKAGES[part], *session.posargs)


def _soak(session: nox.Session) -> None:
    session.run("python", "-m", "tests.soak", "--seconds", "180")


def _soak_free_threaded(session: nox.Session) -> None:
    """Most libraries have no wheels for these Pythons yet, so the soak runs alone: it needs few."""
    for version in FREE_THREADED:
        if python := shutil.which(f"python{version}"):
            # 0, because an extension that is not made for it would switch the GIL on again.
            no_gil = {"PYTHON_GIL": "0"}
            session.run(python, "-m", "tests.soak", "--seconds", "60", env=no_gil, external=True)
            return
    session.skip("there is no free-threaded Python")


def _interrupts(session: nox.Session) -> None:
    _install_with_tests(session)
    session.run("pytest", "tests/soak/test_interrupted_anywhere.py")


def _model(session: nox.Session) -> None:
    _install_with_tests(session)
    # Two of these tests run for minutes, which is no sign that they hang.
    more = {"OAUTH_CC_AUTH_MODEL_EXAMPLES": "10000"}
    session.run("pytest", "-o", "faulthandler_timeout=0", "tests/model", env=more)


def _fuzz(session: nox.Session) -> None:
    """On the newest Python that atheris has a wheel for."""
    no_atheris, not_there = 3, 127  # exit statuses: of tests.fuzz, and of a pyenv shim without its Python
    for version in reversed(PYTHONS):
        python = shutil.which(f"python{version}")
        if python is None:
            continue
        try:
            session.run(python, "-m", "tests.fuzz", "--seconds", "300", external=True)
        except CommandFailed as failure:
            if failure.return_code not in (no_atheris, not_there):
                raise
        else:
            return
    session.skip("atheris has no wheel for any Python that is there")


def _mutation(session: nox.Session) -> None:
    session.run("python", "-m", "tests.mutation")


LONG: dict[str, Callable[[nox.Session], None]] = {
    "soak": _soak,
    "soak-free-threaded": _soak_free_threaded,
    "interrupts": _interrupts,
    "model": _model,
    "fuzz": _fuzz,
    "mutation": _mutation,
}


@nox.session
@nox.parametrize("part", list(LONG), ids=list(LONG))
def long(session: nox.Session, part: str) -> None:
    """What takes more than an hour in all; `nox -s "long(soak)"` runs one part."""
    LONG[part](session)


def _install_with_tests(session: nox.Session, *more: str) -> None:
    """Install the package and what its tests need: the wheel if .ci/run names one, else the checkout itself."""
    package = [f"{WHEEL}[test]"] if WHEEL else ["-e", ".[test]"]
    session.install(*package, *more)


def _version() -> str:
    """The version that the package will have."""
    text = (ROOT / "oauth_cc_auth" / "_version.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(version)


def _git(session: nox.Session, *arguments: str) -> str:
    """What git prints."""
    return str(session.run("git", *arguments, external=True, silent=True)).strip()


def _coverage_file() -> dict[str, str]:
    """Where all runs keep their data; absolute, because child processes run in other folders."""
    return {"COVERAGE_FILE": os.environ.get("COVERAGE_FILE", str(ROOT / ".coverage"))}


def _group(name: str) -> tuple[str, ...]:
    """The requirements of one of the dependency groups in pyproject.toml; pip knows them only from 25.1 on."""
    return nox.project.dependency_groups(nox.project.load_toml(ROOT / "pyproject.toml"), name)


def _lowest_versions() -> list[str]:
    """`name==version` for each lowest version that an extra for users names."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = setup["options.extras_require"]
    needs = "\n".join(extras[name] for name in extras if name != "test").splitlines()
    found = (re.fullmatch(r"([\w.-]+)>=([\w.]+)(\s*;.*)?", line) for line in needs)
    return [f"{each[1]}=={each[2]}{each[3] or ''}" for each in found if each]


def _that_exist(session: nox.Session, paths: tuple[str, ...]) -> list[str]:
    """Those of `paths` that this checkout has."""
    found = [path for path in paths if (ROOT / path).exists()]
    if not found:  # without a path, pytest would run everything
        session.error(f"none of {', '.join(paths)} is there")
    return found
