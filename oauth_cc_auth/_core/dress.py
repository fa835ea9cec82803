"""How a token goes into an API request: the value of its header, and the headers that belong to it.

Both may come from the person's callables, which are given the token. They run once for each token, off the hot path.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import ConfigurationError, TokenError
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._settings import returned
from oauth_cc_auth._token import Token

from .effects import CallFunction, Effect, Raised


class Dress:
    """What an API request carries besides the token itself.

    Attributes:
        header_value: Value of the header with the token.
        api_headers: The others, by name.
    """

    __slots__ = ("api_headers", "header_value")

    def __init__(self, header_value: str, api_headers: Mapping[str, str]) -> None:
        self.header_value = header_value
        self.api_headers = api_headers


def dressed(config: ClientCredentialsConfig, token: Token, budget: float) -> Generator[Effect, Any, Dress | Failure]:
    """How `token` goes into requests; a failure if a callable of the person's gave nothing that a header can have.

    Args:
        config: What says it.
        token: As it was issued.
        budget: Seconds for each callable.
    """
    pattern = config.header_value_pattern
    if callable(pattern):
        value = _checked((yield CallFunction(partial(pattern, token), budget)))
        if isinstance(value, Raised):
            return _failed("header_value_pattern", value)
    else:
        value = pattern.replace("%s", token.access_token)
    headers = {}
    for name, content in config.api_headers:
        if callable(content):
            content = _checked((yield CallFunction(partial(content, token), budget)))  # noqa: PLW2901
            if isinstance(content, Raised):
                return _failed(f"api_headers callable for {name}", content)
        headers[name] = content
    return Dress(value, headers)


def _checked(result: Any) -> str | Raised:
    if isinstance(result, Raised):
        return result
    try:
        return returned.header_value(result)
    except ConfigurationError as error:
        return Raised(str(error))


def _failed(what: str, raised: Raised) -> Failure:
    error = TokenError(f"{what} gave no value: {raised.text}", reason="callable_failed")
    return Failure(error, transient=True)
