"""What is public: in `__all__`, documented, the same in every adapter; everything else starts with an underscore."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path, PosixPath
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

import httpx
import httpx2
import pytest
import requests

import oauth_cc_auth
import oauth_cc_auth.aiohttp
import oauth_cc_auth.azure
import oauth_cc_auth.httpie
import oauth_cc_auth.httpx
import oauth_cc_auth.httpx2
import oauth_cc_auth.requests
import oauth_cc_auth.stores
import oauth_cc_auth.testing
from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError
from oauth_cc_auth.testing import LoopbackServer

ADAPTERS = [oauth_cc_auth.requests, oauth_cc_auth.httpx, oauth_cc_auth.httpx2]
PUBLIC = {
    "oauth_cc_auth": [
        "ApiMetadataRead",
        "Attempt",
        "AuthenticationContext",
        "ClientAssertion",
        "ClientAuthentication",
        "ClientCredentialsConfig",
        "ClientSecretBasic",
        "ClientSecretJwt",
        "ClientSecretPost",
        "ConfigurationError",
        "Credentials",
        "DPoP",
        "DiscoveryError",
        "Event",
        "FallbackTried",
        "FetchFailed",
        "FromEnvironment",
        "FromFile",
        "HeldOff",
        "InsecureRequestError",
        "InvalidTokenResponse",
        "Issuer",
        "JwtAssertion",
        "NoClientAuthentication",
        "PrivateKeyJwt",
        "StoreFailed",
        "TlsClientAuthentication",
        "Token",
        "TokenEndpoint",
        "TokenEndpointError",
        "TokenEndpointUnreachable",
        "TokenError",
        "TokenFound",
        "TokenLeaked",
        "TokenObtained",
        "TokenRefused",
        "__version__",
    ],
    "oauth_cc_auth.requests": ["ClientCredentialsAuth"],
    "oauth_cc_auth.httpx": ["ClientCredentialsAuth"],
    "oauth_cc_auth.httpx2": ["ClientCredentialsAuth"],
    "oauth_cc_auth.aiohttp": ["ClientCredentialsMiddleware"],
    "oauth_cc_auth.azure": ["AsyncTokenCredential", "TokenCredential"],
    "oauth_cc_auth.httpie": ["ClientCredentialsPlugin"],
    "oauth_cc_auth.stores": ["FileStore", "RedisStore", "TokenStore"],
    "oauth_cc_auth.testing": [
        "Answer",
        "CertificateFiles",
        "Endpoint",
        "Gate",
        "Headers",
        "LoopbackServer",
        "RecordedRequest",
        "ScriptedAnswer",
    ],
}
MODULES = {
    module.__name__: module
    for module in (
        oauth_cc_auth,
        oauth_cc_auth.testing,
        oauth_cc_auth.stores,
        oauth_cc_auth.httpie,
        oauth_cc_auth.aiohttp,
        oauth_cc_auth.azure,
        *ADAPTERS,
    )
}

each_module = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)


def public_classes() -> dict[str, type[Any]]:
    return {
        f"{module.__name__}.{name}": value
        for module in MODULES.values()
        for name, value in ((name, getattr(module, name)) for name in PUBLIC[module.__name__])
        if isinstance(value, type)
    }


def public_members(cls: type[Any]) -> dict[str, Any]:
    """Methods and properties that are written in this package, by name."""
    return {
        name: value
        for base in reversed(cls.__mro__)
        if base.__module__.partition(".")[0] == "oauth_cc_auth"
        for name, value in vars(base).items()
        if not name.startswith("_") and isinstance(value, (FunctionType, classmethod, staticmethod, property))
    }


def test_public_modules() -> None:
    """A module that is not listed here has an underscore."""
    names = {module.name for module in pkgutil.iter_modules(oauth_cc_auth.__path__) if module.name[0] != "_"}
    assert {f"oauth_cc_auth.{name}" for name in names} == set(PUBLIC) - {"oauth_cc_auth"}


@each_module
def test_all(module: ModuleType) -> None:
    """It is what this test says, sorted, and everything in it exists."""
    assert module.__all__ == PUBLIC[module.__name__]
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_the_package_has_nothing_else() -> None:
    """What one finds by completion is what is public."""
    names = {
        name
        for name in dir(oauth_cc_auth)
        if not name.startswith("_") and not isinstance(getattr(oauth_cc_auth, name), ModuleType)
    }
    assert names == set(PUBLIC["oauth_cc_auth"]) - {"__version__"}


def test_version() -> None:
    """Numbers and dots."""
    assert all(part.isdigit() for part in oauth_cc_auth.__version__.split("."))


@each_module
def test_modules_are_documented(module: ModuleType) -> None:
    """They say what they are for."""
    assert module.__doc__


@pytest.mark.parametrize("name", public_classes())
def test_classes_are_documented(name: str) -> None:
    """Each in words of its own, and each method and property as well."""
    cls = public_classes()[name]
    assert vars(cls).get("__doc__")
    undocumented = [member for member, value in public_members(cls).items() if not inspect.getdoc(value)]
    assert undocumented == []


COMMON = (
    "close",
    "from_config",
    "from_env",
    "get_headers",
    "get_token",
    "invalidate",
    "prefetch",
    "revoke",
    "with_options",
)


def test_adapters_have_one_signature() -> None:
    """Code moves from one library to another by an import."""
    signatures = {str(inspect.signature(module.ClientCredentialsAuth)) for module in ADAPTERS}
    assert len(signatures) == 1
    for name in COMMON:
        assert len({str(inspect.signature(getattr(module.ClientCredentialsAuth, name))) for module in ADAPTERS}) == 1


def test_members_of_the_adapters() -> None:
    """The same everywhere, and what only an event loop or httpx needs."""
    common = {*COMMON, "current_token"}
    of_httpx = {
        "aget_token",
        "aget_headers",
        "aprefetch",
        "arevoke",
        "aclose",
        "redirect_guard",
        "aredirect_guard",
        "auth_flow",
        "sync_auth_flow",
        "async_auth_flow",
    }
    by_requests, by_httpx, by_httpx2 = (set(public_members(module.ClientCredentialsAuth)) for module in ADAPTERS)
    assert by_requests == common
    assert by_httpx == by_httpx2 == common | of_httpx


def parameters(function: Any) -> dict[str, Any]:
    """Names and defaults."""
    return {name: each.default for name, each in inspect.signature(function).parameters.items() if name != "self"}


def test_three_arguments_by_position() -> None:
    """Everything beyond the credentials is by name, in class and config alike."""
    for callable_ in (oauth_cc_auth.requests.ClientCredentialsAuth, ClientCredentialsConfig):
        kinds = [(each.name, each.kind) for each in inspect.signature(callable_).parameters.values()]
        assert [name for name, kind in kinds if kind is not inspect.Parameter.KEYWORD_ONLY] == [
            "token_url",
            "client_id",
            "client_secret",
        ]


def test_class_and_config_agree() -> None:
    """Every setting of the config is an argument of the class, with the same default."""
    of_class, of_config = parameters(oauth_cc_auth.requests.ClientCredentialsAuth), parameters(ClientCredentialsConfig)
    assert {name: of_class[name] for name in of_config} == of_config


def test_every_way_to_make_one_agrees() -> None:
    """`from_config` and `from_env` pass on every argument that is not a setting of the config."""
    cls = oauth_cc_auth.requests.ClientCredentialsAuth
    of_class, of_config = parameters(cls), parameters(ClientCredentialsConfig)
    behaviour = {name: default for name, default in of_class.items() if name not in of_config}
    auth = cls.from_config(ClientCredentialsConfig("https://login.example.com/token", "id", "secret"))
    assert sorted(auth._behaviour.arguments()) == sorted(behaviour)


def test_from_config_checks_its_switch() -> None:
    """As the class does: the word "no" does not permit plain http."""
    config = ClientCredentialsConfig("https://login.example.com/token", "id", "secret")
    for module in ADAPTERS:
        with pytest.raises(oauth_cc_auth.ConfigurationError, match=r"^allow_insecure_http must be True or False"):
            module.ClientCredentialsAuth.from_config(config, allow_insecure_http="no")


def test_annotations_can_be_resolved() -> None:
    """Those of the classes themselves, as tools for documentation and dependency injection do."""
    for module in ADAPTERS:
        assert get_type_hints(module.ClientCredentialsAuth)["config"] is ClientCredentialsConfig


def test_the_auth_class_is_not_in_the_package() -> None:
    """Whoever looks for it there is told where it is, however the looking is done."""
    message = (
        "ClientCredentialsAuth is in a module for each library: import it from oauth_cc_auth.requests, "
        "oauth_cc_auth.httpx or oauth_cc_auth.httpx2"
    )
    with pytest.raises(ImportError) as caught:
        from oauth_cc_auth import ClientCredentialsAuth  # noqa: F401
    assert str(caught.value) == message
    with pytest.raises(ImportError) as caught:
        oauth_cc_auth.ClientCredentialsAuth  # noqa: B018
    assert str(caught.value) == message


def test_what_the_package_never_had() -> None:
    """As with every module."""
    assert not hasattr(oauth_cc_auth, "anything")
    with pytest.raises(AttributeError, match=r"^module 'oauth_cc_auth' has no attribute 'anything'$"):
        oauth_cc_auth.anything  # noqa: B018


def _names_of(path: str, *classes: str) -> set[str]:
    """The keys of typed dictionaries, which only type checkers see."""
    tree = ast.parse((Path(oauth_cc_auth.__file__).parent / path).read_text(encoding="utf-8"))
    return {
        item.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in classes
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def test_the_typed_arguments_are_those_of_the_constructors() -> None:
    """`from_env` and `from_config` take what the constructors take; an editor completes it, and a checker checks it."""
    settings = set(inspect.signature(ClientCredentialsConfig).parameters)
    everything = set(inspect.signature(oauth_cc_auth.requests.ClientCredentialsAuth).parameters)
    assert _names_of("_config.py", "SettingArguments") == settings
    assert _names_of("_adapter/base.py", "BehaviourArguments") == (everything - settings) | {"allow_insecure_http"}


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("oauth_cc_auth", "FileStore", "oauth_cc_auth.stores"),
        ("oauth_cc_auth", "LoopbackServer", "oauth_cc_auth.testing"),
        ("oauth_cc_auth.stores", "TokenEndpoint", "oauth_cc_auth"),
        ("oauth_cc_auth.requests", "TlsClientAuthentication", "oauth_cc_auth"),
        ("oauth_cc_auth.httpx", "RedisStore", "oauth_cc_auth.stores"),
        ("oauth_cc_auth.httpx2", "oauth_server", "oauth_cc_auth.testing"),
    ],
)
def test_a_name_that_is_in_another_module(module: str, name: str, home: str) -> None:
    """Whoever imports it from the wrong one is told where it is."""
    with pytest.raises(ImportError, match=f"^{name} is not in {module}: import it from {home}$"):
        exec(f"from {module} import {name}", {})  # noqa: S102  # as a program says it
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        getattr(import_module(module), "Nothing")  # noqa: B009  # of a module whose type is unknown
    assert not hasattr(import_module(module), "__author__")


def test_the_class_in_the_place_of_an_object(oauth_server: LoopbackServer) -> None:
    """The libraries call what they are given with their request, as they do with functions."""
    for library, door in ((requests, "requests"), (httpx, "httpx"), (httpx2, "httpx2")):
        auth = import_module(f"oauth_cc_auth.{door}").ClientCredentialsAuth
        with pytest.raises(ConfigurationError, match=r"\(\.\.\.\) to the .*, an object and not the class$"):
            library.get(oauth_server.api_url, auth=auth)


def test_a_path_in_the_place_of_a_secret() -> None:
    """There is a class for that."""
    with pytest.raises(ConfigurationError, match=r"not PosixPath; pass FromFile\(path\), which reads the file"):
        ClientCredentialsConfig("https://login.example.com/token", "abcd", PosixPath("/run/secret"))  # type: ignore[arg-type]
