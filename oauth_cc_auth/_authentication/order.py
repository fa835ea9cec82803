"""Which methods are tried, and in which order."""

from __future__ import annotations

from .base import ClientAuthentication
from .basic import ClientSecretBasic, percent_encoded
from .post import ClientSecretPost

_BASIC = ClientSecretBasic()
_POST = ClientSecretPost()
_RAW_BASIC = ClientSecretBasic(percent_encode=False)


def is_builtin(method: ClientAuthentication) -> bool:
    """True for the two classes above: they compute and nothing else, so they need no worker thread."""
    return type(method) in (ClientSecretBasic, ClientSecretPost)


_WHEN_UNSET = (_BASIC, _POST, _RAW_BASIC)
NAMED_METHODS: dict[str, ClientAuthentication] = {_BASIC.name: _BASIC, _POST.name: _POST}


def methods_to_try(choice: str | ClientAuthentication | None) -> tuple[ClientAuthentication, ...]:
    """The strategies for a setting of `client_authentication`, in the order of trial."""
    if choice is None:
        return _WHEN_UNSET
    return (NAMED_METHODS[choice] if isinstance(choice, str) else choice,)


def worth_trying(
    method: ClientAuthentication, refused: ClientAuthentication, client_id: str, client_secret: str
) -> bool:
    """False where `method` would repeat what was `refused`: Basic and raw Basic, if encoding changes nothing."""
    if {method, refused} != {_BASIC, _RAW_BASIC}:
        return True
    return percent_encoded(client_id) != client_id or percent_encoded(client_secret) != client_secret
