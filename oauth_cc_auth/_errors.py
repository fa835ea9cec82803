"""What can go wrong, as a tree that a person can catch at the level they care about.

    ValueError
    └── ConfigurationError            a setting is wrong; raised when the config or auth object is made
    Exception
    └── TokenError                    no token for this request; everything below carries `attempts`
        ├── TokenEndpointUnreachable  no answer: refused, dropped, TLS, timed out
        ├── TokenEndpointError        the endpoint answered with an error (RFC 6749 §5.2)
        ├── InvalidTokenResponse      it answered 2xx with something that is no usable token
        └── InsecureRequestError      the API request may not carry a token; nothing was sent

Inside the core, errors are values: a flow returns them, a flight hands one to many callers, and only an adapter
raises, an instance of its own for every caller. An adapter raises them as members of its library's tree as well
(see `joined`), so that `except requests.RequestException` and `except httpx.RequestError` keep working.
"""

# Not `from __future__ import annotations`: NamedTuple would compile each of these strings when it is imported.
from typing import Any, NamedTuple


class Attempt(NamedTuple):
    """One token request and how it ended.

    Attributes:
        method: How the client authenticated, such as ``client_secret_basic``.
        status_code: HTTP status of the answer; None when there was none.
        error: OAuth error code of the answer (RFC 6749 §5.2), or None.
        error_description: The server's own words or the transport's, secrets removed; or None.
    """

    method: str
    status_code: int | None = None
    error: str | None = None
    error_description: str | None = None

    def __str__(self) -> str:
        parts = [str(self.status_code) if self.status_code is not None else "no answer"]
        if self.error:
            parts.append(self.error)
        if self.error_description:
            parts.append(f"({self.error_description})")
        return f"{self.method}: {' '.join(parts)}"


class ConfigurationError(ValueError):
    """A setting cannot be right. The message names the field and what to pass instead."""


class TokenError(Exception):
    """No token can be had, or none may be sent, for this request.

    Attributes:
        message: What happened and what to do about it, without any secret.
        attempts: Every token request behind this error, oldest first.
    """

    _library_class: type[Exception] | None = None

    def __init__(self, message: str, *, attempts: tuple[Attempt, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.attempts = attempts

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The request stays behind: it may hold files, sockets and the person's own secrets.
        state = {key: value for key, value in self.__dict__.items() if key not in _LIVE_ATTRIBUTES}
        core = next(cls for cls in type(self).__mro__ if "_library_class" not in cls.__dict__ or cls is TokenError)
        return _revive, (core, self._library_class, self.message, state)


class TokenEndpointUnreachable(TokenError):  # noqa: N818  # an error by its base; the name says what is wrong
    """The token endpoint gave no answer: refused, dropped, not trusted, or too slow.

    Attributes:
        timed_out: True where time ran out, False where the connection failed.
    """

    timed_out = False


class TokenEndpointError(TokenError):
    """The token endpoint answered with an error (RFC 6749 §5.2).

    Attributes:
        status_code: HTTP status of the decisive answer.
        error: OAuth error code, such as ``invalid_client``; None when the answer named none.
        error_description: The server's explanation, secrets removed; or None.
        error_uri: Where the server documents the error; or None.
    """

    status_code: int | None = None
    error: str | None = None
    error_description: str | None = None
    error_uri: str | None = None


class InvalidTokenResponse(TokenError):  # noqa: N818  # as above
    """The token endpoint answered 2xx, but the answer holds no token that can be used."""


class InsecureRequestError(TokenError):
    """The API request would carry the token over plain http. Nothing was sent."""


def joined(core: type[TokenError], library_class: type[Exception]) -> type[TokenError]:
    """The class that is both `core` and `library_class`: what an adapter raises.

    Made on demand and kept, so that two errors of one kind have one class; pickling names the two parents instead
    of this class, which has no importable name.
    """
    made = _joined.get((core, library_class))
    if made is None:
        members = {"__module__": core.__module__, "__doc__": core.__doc__, "_library_class": library_class}
        # setdefault: of two threads that make it at once, both get the same one.
        made = _joined.setdefault((core, library_class), type(core.__name__, (core, library_class), members))
    return made


_joined: dict[tuple[type[TokenError], type[Exception]], type[TokenError]] = {}


def for_caller(error: TokenError, library_class: type[Exception]) -> TokenError:
    """A new instance of `error` for one caller, as a member of `library_class` too."""
    return _made(joined(type(error), library_class), error.message, error.__dict__)


def with_message(error: TokenError, message: str, attempts: tuple[Attempt, ...] | None = None) -> TokenError:
    """A copy of `error` with another message and, unless None, other attempts."""
    state = error.__dict__ if attempts is None else {**error.__dict__, "attempts": attempts}
    return _made(type(error), message, state)


def _made(cls: type[TokenError], message: str, state: dict[str, Any]) -> TokenError:
    made = cls(message)
    made.__dict__.update(state, message=message)
    return made


def _revive(
    core: type[TokenError], library_class: type[Exception] | None, message: str, state: dict[str, Any]
) -> TokenError:
    return _made(core if library_class is None else joined(core, library_class), message, state)


# Set by the client libraries' own exception classes.
_LIVE_ATTRIBUTES = frozenset({"request", "_request", "response"})

for _class in (
    Attempt,
    ConfigurationError,
    TokenError,
    TokenEndpointUnreachable,
    TokenEndpointError,
    InvalidTokenResponse,
    InsecureRequestError,
):
    # Tracebacks name what a person can import.
    _class.__module__ = "oauth_cc_auth"
del _class
