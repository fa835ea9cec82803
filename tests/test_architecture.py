"""Imports point one way, and nobody pays for a library that is not used."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import oauth_cc_auth
from oauth_cc_auth.testing import LoopbackServer

PACKAGE = Path(oauth_cc_auth.__file__).parent

# From the bottom up: a module imports from the layers below its own only.
LAYERS = [
    {"_value"},
    # What knows nothing of the rest.
    {"_advice", "_body", "_client_authentication", "_clock", "_errors", "_event_loop", "_foreign"}
    | {"_httpx_body", "_origin", "_retry_after", "_secret_pattern", "_text", "_version", "_watchdog"},
    # Reading, with limits, what nobody will look at; and showing what others wrote.
    {"_httpx_refusal", "_redact", "_requests_drain"},
    # Settings and tokens.
    {"_answer_members", "_config_checks", "_events", "_setting_values", "_token"},
    {"_settings"},
    {"_config", "_lease"},
    # The wire: requests out, answers in.
    {"_behaviour", "_refusals", "_wire"},
    {"_answer", "_transport"},
    # Who fetches, and which token is used.
    {"_flight", "_httpx_answer", "_observer", "_requests_send"},
    {"_effects", "_failures", "_httpx_send"},
    {"_cache"},
    {"_decisions", "_fetch"},
    {"_flow", "_httpx_exchange"},
    {"_drive"},
    {"_source"},
    {"_loading"},
    # What the adapters share, and the adapters.
    {"_base"},
    {"_httpx_family", "_requests_renewal"},
    {"httpx", "httpx2", "requests"},
    {"_httpie_auth"},
    {"httpie"},
    # What is no part of the plugin itself.
    {"testing"},
    {"_cli", "_demo"},
    {"__main__"},
]
PUBLIC_NAMES = {"__init__": {"_client_authentication", "_config", "_errors", "_events", "_token", "_version"}}

# The client libraries, by the only modules that may import them.
LIBRARIES = {
    "_cli": {"requests", "rich", "urllib3"},
    "requests": {"requests"},
    "_requests_renewal": {"requests"},
    "_requests_send": {"requests", "urllib3"},
    "httpx": {"httpx"},
    "httpx2": {"httpx2"},
    "_httpie_auth": {"httpie", "requests"},
    "httpie": {"httpie"},
}
# Only inside functions: whoever runs no event loop does not load one.
LAZY = {"asyncio", "anyio", "trio", "concurrent.futures"}


class Imported(NamedTuple):
    """What one statement imports: `module` of ours (up to the first dot) or of somebody else's."""

    module: str
    ours: bool
    lazy: bool


def core_modules() -> dict[str, Path]:
    """The files of the package itself, by name; subpackages are one module each."""
    modules = {path.stem: path for path in PACKAGE.glob("*.py")}
    return modules | {path.parent.name: path.parent for path in PACKAGE.glob("*/__init__.py")}


def imports_of(path: Path) -> Iterator[Imported]:
    """Every import in a file or folder, but for those that only type checkers see."""
    for file in [path] if path.is_file() else sorted(path.glob("*.py")):
        depth = 1 if path.is_file() else 2
        yield from _imports_in(ast.parse(file.read_text(encoding="utf-8")), depth, lazy=False)


def _imports_in(node: ast.AST, depth: int, *, lazy: bool) -> Iterator[Imported]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                ours = alias.name.partition(".")[0] == PACKAGE.name
                yield Imported(alias.name.split(".")[1] if ours else alias.name, ours, lazy)
        elif isinstance(child, ast.ImportFrom):
            yield from _imported_from(child, depth, lazy=lazy)
        is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
        yield from _imports_in(child, depth, lazy=lazy or is_function)


def _imported_from(statement: ast.ImportFrom, depth: int, *, lazy: bool) -> Iterator[Imported]:
    module, names = statement.module or "", [alias.name for alias in statement.names]
    if statement.level == 0 and module.partition(".")[0] == PACKAGE.name:
        module = module.partition(".")[2]
    elif statement.level == 0:
        yield Imported(module, ours=False, lazy=lazy)
        return
    elif statement.level < depth:
        return  # within a subpackage
    for name in [module] if module else names:
        yield Imported(name.partition(".")[0], ours=True, lazy=lazy)


def test_the_table_is_complete() -> None:
    """Every module has its place, and every place its module."""
    placed = [name for layer in LAYERS for name in layer]
    assert sorted(placed) == sorted(set(core_modules()) - set(PUBLIC_NAMES))


@pytest.mark.parametrize("name", sorted(core_modules()))
def test_imports_point_down(name: str) -> None:
    """To lower layers only, so there are no cycles; also where an import is inside a function."""
    imported = {imported.module for imported in imports_of(core_modules()[name]) if imported.ours}
    if name in PUBLIC_NAMES:
        assert imported == PUBLIC_NAMES[name]
        return
    layer = next(number for number, layer in enumerate(LAYERS) if name in layer)
    assert imported <= set().union(*LAYERS[:layer])


@pytest.mark.parametrize("name", sorted(set(core_modules()) - {"testing", "_demo"}))
def test_who_imports_what_is_not_ours(name: str) -> None:
    """A client library only its adapter; event loops only inside functions; everything else is in Python."""
    others = [imported for imported in imports_of(core_modules()[name]) if not imported.ours]
    for imported in others:
        top = imported.module.partition(".")[0]
        if LAZY & {top, imported.module}:
            assert imported.lazy
        else:
            assert top in sys.stdlib_module_names or top in LIBRARIES.get(name, ())
    assert {imported.module.partition(".")[0] for imported in others} >= LIBRARIES.get(name, set())


def test_testing_needs_only_python() -> None:
    """And pytest in the one file that pytest itself loads."""
    tops = {imported.module.partition(".")[0] for imported in imports_of(PACKAGE / "testing") if not imported.ours}
    assert tops - sys.stdlib_module_names == {"pytest"}
    assert "pytest" in {imported.module for imported in imports_of(PACKAGE / "testing" / "_pytest.py")}


def loaded_after(code: str) -> set[str]:
    """The modules that a new interpreter has loaded after `code`."""
    printing = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    result = subprocess.run(
        [sys.executable, "-c", printing], env=environment, check=True, capture_output=True, timeout=60
    )
    return set(json.loads(result.stdout))


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
FETCHING = {
    "requests": "auth.get_token()",
    "httpx": "import asyncio; asyncio.run(auth.aget_token())",
    "httpx2": "import asyncio; asyncio.run(auth.aget_token())",
}


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx2"])
def test_what_fetching_takes_is_loaded_with_the_first_auth_object(library: str, oauth_server: LoopbackServer) -> None:
    """Neither by an import, which may be all that a program does, nor in an event loop that has other things to do."""

    def ours(code: str) -> set[str]:
        return {name for name in loaded_after(code) if name.startswith("oauth_cc_auth")}

    oauth_server.add_client("someone", "s3cret")
    making = MAKING.format(library, oauth_server.token_url)
    imported, made = ours(f"import oauth_cc_auth.{library}"), ours(making)
    assert made - imported >= {"oauth_cc_auth._source", "oauth_cc_auth._flow", "oauth_cc_auth._cache"}
    assert ours(making + FETCHING[library]) == made


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
    """The error names the extra to install."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"oauth_cc_auth.{library}", raising=False)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(f"oauth_cc_auth.{library}")
    assert str(caught.value) == (
        f"oauth_cc_auth.{library} needs {library}: python -m pip install 'oauth_cc_auth[{library}]'"
    )
    assert isinstance(caught.value.__cause__, ImportError)
