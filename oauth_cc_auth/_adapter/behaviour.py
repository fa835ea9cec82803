"""Checks of the arguments that say how an auth object behaves, as `_config` checks those of the token request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.origin import NOWHERE, Origin, origin_of
from oauth_cc_auth._record import Record
from oauth_cc_auth._settings.callables import is_async
from oauth_cc_auth._settings.shown import shown_value

if TYPE_CHECKING:
    from typing import TypeGuard

    from oauth_cc_auth._events import OnEvent
    from oauth_cc_auth._stores.protocol import TokenStore

    RenewCondition = Callable[..., bool] | frozenset[int] | Literal[False] | None

# What `typing.get_type_hints` finds.
RenewOn = Callable[[int, Mapping[str, str]], bool] | Callable[[int, Mapping[str, str], bytes | None], bool]

LONGEST_WAIT = 10.0**8  # seconds, three years; threads and sockets cannot wait for much longer


def _wrong(field: str, problem: str, remedy: str = "") -> ConfigurationError:
    return ConfigurationError(field=field, problem=problem, remedy=remedy)


def check_config(value: object) -> ClientCredentialsConfig:
    """`value`, if it is a config."""
    if not isinstance(value, ClientCredentialsConfig):
        remedy = "ClientCredentialsConfig.from_mapping() makes one" if isinstance(value, Mapping) else ""
        raise _wrong("config", f"must be a ClientCredentialsConfig, not {type(value).__name__}", remedy)
    return value


def check_certificate(method: object, token_client: object) -> None:
    """Raise a ConfigurationError if `method` proves the client by a certificate, and nothing or both would present one.

    A strategy of a person's own may have its way of presenting one.
    """
    if method is None or isinstance(method, str):
        return
    from oauth_cc_auth._authentication.base import ClientAuthentication
    from oauth_cc_auth._authentication.order import is_ours

    if not isinstance(method, ClientAuthentication):
        return
    if method.client_certificate is not None:
        if token_client is not None:
            problem = "has a certificate, and a token_client, which is never changed, does not present it"
            remedy = "give the certificate to the token_client, and pass TlsClientAuthentication() without one"
            raise _wrong("client_authentication", problem, remedy)
    elif method.uses_client_certificate and is_ours(method) and token_client is None:
        problem = "has no certificate, and there is no token_client that presents one"
        raise _wrong("client_authentication", problem, "pass TlsClientAuthentication(certificate), or a token_client")


def check_issuer(config: ClientCredentialsConfig, *, resource_metadata: bool) -> None:
    """Raise a ConfigurationError if an API may describe itself, and no issuer is pinned that it could confirm."""
    if resource_metadata and config.issuer is None:
        problem = "is True, and no issuer is set, which is what an API has to confirm"
        raise _wrong("resource_metadata", problem, "pass an Issuer in the place of token_url")


def seconds(field: str, value: object) -> float:
    """A positive, finite number of seconds."""
    if not _is_number(value) or not 0 < value < inf:
        raise _wrong(field, f"must be a positive number of seconds, not {shown_value(value)}")
    return min(value, LONGEST_WAIT)


def yes_or_no(field: str, value: object) -> bool:
    """True or False, and no other value that counts as one of them, such as the word "no"."""
    if not isinstance(value, bool):
        raise _wrong(field, f"must be True or False, not {type(value).__name__}")
    return value


def rules(early_expiry: object, renew_after: object) -> RenewalRules:
    """When a token is renewed."""
    if early_expiry is not None and not (_is_number(early_expiry) and 0 <= early_expiry < inf):
        problem = f"must be a number of seconds, 0 or more, or None for the default, not {shown_value(early_expiry)}"
        raise _wrong("early_expiry", problem)
    if not _is_number(renew_after) or not 0 < renew_after <= 1:
        problem = f"must be a fraction of the token's life, above 0 and up to 1, not {shown_value(renew_after)}"
        raise _wrong("renew_after", problem)
    is_usual = early_expiry is None and renew_after == _USUAL_RULES.renew_after
    return _USUAL_RULES if is_usual else RenewalRules(early_expiry, renew_after)


_USUAL_RULES = RenewalRules()  # one for all auth objects


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def renew_on(value: Any) -> RenewCondition:
    """The condition for a renewal; True means the default, and statuses are a set of theirs."""
    if value is None or value is True:
        return None
    if value is False:
        return False
    if callable(value):
        if is_async(value):
            raise _wrong("renew_on", "must be a plain function: no one awaits what an async one returns")
        condition: Any = value
        return condition  # type: ignore[no-any-return]  # what it takes and returns is seen when it is called
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        statuses: frozenset[Any] = frozenset(value)
        if statuses and all(isinstance(each, int) and 100 <= each <= 599 for each in statuses):
            return statuses
        raise _wrong("renew_on", "must hold HTTP statuses only, such as (401, 419), and at least one")
    raise _wrong(
        "renew_on",
        "must be None (on 401), False (never), statuses such as (401, 419), or a callable that takes status and "
        f"headers, not {type(value).__name__}",
    )


def on_event(value: OnEvent | None) -> OnEvent | None:
    """A hook that can be called; what it returns is ignored, so an async one would do nothing."""
    if value is None:
        return None
    if not callable(value):
        raise _wrong("on_event", f"must be a callable that takes an event, not {type(value).__name__}")
    if is_async(value):
        raise _wrong("on_event", "must be a plain function: no one awaits what an async one returns")
    return value


_METHODS = ("read", "write", "delete", "acquire", "release")


def store(value: TokenStore | None) -> TokenStore | None:
    """A store that has all that a `TokenStore` has, and blocks: no one awaits what an async one returns."""
    if value is None:
        return None
    remedy = "pass a FileStore or a RedisStore of oauth_cc_auth.stores, or what has the methods of its TokenStore"
    methods = [getattr(value, name, None) for name in _METHODS]
    if isinstance(value, type) or not all(map(callable, methods)):
        given = value.__name__ if isinstance(value, type) else type(value).__name__
        raise _wrong("store", f"must be a token store, not {given}", remedy)
    if any(map(is_async, methods)):
        raise _wrong("store", "must have plain methods: they are called in a thread, and no one awaits them")
    return value


def api_origins(value: Iterable[str] | None, wire_url: Callable[[str], str]) -> frozenset[Origin] | None:
    """Origins from URLs; one string counts as one origin.

    `wire_url` gives a URL as the client library sends it: each encodes host names that are not ASCII in its own way.
    """
    if value is None:
        return None
    urls: object = [value] if isinstance(value, str) else value
    if not isinstance(urls, Iterable):
        raise _wrong("api_origins", f"must be an iterable of origins, not {type(value).__name__}", _EXAMPLE)
    origins = frozenset(_api_origin(url, wire_url) for url in urls)
    if not origins:
        raise _wrong("api_origins", "is empty, so that no request would get a token", _EXAMPLE)
    return origins


_EXAMPLE = "pass origins such as 'https://api.example.com'"
_ORIGIN = r"(?i)(https?|wss?)://[^\s*/?#@\\\x00-\x1f\x7f]+/?"  # compiled only if someone names origins


def _api_origin(url: object, wire_url: Callable[[str], str]) -> Origin:
    if not isinstance(url, str):
        raise _wrong("api_origins", f"must hold str only, not {type(url).__name__}", _EXAMPLE)
    origin = _sent_origin(url, wire_url) if re.fullmatch(_ORIGIN, url) else NOWHERE
    if not origin.host:
        problem = "must hold only scheme, host and perhaps port, without wildcards"
        raise _wrong("api_origins", problem, _EXAMPLE)
    return origin


def _sent_origin(url: str, wire_url: Callable[[str], str]) -> Origin:
    scheme, _, rest = url.partition("://")
    # As https, since requests encodes the hosts of http and https only.
    sent = origin_of(wire_url(f"https://{rest}"))
    port = re.search(r":[0-9]+(?=/?$)", rest)
    rest_of_origin = origin_of(f"{scheme}://host{port[0] if port else ''}")
    return Origin(rest_of_origin.scheme, sent.host, rest_of_origin.port) if rest_of_origin.host else NOWHERE


class Behaviour(Record):
    """The checked arguments of an auth object that are not settings of the token request.

    Attributes:
        timeout: Seconds for each token request.
        deadline: Seconds that one caller waits for a token.
        rules: When a token is renewed.
        renew_on: The condition for a renewal after an answer; None: status 401.
        renew_in_background: No request waits for the renewal of an aging token.
        raise_if_not_renewed: Raise what kept a new token away, instead of returning the refusal.
        step_up: Ask for more scope if an API wants it.
        resource_metadata: Ask for the resource and the scope that an API says its tokens are for.
        api_origins: The origins that get the token; None: every origin.
        on_event: The person's hook, or None.
        token_client: The person's client for token requests, or None.
        store: Where processes share their token, or None.
    """

    __slots__ = (
        "api_origins",
        "deadline",
        "on_event",
        "raise_if_not_renewed",
        "renew_in_background",
        "renew_on",
        "resource_metadata",
        "rules",
        "step_up",
        "store",
        "timeout",
        "token_client",
    )

    def __init__(self, given: Mapping[str, Any], wire_url: Callable[[str], str]) -> None:
        self.token_client = given["token_client"]
        self.timeout = seconds("timeout", given["timeout"])
        self.deadline = seconds("deadline", given["deadline"])
        self.rules = rules(given["early_expiry"], given["renew_after"])
        self.renew_on: RenewCondition = renew_on(given["renew_on"])
        self.renew_in_background = yes_or_no("renew_in_background", given["renew_in_background"])
        self.raise_if_not_renewed = yes_or_no("raise_if_not_renewed", given["raise_if_not_renewed"])
        self.step_up = yes_or_no("step_up", given["step_up"])
        self.resource_metadata = yes_or_no("resource_metadata", given.get("resource_metadata", False))
        self.api_origins = api_origins(given["api_origins"], wire_url)
        self.on_event = on_event(given["on_event"])
        self.store = store(given.get("store"))  # pickles of earlier versions have none

    def arguments(self) -> dict[str, Any]:
        """What to pass for another auth object that behaves like this one: values that a pickle may hold."""
        origins = self.api_origins
        return {
            "timeout": self.timeout,
            "deadline": self.deadline,
            "early_expiry": self.rules.early_expiry,
            "renew_after": self.rules.renew_after,
            "renew_on": tuple(sorted(self.renew_on)) if isinstance(self.renew_on, frozenset) else self.renew_on,
            "renew_in_background": self.renew_in_background,
            "raise_if_not_renewed": self.raise_if_not_renewed,
            "step_up": self.step_up,
            "resource_metadata": self.resource_metadata,
            "api_origins": None if origins is None else tuple(map(str, origins)),
            "on_event": self.on_event,
            "token_client": self.token_client,
            "store": self.store,
        }
