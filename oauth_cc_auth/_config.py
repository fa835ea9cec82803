"""What a person sets: validated once, frozen, and silent about its secrets.

Every check happens when the config is made, so that a wrong setting is found at start-up, by name, and not at the
first request in the night.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ._client_authentication import NAMED_METHODS, ClientAuthentication
from ._errors import ConfigurationError
from ._origin import is_loopback
from ._redact import MASK, shown_url

Pairs = tuple[tuple[str, str], ...]
PairsSetting = Mapping[str, Any] | Iterable[tuple[str, Any]]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.1
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?")  # RFC 9110 §5.5, without obs-text

# Headers that frame the message or authenticate the client: set by us, or the request would contradict itself.
_OWN_TOKEN_REQUEST_HEADERS = {
    "authorization": "client authentication has its own setting, client_authentication (a strategy object can set it)",
    "content-length": "it follows from the body",
    "transfer-encoding": "it follows from the body",
    "host": "it follows from token_url",
}
_OWN_API_REQUEST_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


class ClientCredentialsConfig:
    """The settings of one client at one token endpoint (RFC 6749 §4.4). Immutable; its repr shows no secret.

    Args:
        token_url: Full URL of the token endpoint; a query in it is kept. https, unless the host is a loopback one.
        client_id: Identifier of the client.
        client_secret: Its secret, or a callable without arguments that returns it. The callable is asked before each
            token request, in a worker thread where an event loop is running, so it may block.
        scope: One string with single spaces between scopes, or an iterable of scopes; None asks for the default.
        client_authentication: None tries HTTP Basic and then the request body; ``"client_secret_basic"`` or
            ``"client_secret_post"`` uses exactly that; or a `ClientAuthentication` of your own.
        header_name: API request header that carries the token.
        header_value_pattern: Its value; ``%s``, exactly once, stands for the token.
        grant_type: Replaces ``client_credentials`` for servers with a grant of their own (Zoom:
            ``account_credentials``).
        additional_headers: More headers of the token request, as a mapping or pairs (SAP Ariba: ``APIKey``).
        additional_request_data: More body fields of the token request, as a mapping (a list as value repeats the
            key) or pairs (Auth0: ``audience``). May replace ``grant_type``.
        allow_insecure_http: Permit plain http to hosts other than loopback, for the token request and the API.

    Raises:
        ConfigurationError: a value cannot be right; the message names the field and the remedy.
    """

    token_url: str
    client_id: str
    client_secret: str | Callable[[], str]
    scope: str | None
    client_authentication: str | ClientAuthentication | None
    header_name: str
    header_value_pattern: str
    grant_type: str
    additional_headers: Pairs
    additional_request_data: Pairs
    allow_insecure_http: bool

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Callable[[], str],
        *,
        scope: str | Iterable[str] | None = None,
        client_authentication: str | ClientAuthentication | None = None,
        header_name: str = "Authorization",
        header_value_pattern: str = "Bearer %s",
        grant_type: str = "client_credentials",
        additional_headers: PairsSetting | None = None,
        additional_request_data: PairsSetting | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        if not isinstance(allow_insecure_http, bool):
            _wrong("allow_insecure_http", "must be True or False")
        data = _request_data(additional_request_data)
        scope = _scope(scope)
        if scope is not None and any(key == "scope" for key, _ in data):
            _wrong("scope", "is also in additional_request_data; set it in one place")
        self.__dict__.update(
            token_url=_token_url(token_url, allow_insecure_http=allow_insecure_http),
            client_id=_text("client_id", client_id),
            client_secret=_client_secret(client_secret, client_authentication),
            scope=scope,
            client_authentication=_client_authentication(client_authentication),
            header_name=_header_name(header_name),
            header_value_pattern=_header_value_pattern(header_value_pattern),
            grant_type=_text("grant_type", grant_type),
            additional_headers=_headers(additional_headers),
            additional_request_data=data,
            allow_insecure_http=allow_insecure_http,
        )

    @classmethod
    def from_mapping(
        cls, settings: Mapping[str, Any], *, allow_insecure_http: bool | None = None
    ) -> ClientCredentialsConfig:
        """A config from the labels of a connector form or from our own names.

        Labels count in any case and with spaces, ``_`` or ``-``; a blank value means unset.

        Raises:
            ConfigurationError: an unknown label (the message names the nearest known one), a missing or wrong value.
        """
        from ._settings import arguments_from_mapping

        return cls(**arguments_from_mapping(settings, allow_insecure_http))

    @classmethod
    def from_env(cls, prefix: str = "OAUTH_CC_", *, allow_insecure_http: bool | None = None) -> ClientCredentialsConfig:
        """A config from environment variables: the prefix and a field's name in capitals, ``OAUTH_CC_TOKEN_URL``.

        Headers and request data are JSON objects, or ``name=value`` pairs joined by ``&`` as in a form.

        Raises:
            ConfigurationError: a missing or wrong value; the message names the variable.
        """
        from ._settings import arguments_from_env

        return cls(**arguments_from_env(prefix, allow_insecure_http))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"ClientCredentialsConfig is immutable; make a new one to change {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"ClientCredentialsConfig is immutable; {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, ClientCredentialsConfig) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.token_url, self.client_id, self.scope))

    def __repr__(self) -> str:
        shown = dict(self.__dict__, token_url=shown_url(self.token_url), client_secret=MASK)
        for name in ("additional_headers", "additional_request_data"):
            shown[name] = tuple((key, MASK) for key, _ in shown[name])
        return f"ClientCredentialsConfig({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def _wrong(field: str, problem: str) -> NoReturn:
    raise ConfigurationError(f"{field} {problem}")


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        _wrong(field, f"must be a str, not {type(value).__name__}")
    if not value.strip():
        _wrong(field, "is empty; pass the value that the provider gave you")
    if _CONTROL.search(value):
        _wrong(
            field,
            "contains a control character, perhaps a line break at its end; pass it without (str.strip())",
        )
    if not _encodable(value):
        _wrong(field, "contains a lone surrogate; decode it with the right encoding first")
    return value


def _encodable(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _token_url(value: object, *, allow_insecure_http: bool) -> str:
    url = _text("token_url", value)
    example = "pass the full URL, such as https://login.example.com/oauth2/token"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        _wrong("token_url", f"has a host or port that cannot be parsed; {example}")
    if parts.scheme.lower() not in ("https", "http"):
        _wrong("token_url", f"has no scheme https; {example}")
    if not host:
        _wrong("token_url", f"names no host; {example}")
    if "@" in parts.netloc:
        _wrong("token_url", "contains user info; pass client_id and client_secret as arguments instead")
    if "#" in url:
        _wrong(
            "token_url",
            "contains a fragment, which no server sees (RFC 6749 §3.2); leave out what follows '#'",
        )
    if "\\" in url or any(character.isspace() for character in url):
        _wrong("token_url", f"contains white space or a backslash; {example}")
    if parts.scheme.lower() == "http" and not allow_insecure_http and not is_loopback(host):
        _wrong(
            "token_url",
            "is plain http, which would show the secret to everyone on the way; use https, or pass "
            "allow_insecure_http=True to ClientCredentialsAuth where the network is trusted (service mesh, test host)",
        )
    return url


def _client_secret(value: object, client_authentication: object) -> str | Callable[[], str]:
    if callable(value):
        return value
    if value == "" and not isinstance(client_authentication, (str, type(None))):
        return ""  # a strategy of the person's own may need none
    return _text("client_secret", value)


def checked_secret(value: object) -> str:
    """What a `client_secret` callable returned, if it can be used.

    Raises:
        ConfigurationError: it is no text, empty, or contains control characters.
    """
    return _text("client_secret", value)


def _scope(value: str | Iterable[str] | None) -> str | None:
    if value is None:
        return None
    items = [value] if isinstance(value, str) else value
    if isinstance(items, (bytes, Mapping)) or not isinstance(items, Iterable):
        _wrong("scope", f"must be a str or an iterable of str, not {type(value).__name__}")
    words: list[str] = []
    for item in items:
        if not isinstance(item, str):
            _wrong("scope", f"must hold str only, not {type(item).__name__}")
        if _CONTROL.search(item):
            _wrong("scope", "contains a control character; separate scopes by single spaces")
        words += item.split()
    return " ".join(words) or None


def _client_authentication(value: object) -> str | ClientAuthentication | None:
    if value is None or isinstance(value, ClientAuthentication):
        return value
    if isinstance(value, str) and value in NAMED_METHODS:
        return value
    _wrong(
        "client_authentication",
        f"must be None (try both), {', '.join(map(repr, NAMED_METHODS))} or a ClientAuthentication, not "
        + (repr(value) if isinstance(value, str) else type(value).__name__),
    )


def _header_name(value: object) -> str:
    name = _text("header_name", value)
    if not _HEADER_NAME.fullmatch(name):
        _wrong("header_name", "is no header name; pass one such as 'Authorization' or 'X-Access-Token'")
    if name.lower() in _OWN_API_REQUEST_HEADERS:
        _wrong("header_name", f"cannot be {name}, which describes the request itself")
    return name


def _header_value_pattern(value: object) -> str:
    pattern = _text("header_value_pattern", value)
    if pattern.count("%s") != 1:
        _wrong("header_value_pattern", "must contain %s exactly once, where the token goes, as in 'Bearer %s'")
    if not _HEADER_VALUE.fullmatch(pattern):
        _wrong("header_value_pattern", "must be printable ASCII without white space at either end")
    return pattern


def _pairs(field: str, value: object) -> Iterable[tuple[str, Any]]:
    if value is None:
        return
    items = value.items() if isinstance(value, Mapping) else value
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        _wrong(field, f"must be a mapping or pairs, not {type(value).__name__}")
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            _wrong(field, "must consist of pairs of a name and a value")
        name = _text(f"a name in {field}", item[0])
        for single in item[1] if isinstance(item[1], (list, tuple)) else (item[1],):
            yield name, single


def _headers(value: PairsSetting | None) -> Pairs:
    headers: list[tuple[str, str]] = []
    for name, content in _pairs("additional_headers", value):
        if not _HEADER_NAME.fullmatch(name):
            _wrong("additional_headers", f"contains {name!r}, which is no header name")
        if name.lower() in _OWN_TOKEN_REQUEST_HEADERS:
            _wrong("additional_headers", f"cannot set {name}: {_OWN_TOKEN_REQUEST_HEADERS[name.lower()]}")
        if any(name.lower() == known.lower() for known, _ in headers):
            _wrong("additional_headers", f"sets {name} twice; join the values by a comma")
        if not isinstance(content, str) or not (content == "" or _HEADER_VALUE.fullmatch(content)):
            _wrong(
                "additional_headers",
                f"has a value for {name} that is no header value; pass printable ASCII without white space at either end",
            )
        headers.append((name, content))
    return tuple(headers)


def _request_data(value: PairsSetting | None) -> Pairs:
    data: list[tuple[str, str]] = []
    for name, content in _pairs("additional_request_data", value):
        if name in ("client_id", "client_secret"):
            _wrong(
                "additional_request_data",
                f"cannot contain {name}; pass it as an argument, with client_authentication='client_secret_post' "
                "to send it in the body",
            )
        if content is None:
            continue
        if isinstance(content, bool) or not isinstance(content, (str, int)):
            _wrong(
                "additional_request_data",
                f"has a value for {name} that is neither str nor int; pass it as str",
            )
        if any(known == name == "grant_type" for known, _ in data):
            _wrong("additional_request_data", "contains grant_type twice; keep one")
        if not _encodable(str(content)):
            _wrong(
                "additional_request_data",
                f"has a value for {name} with a lone surrogate; decode it rightly first",
            )
        data.append((name, str(content)))
    return tuple(data)
