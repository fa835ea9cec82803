"""The house: arrows point down, no circles, no reaches into private members, no library that is not used."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import oauth_cc_auth
from oauth_cc_auth._install import how_to_install
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.floors import HOUSES, PICTURE, drawn

PACKAGE = Path(oauth_cc_auth.__file__).parent
NAME = PACKAGE.name

PUBLIC_NAMES = {
    "_authentication",
    "_config",
    "_doors",
    "_endpoint",
    "_errors",
    "_events",
    "_issuer",
    "_token",
    "_version",
}

# The client libraries, by the only rooms that may import them.
LIBRARIES = {
    "_authentication": {"cryptography", "jwt"},
    "_cli": {"requests", "rich", "urllib3"},
    "_stores": {"cryptography", "filelock", "redis"},
    "requests": {"requests"},
    "httpx": {"httpx"},
    "httpx2": {"httpx2"},
    "aiohttp": {"aiohttp", "yarl"},
    "azure": {"azure"},
    "_httpie": {"httpie", "requests"},
    "httpie": {"httpie"},
}
# Only inside functions: a program without an event loop, or without a private key, does not load them.
EVENT_LOOPS = {"asyncio", "anyio", "trio", "concurrent.futures"}
LAZY = EVENT_LOOPS | {"cryptography", "jwt"}


class Imported(NamedTuple):
    """One import: a module's full name, and whether it runs only when a function is called."""

    module: str
    lazy: bool

    @property
    def ours(self) -> bool:
        """True for a module of this package."""
        return self.module.partition(".")[0] == NAME


def _name_of(path: Path) -> str:
    parts = (NAME, *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


FILES = {_name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name: str) -> Iterator[Imported]:
    """Every import in a module, but for those that only type checkers see."""
    path = FILES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    yield from _imports_in(ast.parse(path.read_text(encoding="utf-8")), package, lazy=False)


def _imports_in(node: ast.AST, package: str, *, lazy: bool) -> Iterator[Imported]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (Imported(alias.name, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from _imported_from(child, package, lazy=lazy)
        is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
        yield from _imports_in(child, package, lazy=lazy or is_function)


def _imported_from(statement: ast.ImportFrom, package: str, *, lazy: bool) -> Iterator[Imported]:
    module = statement.module or ""
    if statement.level:
        parts = package.split(".")
        base = ".".join(parts[: len(parts) - statement.level + 1])
        module = f"{base}.{module}".rstrip(".")
    for alias in statement.names:
        whole = f"{module}.{alias.name}"
        yield Imported(whole if whole in FILES else module, lazy)


def _rooms_of(house: str) -> set[str]:
    return {name.removeprefix(f"{house}.").partition(".")[0] for name in FILES if name.startswith(f"{house}.")}


@pytest.mark.parametrize("house", HOUSES)
def test_the_table_is_complete(house: str) -> None:
    """Every room has its floor, and every floor its rooms."""
    assert sorted(room for floor in HOUSES[house] for room in floor) == sorted(_rooms_of(house))


@pytest.mark.parametrize(("house", "room"), [(house, room) for house in HOUSES for room in sorted(_rooms_of(house))])
def test_arrows_point_down(house: str, room: str) -> None:
    """To lower floors and to the room itself; also where an import is inside a function."""
    floors = HOUSES[house]
    floor = next(number for number, rooms in enumerate(floors) if room in rooms)
    below = set().union(*floors[:floor])
    for name in FILES:
        if not f"{name}.".startswith(f"{house}.{room}."):
            continue
        inside = [imported.module for imported in imports_of(name) if imported.module.startswith(f"{house}.")]
        used = {module.removeprefix(f"{house}.").partition(".")[0] for module in inside}
        assert used - {room} <= below, name


def test_the_picture_shows_it() -> None:
    """``python3 -m tests.floors`` writes it anew."""
    assert PICTURE.read_text(encoding="utf-8") == drawn()


def test_the_package_exports_what_is_at_the_bottom() -> None:
    """`import oauth_cc_auth` loads settings, tokens and errors, and no adapter."""
    used = {imported.module.split(".")[1] for imported in imports_of(NAME) if imported.ours}
    assert used == PUBLIC_NAMES


def test_there_are_no_circles() -> None:
    """Not even inside a folder."""
    graph = {name: {imported.module for imported in imports_of(name) if imported.ours} - {name} for name in FILES}
    TopologicalSorter(graph).prepare()  # raises a CycleError, which shows the circle


def test_time_is_read_where_others_replace_it() -> None:
    """`time.monotonic()`, and no copy of the function: packages that stop or move time in tests would miss it."""
    copies = [
        f"{name}:{node.lineno}"
        for name, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "time"
    ]
    assert copies == []


_DEFINED = re.compile(r"(?:self\.|def |class )(_[a-z]\w*)")


def test_no_module_reaches_into_private_members_of_another() -> None:
    """`x._name` only if `x` is self, cls, super() or a module, or the same file defines `_name`."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
    private = {member for text in texts.values() for member in _DEFINED.findall(text)}
    reaches = [reach for name, text in texts.items() for reach in _reaches_in(name, ast.parse(text), private)]
    assert reaches == []


def _reaches_in(module: str, tree: ast.Module, private: set[str]) -> Iterator[str]:
    own, known = set[str](), {"self", "cls"}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            known |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            own.add(node.attr)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node.attr not in private - own:
            continue
        is_known = isinstance(node.value, ast.Name) and node.value.id in known
        is_super = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super"
        if not is_known and not is_super:
            yield f"{module}:{node.lineno} {ast.unparse(node)}"


@pytest.mark.parametrize("room", sorted(_rooms_of(NAME) - {"testing", "_demo"}))
def test_who_imports_what_is_not_ours(room: str) -> None:
    """A client library only its adapter; event loops only inside functions; everything else is in Python."""
    names = [name for name in FILES if f"{name}.".startswith(f"{NAME}.{room}.")]
    others = [imported for name in names for imported in imports_of(name) if not imported.ours]
    for imported in others:
        top = imported.module.partition(".")[0]
        if LAZY & {top, imported.module}:
            assert imported.lazy
        if not EVENT_LOOPS & {top, imported.module}:
            assert top in sys.stdlib_module_names or top in LIBRARIES.get(room, ())
    assert {imported.module.partition(".")[0] for imported in others} >= LIBRARIES.get(room, set())


def test_testing_needs_only_python() -> None:
    """And pytest in the one file that pytest itself loads; cryptography and PyJWT if a test wants proofs checked."""
    inside = [name for name in FILES if name.startswith(f"{NAME}.testing")]
    tops = {i.module.partition(".")[0] for name in inside for i in imports_of(name) if not i.ours}
    assert tops - sys.stdlib_module_names == {"pytest", "cryptography", "jwt"}
    assert "pytest" in {imported.module for imported in imports_of(f"{NAME}.testing._pytest")}


def loaded_after(code: str) -> set[str]:
    """The modules that a new interpreter has loaded after `code`."""
    printing = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    result = subprocess.run(
        [sys.executable, "-c", printing], env=environment, check=True, capture_output=True, timeout=60
    )
    return set(json.loads(result.stdout))


def ours_after(code: str) -> set[str]:
    """Those of this package."""
    return {name for name in loaded_after(code) if name.startswith("oauth_cc_auth")}


@pytest.fixture(scope="module", name="at_rest")
def _at_rest() -> set[str]:
    return loaded_after("")


def test_the_package_imports_no_library(at_rest: set[str]) -> None:
    """Configs, tokens and errors can be named without paying for HTTP."""
    loaded = loaded_after("import oauth_cc_auth") - at_rest
    assert "oauth_cc_auth._config" in loaded
    assert not loaded & {"requests", "urllib3", "httpx", "httpx2", "httpcore", "http.client", "socket", "ssl"}
    assert not loaded & (LAZY | {"sniffio", "difflib"})
    assert not loaded & {"oauth_cc_auth.testing", "oauth_cc_auth._demo", "oauth_cc_auth._cli"}


MAKING = """
from oauth_cc_auth.{0} import ClientCredentialsAuth
auth = ClientCredentialsAuth("{1}", "someone", "s3cret")
"""
SENDING = {
    f"oauth_cc_auth.{name}"
    for name in (
        *("_requests.send", "_requests.connecting", "_requests.raw", "_requests.tls"),
        *(
            "_redact.library_logs",
            "_adapter.tls_contexts",
            "_adapter.transport_advice",
            "_adapter.transport_errors",
            "_http.limited_body",
            "_http.limited_tls",
            "_http.watchdog",
        ),
    )
}
FLOW = {
    f"oauth_cc_auth.{name}"
    for name in (
        *("_core.flow", "_core.fetch", "_core.drive", "_protocol.answer"),
        *("_core.introduction", "_core.refusals", "_core.reported"),
    )
}
# What a program that describes its endpoint or has a strategy loads earlier.
TOKENS = {
    f"oauth_cc_auth.{name}"
    for name in ("_authentication.base", "_authentication.order", "_core.lease", "_redact.redact", "_token")
}
FETCHING = {
    "requests": "auth.get_token()",
    "httpx": "import asyncio; asyncio.run(auth.aget_token())",
    "httpx2": "import trio; trio.run(auth.aget_token)",
}


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2"])
def test_what_fetching_takes_is_loaded_with_the_first_token_request(library: str, oauth_server: LoopbackServer) -> None:
    """Neither by an import nor by an auth object, which may be all that a program needs."""
    oauth_server.add_client("someone", "s3cret")
    making = MAKING.format(library, oauth_server.token_url)
    imported, made = ours_after(f"import oauth_cc_auth.{library}"), ours_after(making)
    assert made - imported >= {"oauth_cc_auth._core.source", "oauth_cc_auth._core.cache"}
    assert not made & (FLOW | TOKENS | SENDING | {"oauth_cc_auth._core.flight"})
    assert ours_after(making + FETCHING[library]) >= FLOW | TOKENS


# What few auth objects need, by the adapters that could load it.
SELDOM = {
    f"oauth_cc_auth.{name}"
    for name in (
        *("_authentication.dpop", "_authentication.described", "_authentication.client_certificate"),
        *("_core.locate", "_core.proofs", "_core.revoke", "_core.values"),
        *("_protocol.discovery", "_protocol.dpop", "_protocol.places", "_protocol.revocation"),
        *(
            "_protocol.server_metadata",
            "_protocol.unread_life",
            "_settings.nested",
            "_settings.environment",
            "_settings.labels",
        ),
        *("_adapter.from_environment", "_adapter.proving", "_adapter.siblings", "_adapter.step_up"),
        *("_httpx.bound", "_httpx.peek", "_requests.bound", "_requests.proving"),
        *("_stores", "_endpoint", "_events", "_issuer"),
    )
}


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2"])
def test_the_first_auth_object_loads_nothing_for_settings_that_it_does_not_have(library: str) -> None:
    """Nor does an import."""
    assert {*FILES} >= SELDOM
    loaded = loaded_after(MAKING.format(library, "https://login.example.com/token"))
    assert "oauth_cc_auth._core.source" in loaded
    assert not loaded & SELDOM


# Names the modules of ours that the thread of the event loop reads, while the loop is running.
WATCHED = """
import asyncio, sys, threading
class Watch:
    def find_spec(self, name, path, target=None):
        if name.startswith("oauth_cc_auth") and threading.current_thread() is threading.main_thread():
            by_the_loop.append(name)
by_the_loop = []
sys.meta_path.insert(0, Watch())
async def call():
    by_the_loop.clear()
    {0}
{1}
assert by_the_loop == [], by_the_loop
"""
RUNS = {"asyncio": "asyncio.run(call())", "trio": "import trio; trio.run(call)"}
DESCRIBED = """
from oauth_cc_auth import TokenEndpoint
from oauth_cc_auth.{0} import ClientCredentialsAuth
auth = ClientCredentialsAuth(
    TokenEndpoint("{1}", response_fields={{"access_token": "access_token"}}),
    "someone", "s3cret",
    additional_request_data={{"nonce": lambda: "17"}},
    renew_on=lambda status, headers, body: status == 401,
)
"""
CALLING = """import {0}
    async with {0}.AsyncClient(auth=auth, trust_env=False) as client:
        assert (await client.get("{1}")).status_code == {2}
"""


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("status", [200, 401])
def test_no_event_loop_reads_modules_from_disk(
    library: str, status: int, run: str, oauth_server: LoopbackServer
) -> None:
    """A thread loads what the first request takes; what few settings take comes with the auth object."""
    oauth_server.add_client("someone", "s3cret")
    if status == 401:
        oauth_server.api.always(Answer(401, {"error": "no"}))
    making = DESCRIBED.format(library, oauth_server.token_url)
    calling = CALLING.format(library, oauth_server.api_url, status)
    made, called = ours_after(making), ours_after(making + WATCHED.format(calling, RUNS[run]))
    assert called - made >= FLOW
    assert made & SELDOM >= {
        "oauth_cc_auth._core.values",
        "oauth_cc_auth._httpx.peek",
        "oauth_cc_auth._protocol.places",
        "oauth_cc_auth._protocol.unread_life",
    }
    assert not (called - made) & SELDOM


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2"])
def test_an_adapter_loads_no_event_loop(library: str) -> None:
    """Nor anything else that is not small, beyond what its library loads itself."""
    by_library = loaded_after(f"import {library}")
    loaded = loaded_after(f"import oauth_cc_auth.{library}") - by_library
    assert f"oauth_cc_auth.{library}" in loaded
    assert not loaded & (LAZY | {"multiprocessing", "unittest", "difflib", "dataclasses", "inspect"})
    assert "oauth_cc_auth._events" not in loaded
    assert not loaded & ({"requests", "httpx", "httpx2"} - {library})
    others = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert others <= {"oauth_cc_auth"}


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2"])
def test_an_adapter_without_its_library(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"oauth_cc_auth.{library}", raising=False)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(f"oauth_cc_auth.{library}")
    assert str(caught.value) == f"oauth_cc_auth.{library} needs {library}: {how_to_install(library)}"
    assert isinstance(caught.value.__cause__, ImportError)
