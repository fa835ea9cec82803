"""Which methods are tried, and in which order. The one law: no try repeats one that was rejected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .base import ClientAuthentication
from .basic import ClientSecretBasic, is_changed
from .post import ClientSecretPost

_BASIC = ClientSecretBasic()
_POST = ClientSecretPost()
_RAW_BASIC = ClientSecretBasic(percent_encode=False)


# The classes of this package that only compute. Those that few programs use join when they are loaded.
BUILTIN: set[type[ClientAuthentication]] = {ClientSecretBasic, ClientSecretPost}


def is_builtin(method: ClientAuthentication) -> bool:
    """True for the classes of this package that only compute, so that they need no worker thread."""
    return type(method) in BUILTIN


def is_ours(method: ClientAuthentication) -> bool:
    """True for the classes of this package, whose repr shows no secret."""
    return is_builtin(method) or type(method).__module__ == "oauth_cc_auth"


_WHEN_UNSET = (_BASIC, _POST, _RAW_BASIC)
NAMED_METHODS: dict[str, ClientAuthentication] = {_BASIC.name: _BASIC, _POST.name: _POST}


def methods_to_try(
    choice: str | ClientAuthentication | None, *, headers_only: bool = False
) -> tuple[ClientAuthentication, ...]:
    """The strategies for a setting of `client_authentication`, in the order of trial.

    With `headers_only`, none is tried unasked that would put the secret elsewhere: a request without a body has only
    the query of its URL for it.
    """
    if choice is None:
        return (_BASIC, _RAW_BASIC) if headers_only else _WHEN_UNSET
    return (NAMED_METHODS[choice] if isinstance(choice, str) else choice,)


def in_listed_order(methods: Iterable[ClientAuthentication], listed: Sequence[str]) -> tuple[ClientAuthentication, ...]:
    """`methods` in the order in which a server lists them; those that it does not list come last.

    Lists are often wrong, so none is left out.
    """
    places = {name: place for place, name in reversed(list(enumerate(listed)))}
    return tuple(sorted(methods, key=lambda method: places.get(method.name, len(listed))))


def may_want_raw_basic(methods: Sequence[ClientAuthentication], client_id: str, client_secret: str | None) -> bool:
    """True if Basic is the only one of `methods`, and its encoding changes something, which some servers never undo."""
    basic = next((method for method in methods if isinstance(method, ClientSecretBasic)), None)
    is_alone = len(methods) == 1 and basic is not None and basic.percent_encode
    return is_alone and is_changed(client_id, client_secret or "")


def worth_trying(
    method: ClientAuthentication, rejected: ClientAuthentication, client_id: str, client_secret: str | None
) -> bool:
    """False if `method` would repeat what was rejected: Basic and raw Basic, if encoding changes nothing."""
    if {method, rejected} != {_BASIC, _RAW_BASIC}:
        return True
    return is_changed(client_id, client_secret or "")
