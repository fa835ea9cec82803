"""The command: ``python3 -m tests.mutation``, from a checkout. It makes what it needs in a temporary folder.

mutmut changes one thing in one function at a time, and runs the unit tests that reach it. There are groups of modules,
each with the tests that run against it: those of the adapters are slower than those of the core. A mutant that no test
notices is a survivor. ``survivors.txt`` beside this file lists the known survivors with the reason, by the lines that
they change, since mutmut's own numbers are others after each change of a function. The command prints a table, the
survivors that are missing in that file, and what should not be in it. It ends with 1 if there are any of these, or if
too few mutants were killed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from subprocess import TimeoutExpired
from typing import NamedTuple

from oauth_cc_auth._record import Record
from tests.own_environment import Environment, own_environment


class Group(Record):
    """Modules, and the tests that run against each mutant in them.

    Attributes:
        modules: Paths in oauth_cc_auth, without ".py".
        tests: Paths in tests, without ".py".
    """

    __slots__ = ("modules", "tests")

    def __init__(self, modules: tuple[str, ...], tests: tuple[str, ...]) -> None:
        self.modules = modules
        self.tests = tests


class Mutant(NamedTuple):
    """A change that mutmut makes.

    Attributes:
        place: The function, as mutmut names it.
        before, after: The lines that are changed, with single spaces between them.
    """

    place: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.place}\n- {self.before}\n+ {self.after}"


CORE = Group(
    modules=(
        *("_core/back_off", "_core/cache", "_core/failures", "_core/flight", "_core/flow", "_core/lease"),
        *("_core/refusals", "_core/renewal_rules", "_protocol/exchange", "_protocol/failure"),
    ),
    tests=(
        *("core/test_back_off", "core/test_cache", "core/test_drive", "core/test_family", "core/test_fetch"),
        *("core/test_flight", "core/test_flow", "core/test_flow_settings", "core/test_introduction"),
        *("core/test_lease", "core/test_refusals", "protocol/test_answer", "protocol/test_exchange"),
        *("protocol/test_exchange_described", "authentication/test_methods"),
    ),
)
SETTINGS = Group(
    modules=(
        *("_authentication/base", "_authentication/basic", "_authentication/order", "_authentication/post"),
        *("_token", "_config"),
    ),
    tests=(
        *("authentication/test_methods", "settings/test_endpoint_settings", "settings/test_environment"),
        *("settings/test_issuer_settings", "settings/test_labels", "settings/test_proofs", "test_config"),
        *("test_config_errors", "test_endpoint", "test_issuer", "test_token"),
    ),
)
FETCH = Group(
    modules=("_core/fetch",),
    tests=(
        *("core/test_fetch", "core/test_fetch_issuer", "core/test_fetch_failover", "core/test_fetch_proofs"),
        *("core/test_fetch_callables", "core/test_fetch_rotated"),
    ),
)
POLICY = Group(modules=("_adapter/policy",), tests=("adapter/test_policy",))
# What keeps tokens and secrets where they belong, and what carries out the procedures of the core and of the adapters.
HTTP = Group(
    modules=(
        *("_http/origin", "_http/headers", "_http/challenge", "_http/answers", "_http/limited_body"),
        "_http/giving_way",
    ),
    tests=(
        *("http/test_origin", "http/test_headers", "http/test_challenge", "http/test_answers"),
        *("http/test_limited_body", "http/test_giving_way"),
    ),
)
REDACTION = Group(
    modules=("_redact/redact", "_redact/patterns", "_redact/library_logs", "_authentication/from_file"),
    tests=("redact/test_redact", "redact/test_library_logs", "authentication/test_from_file"),
)
DRIVERS = Group(
    modules=("_core/drive", "_adapter/drivers", "_adapter/originals"),
    tests=("core/test_drive", "core/test_leftovers", "adapter/test_drivers", "adapter/test_originals"),
)
ADAPTER = Group(
    modules=("_adapter/behaviour", "_adapter/transport_errors", "_adapter/transport_advice"),
    tests=("adapter/test_behaviour", "adapter/test_transport_errors", "adapter/test_transport"),
)
BASE = Group(
    modules=("_adapter/base", "_adapter/siblings", "_adapter/from_environment", "_adapter/transport"),
    tests=("adapter/test_base", "adapter/test_foreign", "adapter/test_transport"),
)
MORE = Group(modules=("_adapter/step_up", "_adapter/proving"), tests=("adapter/test_step_up", "adapter/test_proving"))
TLS = Group(modules=("_adapter/tls_contexts",), tests=("adapter/test_tls_contexts",))
HTTPX = Group(
    modules=("_httpx/exchange", "_httpx/auth", "_httpx/replay", "_httpx/drain", "_httpx/peek"),
    tests=("httpx/test_details", "httpx/test_exchange", "httpx/test_auth", "httpx/test_bound", "httpx/test_bodies"),
)
REQUESTS = Group(
    modules=("_requests/renewal", "_requests/guarded", "_requests/drain", "_requests/auth"),
    tests=(
        *("requests/test_guarded", "requests/test_hooks", "requests/test_renewal", "requests/test_drain"),
        *("requests/test_auth", "requests/test_lookalikes"),
    ),
)
SENDING = Group(modules=("_requests/send",), tests=("requests/test_odd_answers", "requests/test_send"))
ANSWERS = Group(modules=("_httpx/answer",), tests=("httpx/test_answer", "httpx/test_details", "httpx/test_send"))
SENDING_BY_HTTPX = Group(modules=("_httpx/send",), tests=("httpx/test_send",))
OBSERVER = Group(modules=("_core/observer",), tests=("core/test_observer", "core/test_observed_documents"))
PROOFS = Group(
    modules=("_core/proofs", "_protocol/dpop"),
    tests=("core/test_proofs", "core/test_fetch_proofs", "protocol/test_dpop"),
)
# Whose token is bound to a key; cookies go with what is sent again.
BOUND = Group(modules=("_requests/bound", "_requests/proving"), tests=("requests/test_bound", "requests/test_proving"))
BOUND_IN_HTTPX = Group(
    modules=("_httpx/bound", "_httpx/cookies"), tests=("httpx/test_auth", "httpx/test_bound", "httpx/test_cookies")
)
CONNECTING = Group(modules=("_requests/connecting",), tests=("requests/test_connecting", "requests/test_routes"))
# The libraries as the base wants to know them. Their modules `policy` have no function.
LIBRARIES = (
    Group(
        modules=("_requests/tls", "_requests/raw", "_requests/transport", "_requests/lookalikes"),
        tests=("requests/test_tls", "requests/test_raw", "requests/test_transport", "requests/test_lookalikes"),
    ),
    Group(
        modules=("_httpx/tls", "_httpx/proxies", "_httpx/transport"), tests=("httpx/test_tls", "httpx/test_transport")
    ),
)
GROUPS = (
    *(CORE, FETCH, SETTINGS, POLICY, HTTP, REDACTION, DRIVERS, ADAPTER, BASE, MORE, TLS, HTTPX, REQUESTS, SENDING),
    *(ANSWERS, SENDING_BY_HTTPX, OBSERVER, PROOFS, BOUND, BOUND_IN_HTTPX, CONNECTING, *LIBRARIES),
)
TARGET = 95.0  # percent
SURVIVORS = Path(__file__).with_name("survivors.txt")
# Exit statuses of mutmut's forks: a test failed or ran out of time. A mutant that no test reaches is not killed.
KILLED = {1, 3, 24, 36, -24, 152, 255, 37}


def main() -> int:
    """Run it. Returns the exit status."""
    names = [name for group in GROUPS for name in group.modules]
    parser = argparse.ArgumentParser(prog="python3 -m tests.mutation", description="Mutation testing.")
    parser.add_argument(
        "--seconds",
        type=float,
        default=5400.0,
        help="stop after this time (default: 5400, for 9,000 mutants, each with its tests in a process of its own)",
    )
    parser.add_argument("--only", metavar="NAMES", help=f"some of {','.join(names)}")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at the same time (default: 2)")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else names
    if unknown := set(chosen).difference(names):
        parser.error(f"--only: {', '.join(sorted(unknown))} is not in the table")
    status = 0
    with own_environment("test", ["mutmut>=3.8,<4"]) as environment:
        end = time.monotonic() + arguments.seconds  # to make the environment may take as long as the machine likes
        settings = (environment.folder / "pyproject.toml").read_text(encoding="utf-8")
        for group in GROUPS:
            if modules := [name for name in group.modules if name in chosen]:
                _configure(environment, settings, modules, group.tests)
                _mutate(environment, arguments.jobs, max(end - time.monotonic(), 0.0))
                status |= _report(environment, modules)
    return status


def _mutate(environment: Environment, jobs: int, seconds: float) -> None:
    """Try as many mutants as time allows."""
    command = ["-m", "mutmut", "run", "--max-children", str(jobs)]
    print(f"\ntrying the mutants, for at most {seconds:.0f} s", flush=True)
    with tempfile.TemporaryFile() as log:
        try:
            # mutmut rewrites one line to show progress, which is useful only on a terminal.
            ended = environment.run(*command, limit=seconds, output=None if sys.stdout.isatty() else log)
        except TimeoutExpired:
            print(f"\nstopped after {seconds:.0f} s; the other mutants were not tried")
            return
        log.seek(0)
        if ended.returncode:
            print(log.read().decode(errors="replace").rpartition("\r")[2][-4000:])


def _configure(environment: Environment, settings_of_checkout: str, modules: list[str], tests: Iterable[str]) -> None:
    """Configure mutmut in the copy only, anew for each group.

    Its tests use the settings of the checkout, except for those of hypothesis.
    """
    folder = environment.folder
    shutil.rmtree(folder / "mutants", ignore_errors=True)
    shutil.copy(folder / "tests" / "mutation" / "profile.py", folder / "conftest.py")
    settings = {
        "source_paths": ["oauth_cc_auth"],
        "also_copy": ["conftest.py"],
        "only_mutate": [f"oauth_cc_auth/{name}.py" for name in modules],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--hypothesis-profile=mutation"],
        "pytest_add_cli_args_test_selection": [f"tests/{name}.py" for name in tests],
        "use_git_change_detection": False,
        "track_dependencies": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    text = "\n".join([settings_of_checkout, "[tool.mutmut]", *lines, ""])
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def _report(environment: Environment, modules: list[str]) -> int:
    known = _known_survivors()
    total: Counter[str] = Counter()
    unknown: list[Mutant] = []
    stale: list[Mutant] = []
    print("\n| Module | Mutants | Killed | Survived | Not reached | Killed of those run |\n|---|--:|--:|--:|--:|--:|")
    for module in modules:
        outcomes = _outcomes(environment, module)
        names = [name for name, status in outcomes.items() if status is not None and status not in KILLED]
        survived = {_mutant(environment, name) for name in names}
        counts = Counter(
            mutants=len(outcomes),
            killed=sum(status in KILLED for status in outcomes.values()),
            survived=len(names),
            left=sum(status is None for status in outcomes.values()),
        )
        total += counts
        unknown += sorted(survived - known)
        if outcomes and not counts["left"]:  # else time was up before
            of_module = {one for one in known if one.place.startswith(f"oauth_cc_auth.{module.replace('/', '.')}.")}
            stale += sorted(of_module - survived)
        print(_row(module, counts), flush=True)
    print(_row("all", total))
    print(f"\n{len(unknown)} survivors are not in {SURVIVORS.name}{':' if unknown else ''}")
    print(*unknown, sep="\n\n")
    if stale:
        print(f"\n{len(stale)} in {SURVIVORS.name} are killed or no longer exist:")
        print(*stale, sep="\n\n", flush=True)
    return 0 if total["killed"] and _share(total) >= TARGET and not unknown and not stale else 1


def _outcomes(environment: Environment, module: str) -> dict[str, int | None]:
    """The exit status by mutant. None if time ran out before it."""
    meta = environment.folder / "mutants" / "oauth_cc_auth" / f"{module}.py.meta"
    outcomes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
    return outcomes


def _mutant(environment: Environment, name: str) -> Mutant:
    """What the mutant that mutmut calls `name` changes."""
    with tempfile.TemporaryFile() as shown:
        environment.run("-m", "mutmut", "show", name, limit=60, output=shown)
        shown.seek(0)
        lines = shown.read().decode().splitlines()
    before, after = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3))
        for sign in "-+"
    )
    return Mutant(name.rpartition("__mutmut_")[0], before, after)


def _known_survivors() -> set[Mutant]:
    """Those in the file. Each is followed by its reason and an empty line."""
    text = "\n".join(line for line in SURVIVORS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    known = (block.splitlines() for block in text.strip().split("\n\n"))
    return {Mutant(place, before[2:], after[2:]) for place, before, after, _ in known}


def _share(counts: Counter[str]) -> float:
    run = counts["killed"] + counts["survived"]
    return 100 * counts["killed"] / run if run else 0.0


def _row(name: str, counts: Counter[str]) -> str:
    figures = (counts["mutants"], counts["killed"], counts["survived"], counts["left"])
    return f"| {name} | {' | '.join(map(str, figures))} | {_share(counts):.1f} % |"


if __name__ == "__main__":
    sys.exit(main())
