"""Promise 14 and the house: what is public says where to import it from, also in a pickle and to a reader of types."""

from __future__ import annotations

import configparser
import copy
import importlib
import inspect
import io
import pickle
import pickletools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import httpx
import httpx2
import pytest
import requests

import oauth_cc_auth.aiohttp
import oauth_cc_auth.azure
import oauth_cc_auth.httpie
import oauth_cc_auth.httpx
import oauth_cc_auth.httpx2
import oauth_cc_auth.requests
import oauth_cc_auth.stores
import oauth_cc_auth.testing
from oauth_cc_auth import (
    Attempt,
    AuthenticationContext,
    ClientAuthentication,
    ClientCredentialsConfig,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    Credentials,
    Event,
    FallbackTried,
    FetchFailed,
    FromFile,
    HeldOff,
    InsecureRequestError,
    InvalidTokenResponse,
    Token,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
    TokenObtained,
    TokenRefused,
)
from oauth_cc_auth._config import MethodName
from oauth_cc_auth._errors import for_caller
from oauth_cc_auth.testing import Answer, Headers, LoopbackServer

DOORS = [oauth_cc_auth.requests, oauth_cc_auth.httpx, oauth_cc_auth.httpx2]
OTHER_DOORS = [oauth_cc_auth.aiohttp, oauth_cc_auth.azure, oauth_cc_auth.httpie, oauth_cc_auth.stores]
MODULES = [oauth_cc_auth, oauth_cc_auth.testing, *OTHER_DOORS, *DOORS]
PUBLIC = {
    f"{module.__name__}.{name}": (module, getattr(module, name))
    for module in MODULES
    for name in module.__all__
    if isinstance(getattr(module, name), type)
}
PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)  # the two before cannot pickle what has slots

CONFIG = ClientCredentialsConfig(
    "https://login.example.com/token",
    "client",
    "secret",
    scope="a b",
    client_authentication="client_secret_post",
    additional_headers={"APIKey": "key"},
    additional_request_data={"audience": ["a", "b"]},
)
ATTEMPTS = (Attempt("client_secret_post", 503, "busy", "later", reason="server_error", retry_after=5.0),)
ABOUT: dict[str, Any] = {"token_url": "https://login.example.com/token", "client_id": "client"}


def hook(event: Event) -> None:
    """Does nothing."""


def condition(status: int, headers: Any) -> bool:
    """Never."""
    return False


def an_error(core: type[TokenError] = TokenEndpointError) -> TokenError:
    return core("it failed", remedy="try again", reason="server_error", attempts=ATTEMPTS)


def auth_objects() -> Iterator[Any]:
    for door in DOORS:
        yield door.ClientCredentialsAuth(CONFIG.token_url, CONFIG.client_id, "secret")
        yield door.ClientCredentialsAuth.from_config(
            CONFIG,
            timeout=2.0,
            early_expiry=5.0,
            renew_after=0.5,
            renew_on=condition,
            api_origins=["https://api.example.com"],
            on_event=hook,
        )


OBJECTS: list[Any] = [
    AuthenticationContext(client_id="client", client_secret="secret", token_url=CONFIG.source_url),
    ClientSecretBasic(),
    ClientSecretPost(),
    FromFile("/run/secrets/orders", variable="ORDERS_CLIENT_SECRET_FILE"),
    Credentials(headers={"A": "1"}, fields={"b": "2"}),
    CONFIG,
    ConfigurationError(field="scope", problem="is odd", remedy="drop it"),
    *ATTEMPTS,
    Token("secret", expires_at=1.0, scope="a", extra={"b": [1]}),
    *map(
        an_error, [TokenError, TokenEndpointError, TokenEndpointUnreachable, InvalidTokenResponse, InsecureRequestError]
    ),
    *(
        for_caller(an_error(), library_class)
        for library_class in (requests.RequestException, requests.Timeout, httpx.RequestError, httpx2.ConnectError)
    ),
    FallbackTried(**ABOUT, refused_method="a", next_method="b", status_code=401, error="invalid_client"),
    FetchFailed(**ABOUT, error=an_error(), elapsed=0.1, renewal=True, usable_for=None),
    HeldOff(**ABOUT, seconds=1.0, reason="failures", origin=None),
    TokenObtained(**ABOUT, method="a", lifetime=1.0, scope=None, elapsed=0.1, token_requests=1, renewal=False),
    TokenRefused(**ABOUT, origin="https://api.example.com", status_code=401, outcome="renewed", sent_again=True),
    Answer(503, {"error": "busy"}),
    Headers([("A", "1")]),
    *auth_objects(),
]


def modules_in(data: bytes) -> set[str]:
    """The modules that a pickle imports from, and the modules and names that it holds as text."""
    return {
        part
        for _, argument, _ in pickletools.genops(data)
        if isinstance(argument, str) and "oauth_cc_auth" in argument
        for part in argument.split()
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_a_class_says_where_to_import_it_from(name: str) -> None:
    """Tracebacks and documentation show that."""
    module, cls = PUBLIC[name]
    assert cls.__module__ == module.__name__
    assert getattr(importlib.import_module(cls.__module__), cls.__qualname__) is cls


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_a_pickle_names_no_private_module(value: Any) -> None:
    """Such a name would break with the next version that moves something."""
    for protocol in PROTOCOLS:
        data = pickle.dumps(value, protocol)
        assert b"oauth_cc_auth._" not in data
        assert {name for name in modules_in(data) if name.startswith("oauth_cc_auth._")} == set()
        assert type(pickle.loads(data)) is type(value)  # noqa: S301  # our own


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_a_pickle_and_a_copy_hold_everything(value: Any) -> None:
    """They look the same and hold the same; the config and the records are equal."""
    for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):  # noqa: S301  # our own
        if isinstance(value, Credentials):
            assert (again.headers, again.fields) == (value.headers, value.fields)
            continue
        assert repr(again) == repr(value)
        if isinstance(
            value, (ClientCredentialsConfig, FromFile, Attempt, TokenObtained, TokenRefused, HeldOff, FallbackTried)
        ):
            assert again == value


def test_a_pickle_of_a_test_server_record(oauth_server: LoopbackServer) -> None:
    """What a test may hand to another process."""
    auth = oauth_cc_auth.requests.ClientCredentialsAuth(
        oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret
    )
    auth.get_token()
    for record in oauth_server.requests:
        for protocol in PROTOCOLS:
            data = pickle.dumps(record, protocol)
            assert b"oauth_cc_auth.testing._" not in data
            assert pickle.loads(data) == record  # noqa: S301  # our own


def test_a_pickle_of_a_token_from_version_0_1() -> None:
    """It named a function of a private module, which is still there."""
    old = b"coauth_cc_auth._token\n_token\n((dVaccess_token\nVabc\nsVextra\n(dstR."
    token = pickle.loads(old)  # noqa: S301  # our own
    assert (token.access_token, token.extra) == ("abc", {})


def test_a_pickle_of_an_error_from_version_0_1() -> None:
    """Likewise."""
    stream = io.BytesIO()
    stream.write(b"coauth_cc_auth._errors\n_revive\n(coauth_cc_auth\nTokenError\n")
    stream.write(b"crequests.exceptions\nConnectionError\nVno route\n(dVattempts\n)stR.")
    error = pickle.loads(stream.getvalue())  # noqa: S301  # our own
    assert isinstance(error, TokenError)
    assert isinstance(error, requests.ConnectionError)
    assert (str(error), error.attempts, error.reason) == ("no route", (), "other")


def functions_of(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """The functions behind what is public in `cls` and written in this package, with its constructor."""
    for name, member in inspect.getmembers(cls):
        if name.startswith("_") and name not in ("__init__", "__new__", "__call__"):
            continue
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if inspect.isfunction(function) and function.__module__.startswith("oauth_cc_auth"):
            yield name, function


@pytest.mark.parametrize("name", PUBLIC)
def test_type_hints_can_be_resolved(name: str) -> None:
    """Of every class, and of every function in it: tools for documentation and dependency injection ask for them."""
    _, cls = PUBLIC[name]
    assert isinstance(get_type_hints(cls), dict)
    for function_name, function in functions_of(cls):
        assert isinstance(get_type_hints(function), dict), function_name


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_the_hints_of_an_auth_class(door: ModuleType) -> None:
    """They are the real types, although the modules of some are imported only when someone asks."""
    cls = door.ClientCredentialsAuth
    assert get_type_hints(cls)["config"] is ClientCredentialsConfig
    hints = get_type_hints(cls.__init__)
    assert hints["timeout"] is float
    assert "oauth_cc_auth.Event" in str(hints["on_event"])
    assert hints["client_authentication"] == MethodName | ClientAuthentication | type[ClientAuthentication] | None
    assert hints["header_value_pattern"] == str | Callable[[Token], str]
    assert get_type_hints(cls.get_token) == {"refused": Token | None, "return": Token}
    assert get_type_hints(ClientCredentialsConfig)["header_value_pattern"] == str | Callable[[Token], str]
    assert get_type_hints(cls.from_env)["arguments"] is Any


def test_the_version_stands_once() -> None:
    """The package says it, and the build reads it there."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(Path(__file__).parent.parent / "setup.cfg", encoding="utf-8")
    assert setup["metadata"]["version"] == "attr: oauth_cc_auth._version.__version__"
