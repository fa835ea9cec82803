"""What importing the plugin adds to importing the client library, with cached bytecode."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from .environment import Environment
from .kinds import BY_HAND, OURS
from .report import Section, Target, number, table

LIMIT = 4.5  # ms
LIMIT_OF_FIRST_OBJECT = 3.0  # ms more
WITH_FIRST_OBJECT = f"{OURS}, and its first auth object"  # which loads more; the first token request loads the rest
NOT_BY_US = ("asyncio", "trio", "concurrent.futures")

IMPORTS = {
    "requests": {
        BY_HAND: "tests.benchmarks.by_hand_requests",
        OURS: "oauth_cc_auth.requests",
        "Authlib": "authlib.integrations.requests_client",
        "requests-oauthlib": "requests_oauthlib",
        "requests-auth": "requests_auth",
        "requests_oauth2client": "requests_oauth2client",
    },
    "httpx": {
        BY_HAND: "tests.benchmarks.by_hand_httpx",
        OURS: "oauth_cc_auth.httpx",
        "httpx-auth": "httpx_auth",
    },
    "httpx2": {
        BY_HAND: "tests.benchmarks.by_hand_httpx",
        OURS: "oauth_cc_auth.httpx2",
        "Authlib": "authlib.integrations.httpx_client",
    },
}

# CPU time, because this machine may be busy. On an idle machine, an import waits for nothing.
_CODE = """
import gc, importlib, json, sys, time
importlib.import_module(sys.argv[1])
before = set(sys.modules)
gc.collect()  # otherwise the next import pays for the garbage of the library
started = time.process_time()
module = importlib.import_module(sys.argv[2])
if sys.argv[3]:
    module.ClientCredentialsAuth("https://login.example.com/token", "id", "secret")
seconds = time.process_time() - started
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
"""


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """Each import runs in its own interpreters."""
    rounds = 5 if quick else 21
    say(f"importing: {rounds} rounds")
    pairs = [(library, name, module) for library, modules in IMPORTS.items() for name, module in modules.items()]
    pairs += [(library, WITH_FIRST_OBJECT, IMPORTS[library][OURS]) for library in IMPORTS]
    times: dict[tuple[str, str], list[float]] = {}
    loaded: dict[tuple[str, str], set[str]] = {}
    for number_of_round in range(rounds + 1):
        for library, name, module in pairs:
            milliseconds, modules = _import(environment, library, module, first_object=name == WITH_FIRST_OBJECT)
            if number_of_round > 0:  # the first round compiles
                times.setdefault((library, name), []).append(milliseconds)
            loaded[library, name] = modules
    medians = {key: median(values) for key, values in times.items()}

    def cell(library: str, name: str) -> str:
        if (library, name) not in medians:
            return ""
        loops = [module for module in NOT_BY_US if module in loaded[library, name]]
        return number(medians[library, name], 1) + (f" ({', '.join(loops)})" if loops else "")

    everyone = dict.fromkeys(name for _, name, _ in pairs)
    return [
        Section(
            "Import",
            "Milliseconds of CPU time added to the import of the client library, with cached bytecode, median of "
            f"{rounds} interpreters. In brackets: the modules among {', '.join(NOT_BY_US)} that it loads and the "
            "library does not.",
            table(["", *IMPORTS], [[name, *(cell(library, name) for library in IMPORTS)] for name in everyone]),
            [
                *(
                    Target.at_most(f"Import, {library}", LIMIT, medians[library, OURS], " ms", digits=1)
                    for library in IMPORTS
                ),
                *(
                    Target.at_most(
                        f"First auth object, {library}",
                        LIMIT_OF_FIRST_OBJECT,
                        medians[library, WITH_FIRST_OBJECT] - medians[library, OURS],
                        " ms",
                        digits=1,
                    )
                    for library in IMPORTS
                ),
                _no_event_loops(set().union(*(loaded[library, WITH_FIRST_OBJECT] for library in IMPORTS))),
            ],
        )
    ]


def _import(environment: Environment, library: str, module: str, *, first_object: bool) -> tuple[float, set[str]]:
    seconds, modules = environment.run_code(_CODE, library, module, "x" if first_object else "")
    return seconds * 1000, set(modules)


def _no_event_loops(loaded: set[str]) -> Target:
    found = [module for module in NOT_BY_US if module in loaded]
    return Target(f"{', '.join(NOT_BY_US)} loaded by us", "none", ", ".join(found) or "none", not found)
