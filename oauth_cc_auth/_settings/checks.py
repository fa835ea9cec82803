"""Checks of single settings: each gives back the value as the config keeps it, or says what to pass instead."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from oauth_cc_auth._errors import ConfigurationError, SettingReason, advised_setting
from oauth_cc_auth._http.headers import has_control, is_encodable, is_header_name, is_header_value
from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._http.origin import is_loopback

from .callables import is_async
from .shown import shown_value

if TYPE_CHECKING:
    from oauth_cc_auth._advice import Advice
    from oauth_cc_auth._authentication.base import ClientAuthentication
    from oauth_cc_auth._authentication.dpop import DPoP

# The defaults, which need no check.
_HEADER_NAME, BEARER_PATTERN = "Authorization", "Bearer %s"

Pairs = tuple[tuple[str, Any], ...]  # of names; a value is text or a callable

# That describe the API request itself.
OWN_API_REQUEST_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


def wrong(field: str, problem: str, remedy: str = "", reason: SettingReason = "invalid") -> NoReturn:
    """Raise the error for a `field`; the arguments are its attributes."""
    raise ConfigurationError(field=field, problem=problem, remedy=remedy, reason=reason)


def wrong_with_advice(field: str, problem: str, advice: Advice) -> NoReturn:
    """The same if other settings are part of the remedy, since each face calls them by names of its own."""
    raise advised_setting(ConfigurationError(field=field, problem=problem), advice)


def https_remedy(how: str) -> str:
    """What to do about plain http; `how` says how to permit it."""
    return f"use https or, if you trust the network (service mesh, test host), {how}"


def _instead(field: str, value: object) -> str:
    """What to do about a `value` that is no text; empty if there is no telling what was meant."""
    if value is None:
        return "is the environment variable that it comes from set?"
    if field == "client_secret" and isinstance(value, PathLike):
        return "pass FromFile(path), which reads the file for each token request"
    if field == "token_url" and hasattr(value, "headers"):  # the library calls whatever it is given with its request
        return "pass auth=ClientCredentialsAuth(...) to the session or client, an object and not the class"
    return ""


def text(field: str, value: object) -> str:
    """One line of text that is not blank."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and value.strip():
        return value  # nearly all texts
    if not isinstance(value, str):
        wrong(field, f"must be a str, not {type(value).__name__}", _instead(field, value))
    if not value.strip():
        reason: SettingReason = "missing" if field in _CREDENTIALS else "invalid"
        wrong(field, "is empty", "pass the value that the provider gave you", reason)
    if has_control(value):
        problem = "contains a control character, perhaps a line break at its end"
        wrong(field, problem, "remove it; in Python, str.strip() does")
    if not is_encodable(value):
        wrong(field, *SURROGATE)
    return value


_CREDENTIALS = ("client_id", "client_secret")  # unlike other texts they have no default that can be used
_PLACES = ("token_url", "issuer")  # other URLs need not be there
SURROGATE = "contains a lone surrogate", "decode it with the right encoding first"


_EXAMPLES = {
    "issuer": "https://login.example.com/tenant1",
    "metadata_url": "https://login.example.com/tenant1/.well-known/openid-configuration",
}


def _example(field: str) -> str:
    return f"pass the full URL, such as {_EXAMPLES.get(field, 'https://login.example.com/oauth2/token')}"


def _missing(field: str, problem: str = "is missing") -> NoReturn:
    wrong(field, problem, "pass it; if it comes from an environment variable, is that set?", "missing")


def token_url(value: object, *, allow_insecure_http: bool, field: str = "token_url") -> str:
    """A full https URL that holds no credentials; http for loopback hosts and on request."""
    if field in _PLACES and value is None:
        _missing(field)
    if field in _PLACES and isinstance(value, str) and not value.strip():
        wrong(field, "is empty", _example(field), "missing")
    url = text(field, value)
    if not _is_plain_https(url):
        _check_url(field, url, allow_insecure_http=allow_insecure_http)
    return url


def _check_url(field: str, url: str, *, allow_insecure_http: bool) -> None:
    parts = _parsed(url)
    if parts is None:
        # Raised out here: the parser's exception may quote user info, and would come along as context.
        wrong(field, "has a host or port that cannot be parsed", _example(field))
    host = parts.hostname
    if parts.scheme.lower() not in ("https", "http"):
        quotes = "remove the quotes around it; " if url[0] in "\"'" else ""
        wrong(field, "does not begin with https://", f"{quotes}{_example(field)}")
    if not host:
        wrong(field, "names no host", _example(field))
    if "@" in parts.netloc:
        from oauth_cc_auth._advice import Advice  # seldom needed, as below

        advice = Advice("leave out what is before the @, and pass {client_id} and {client_secret} instead")
        wrong_with_advice(field, "contains user info", advice)
    if "#" in url:
        wrong(field, "contains a fragment, which no server sees (RFC 6749 §3.2)", "leave out what follows '#'")
    if url.split() != [url] or "\\" in url:
        wrong(field, "contains white space or a backslash", _example(field))
    if parts.scheme.lower() == "http" and not allow_insecure_http and not is_loopback(host):
        problem = "is plain http, which would show the secret to everyone on the way"
        remedy = https_remedy(f"pass allow_insecure_http=True together with {field}")
        wrong(field, problem, remedy, "insecure_http")


def _is_plain_https(url: str) -> bool:
    """True for nearly all URLs of token endpoints: there is nothing to parse in a host and a path of plain ASCII."""
    if not url.startswith("https://"):
        return False
    host = url[8:].partition("/")[0]
    return host != "" and not host.strip(_HOST) and url.isascii() and not ("#" in url or " " in url or "\\" in url)


_HOST = ascii_letters + digits + ".-"


def _parsed(url: str) -> SplitResult | None:
    with Ignoring(ValueError):
        parts = urlsplit(url)
        _ = parts.port  # parsed only when asked for
        return parts
    return None


def can_do_without_secret(client_authentication: object) -> bool:
    """True for a strategy that needs no secret."""
    return not getattr(client_authentication, "needs_secret", True)


def client_id(value: object, client_authentication: object) -> str:
    """Text; empty or None only for a strategy that may need none: the grant says who is asking, or no place has it."""
    if value in (None, "") and getattr(client_authentication, "needs_client_id", True) is False:
        return ""
    if value is None:
        _missing("client_id")
    if value == "":  # the default
        _missing("client_id", "is missing or empty")
    return text("client_id", value)


def client_secret(
    value: str | Callable[[], str] | None, client_authentication: object
) -> str | Callable[[], str] | None:
    """Text or a callable; None or empty only for a strategy that may need none."""
    if callable(value):
        if is_async(value):
            remedy = "pass a plain one, which may block: it runs in a worker thread"
            wrong("client_secret", "is an async function", remedy)
        return value
    if value is None and not can_do_without_secret(client_authentication):
        _missing("client_secret")
    return secret_text(value, client_authentication)


def secret_text(value: Any, client_authentication: object) -> str | None:
    """A client secret, passed or returned by a callable; None or empty only for a strategy that may need none."""
    if value is None and can_do_without_secret(client_authentication):
        return None
    # pydantic's SecretStr, and what looks like it, hides a text behind this method.
    revealed = None if type(value) is str else getattr(value, "get_secret_value", None)
    if revealed is not None:
        value = revealed()
    if value == "" and not isinstance(client_authentication, (str, type(None))):
        return ""
    return text("client_secret", value)


def scope(value: str | Iterable[str] | None) -> str | None:
    """Scopes joined by single spaces; None for none."""
    if value is None:
        return None
    words = _words("scope", value, "separate scopes by single spaces")
    return " ".join(words) or None


def resource(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Absolute URIs without a fragment (RFC 8707 §2), each once; none is an empty tuple."""
    if value is None:
        return ()
    uris = tuple(dict.fromkeys(_words("resource", value, "separate resources by spaces")))
    for uri in uris:
        if not re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:.", uri) or _parsed(uri) is None:
            from oauth_cc_auth._advice import Advice

            advice = Advice(
                "pass one such as 'https://api.example.com'; what is none can go into {additional_request_data}"
            )
            wrong_with_advice("resource", "is no absolute URI", advice)
        if "#" in uri:
            wrong("resource", "contains a fragment, which RFC 8707 §2 forbids", "leave out what follows '#'")
    return uris


def _words(field: str, value: str | Iterable[str], remedy: str) -> list[str]:
    """What is between the spaces of one string or of several."""
    items = [value] if isinstance(value, str) else value
    if isinstance(items, (bytes, Mapping)) or not isinstance(items, Iterable):
        wrong(field, f"must be a str or an iterable of str, not {type(value).__name__}")
    words: list[str] = []
    for item in items:
        if not isinstance(item, str):
            wrong(field, f"must hold str only, not {type(item).__name__}")
        if has_control(item):
            wrong(field, "contains a control character", remedy)
        if not is_encodable(item):
            wrong(field, *SURROGATE)
        words += item.split()
    return words


# By their names in RFC 8414, OpenID Connect Discovery and RFC 8705.
_STRATEGIES = {
    "client_secret_jwt": "ClientSecretJwt()",
    "none": "NoClientAuthentication()",
    "private_key_jwt": "PrivateKeyJwt(key)",
    "self_signed_tls_client_auth": "TlsClientAuthentication(certificate)",
    "tls_client_auth": "TlsClientAuthentication(certificate)",
}
_NAMES = ("client_secret_basic", "client_secret_post")
_SHORT_NAMES = {"basic": "client_secret_basic", "post": "client_secret_post"}


def client_authentication(value: object) -> str | ClientAuthentication | None:
    """None, a known name, or a strategy; a class of strategies that needs no arguments stands for an object of it."""
    if value is None:
        return None
    if isinstance(value, str):
        value = _SHORT_NAMES.get(value, value)
        if value in _NAMES:
            return value
        if value in _STRATEGIES:
            problem = f"must be an object for this method, not {value!r}"
            wrong("client_authentication", problem, f"pass {_STRATEGIES[value]}, which is in oauth_cc_auth")
        raise _wrong_method(shown_value(value))
    # Not at the top: most programs pass None.
    from oauth_cc_auth._authentication.base import ClientAuthentication

    if isinstance(value, type) and issubclass(value, ClientAuthentication) and value is not ClientAuthentication:
        with Ignoring(TypeError):  # it needs arguments
            value = value()
    if isinstance(value, ClientAuthentication) and type(value) is not ClientAuthentication:
        is_of_version_0_1 = type(value).credentials_for is ClientAuthentication.credentials_for
        if is_async(value.credentials_for) or (is_of_version_0_1 and is_async(value.authenticate)):
            remedy = "define a plain one, which may block: it runs in a worker thread"
            wrong("client_authentication", "has an async method", remedy)
        return value
    raise _wrong_method(type(value).__name__)


def _wrong_method(given: str) -> ConfigurationError:
    return ConfigurationError(
        field="client_authentication",
        problem=f"must name a known method, not {given}",
        remedy=f"pass None (try both), {', '.join(map(repr, _NAMES))} or an object of a subclass of "
        "ClientAuthentication",
    )


def header_name(value: object) -> str:
    """A header name that does not describe the API request itself."""
    if type(value) is str and value == _HEADER_NAME:
        return value
    name = text("header_name", value)
    if not is_header_name(name):
        wrong("header_name", "is no header name", "pass one such as 'Authorization' or 'X-Access-Token'")
    if name.lower() in OWN_API_REQUEST_HEADERS:
        wrong("header_name", f"cannot be {name}, which describes the request itself")
    return name


def header_value_pattern(value: Any) -> Any:
    """A header value with one ``%s``, or a callable of the token."""
    if type(value) is str and value == BEARER_PATTERN:
        return value
    if callable(value):
        return plain_function("header_value_pattern", value)
    pattern = text("header_value_pattern", value)
    if pattern.count("%s") != 1:
        wrong(
            "header_value_pattern",
            "must contain %s exactly once, in the place of the token",
            "an example is 'Bearer %s'",
        )
    if not is_header_value(pattern):
        wrong("header_value_pattern", "must be printable ASCII without white space at either end")
    return pattern


def plain_function(field: str, value: Any) -> Any:
    """A callable that need not be awaited."""
    if is_async(value):
        wrong(field, "is an async function", "pass a plain one")
    return value


def dpop(value: Any) -> DPoP | None:
    """None, or a `DPoP`."""
    if value is None:
        return None
    module: Any = sys.modules.get("oauth_cc_auth._authentication.dpop")  # if no one has loaded it, this is none
    if module is not None and isinstance(value, module.DPoP):
        return value  # type: ignore[no-any-return]  # as above
    given = "the class" if isinstance(value, type) else type(value).__name__
    wrong("dpop", f"must be a DPoP object, not {given}", "pass DPoP()")
