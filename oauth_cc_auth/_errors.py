"""What can go wrong, as a tree that a person can catch at the level they care about.

    ValueError
    └── ConfigurationError            a setting is wrong; raised when the config or auth object is made
    Exception
    └── TokenError                    no token for this request; everything below carries `attempts`
        ├── DiscoveryError            the metadata of an issuer does not say where tokens are issued
        ├── TokenEndpointUnreachable  no answer: refused, dropped, TLS, timed out
        ├── TokenEndpointError        the endpoint answered with an error (RFC 6749 §5.2)
        ├── InvalidTokenResponse      it answered 2xx with something that is no usable token
        └── InsecureRequestError      the API request may not carry a token; nothing was sent

Inside the core, errors are values: a flow returns them, a flight hands one to many callers, and only an adapter
raises, an instance of its own for every caller. An adapter raises them as members of its library's tree as well
(see `joined`), so that `except requests.RequestException` and `except httpx.RequestError` keep working.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# all of these classes say they are from.
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from typing import TypeVar

    from oauth_cc_auth._advice import Advice, Words

    TokenErrorT = TypeVar("TokenErrorT", bound="TokenError")

# Why there is no token. Programs compare these, so they stay; later versions may add some. docs/errors.md says what
# each of them means.
Reason = Literal[
    # No answer: `TokenEndpointUnreachable`.
    "unreachable",
    "unreachable_dns",
    "unreachable_refused",
    "unreachable_network",
    "connection_lost",
    "timed_out",
    "deadline",
    "proxy_failed",
    "proxy_refused",
    "tls_failed",
    "tls_untrusted",
    "tls_expired",
    "tls_not_yet_valid",
    "tls_wrong_host",
    "tls_client_certificate",
    "tls_client_certificate_refused",
    "tls_not_spoken",
    "invalid_url",
    "client_closed",
    "client_of_another_loop",
    "client_uses_proxy",
    # An answer that is an error: `TokenEndpointError`.
    "rejected",
    "unauthorized",
    "access_denied",
    "invalid_client",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "method_not_allowed",
    "not_found",
    "rate_limited",
    "redirected",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "use_dpop_nonce",
    # An answer without a token that can be used: `InvalidTokenResponse`.
    "no_access_token",
    "bound_token_type",
    "unbound_token_type",
    "cut_off",
    "empty_body",
    "not_json",
    "unreadable_body",
    "unsafe_token",
    "web_page",
    # No token endpoint is known: `DiscoveryError`. Or a reason why there was no answer.
    "issuer_mismatch",
    "no_metadata",
    "unusable_metadata",
    # Nothing was sent: `TokenError` itself and `InsecureRequestError`.
    "other",
    "asked_itself",
    "callable_failed",
    "insecure_request",
    "tokens_refused",
    "wrong_client_kind",
]

if TYPE_CHECKING:
    _Four = tuple[str, int | None, str | None, str | None]
else:
    _Four = tuple  # with brackets it takes longer

# What is wrong with a setting, as far as it is said in other words on the command line, in the environment or HTTPie.
SettingReason = Literal["invalid", "insecure_http", "missing", "not_a_setting", "unknown"]


class Attempt(_Four):
    """One token request and how it ended: a tuple of the first four attributes, which decide what is equal.

    Attributes:
        method: How the client authenticated, such as ``client_secret_basic``.
        status_code: HTTP status of the answer; None if there was none.
        error: OAuth error code of the answer (RFC 6749 §5.2), or None.
        error_description: The server's own words or the transport's, secrets removed; or None.
        reason: Why it brought no token, as a code; see `TokenError`. None if that is not known.
        retry_after: Seconds that the server asks to wait, or None.
    """

    # By hand, because a NamedTuple writes and compiles code when it is imported.
    __match_args__ = ("method", "status_code", "error", "error_description")

    # Also what attempts from pickles of version 0.1 have.
    reason: Reason | None = None
    retry_after: float | None = None

    def __new__(
        cls,
        method: str,
        status_code: int | None = None,
        error: str | None = None,
        error_description: str | None = None,
        *,
        reason: "Reason | None" = None,  # as text, since `|` looks at all sixty each time
        retry_after: float | None = None,
    ) -> "Attempt":
        made = super().__new__(cls, (method, status_code, error, error_description))
        made.reason = reason
        made.retry_after = retry_after
        return made

    def __getnewargs__(self) -> tuple[str, int | None, str | None, str | None]:
        return self.method, self.status_code, self.error, self.error_description

    @property
    def method(self) -> str:
        """How the client authenticated."""
        return self[0]

    @property
    def status_code(self) -> int | None:
        """HTTP status of the answer."""
        return self[1]

    @property
    def error(self) -> str | None:
        """OAuth error code of the answer."""
        return self[2]

    @property
    def error_description(self) -> str | None:
        """The server's own words or the transport's."""
        return self[3]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, self, strict=True))
        return f"Attempt({fields})"

    def __str__(self) -> str:
        parts = [str(self.status_code) if self.status_code is not None else "no answer"]
        if self.error:
            parts.append(self.error)
        if self.error_description:
            parts.append(f"({self.error_description})")
        return f"{self.method}: {' '.join(parts)}"


class ConfigurationError(ValueError):
    """A setting cannot be right.

    Its text is made of the attributes: the name of the setting, the problem, and the remedy. An error that was made
    of one message has only that, as its `problem`.

    Attributes:
        field: The setting, by the name of its argument, such as ``token_url``; the first one if there are several.
            None if it is about no single setting.
        problem: What is wrong with it, without its value if that may be a secret.
        remedy: What to do; empty if the problem says it all.
        reason: What kind of problem it is: ``"missing"``; ``"unknown"``, no setting of that name; ``"not_a_setting"``,
            an argument of the auth object that is no setting of the config; ``"insecure_http"``; else ``"invalid"``.
        name: What the person calls the setting: an argument, a label, a variable or an option. None without `field`.
    """

    _advice_parts: tuple[Any, ...] | None = None  # as in a `TokenError`

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        problem: str = "",
        remedy: str = "",
        reason: SettingReason = "invalid",
        name: str | None = None,
    ) -> None:
        self.field = field
        self.problem: str = problem or message or ""
        self.remedy = remedy
        self.reason: SettingReason = reason
        self.name: str | None = field if name is None else name
        if message is None:
            message = _sentence(f"{self.name} {problem}" if self.name else problem, remedy)
        super().__init__(message)


def renamed(error: ConfigurationError, field: str) -> ConfigurationError:
    """`error` about the same setting by another name."""
    return ConfigurationError(field=field, problem=error.problem, remedy=error.remedy, reason=error.reason)


def named(error: ConfigurationError, name: str | None, remedy: str | None = None) -> ConfigurationError:
    """`error`, about a setting that the person calls `name`, and with the remedy that there is in that place."""
    return ConfigurationError(
        field=error.field,
        problem=error.problem,
        remedy=error.remedy if remedy is None else remedy,
        reason=error.reason,
        name=name,
    )


def advised_setting(error: ConfigurationError, advice: "Advice") -> ConfigurationError:
    """`error`, which is new and has no remedy, with what to do about it; see `advised`."""
    made = named(error, error.name, str(advice))
    made._advice_parts = advice.parts
    return made


class TokenError(Exception):
    """No token can be had, or none may be sent, for this request.

    Args:
        message: What happened.
        attempts: See below, as the others.

    Attributes:
        message: What happened and what to do about it, without any secret.
        problem: What happened, which is the first part of `message`.
        remedy: What to do about it, in a program; empty if nothing is known that would help.
        reason: Why, as a code for programs; see `Reason` and docs/errors.md.
        attempts: Every token request behind this error, oldest first; and every request for the metadata of an issuer.
        mended_by: The setting that would mend it and its value, such as ``("issuer", "https://login.example.com")``;
            the value is empty if any will do. None if that is not known.
        held_for: Seconds for which the token endpoint is not asked again, since it keeps failing; None for no such
            hold. `invalidate()` of the auth object ends it.
    """

    reason: Reason = "other"
    remedy: str = ""
    mended_by: tuple[str, str] | None = None
    held_for: float | None = None
    _advice_parts: tuple[Any, ...] | None = None  # of an `Advice`; `remedy` is that in the words for a program
    _library_class: type[Exception] | None = None

    def __init__(
        self, message: str, *, attempts: tuple[Attempt, ...] = (), reason: "Reason | None" = None, remedy: str = ""
    ) -> None:
        self.problem = message
        self.attempts = attempts
        if reason is not None:
            self.reason = reason
        if remedy:
            self.remedy = remedy
        self.message: str = _sentence(message, remedy)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The request stays behind: it may hold files, sockets and the person's own secrets.
        state = {key: value for key, value in self.__dict__.items() if key not in _LIVE_ATTRIBUTES}
        bases = type(self).__mro__
        core: type[TokenError] = next(cls for cls in bases if "_library_class" not in vars(cls) or cls is TokenError)
        # A method of the class, so that a pickle names the class and not the module that it is in.
        return core._restored, (self._library_class, self.message, state)

    @classmethod
    def _restored(cls, library_class: type[Exception] | None, message: str, state: dict[str, Any]) -> "TokenError":
        return _made(cls if library_class is None else joined(cls, library_class), message, state)


class DiscoveryError(TokenError):
    """The metadata of an issuer does not say where tokens are issued (RFC 8414).

    Its `attempts` are the documents that were asked for: `method` is ``"metadata"``, and `error_description` names the
    URL and says what came of it.
    """

    reason: Reason = "no_metadata"


class TokenEndpointUnreachable(TokenError):  # noqa: N818  # an error by its base; the name says what is wrong
    """The token endpoint gave no answer: refused, dropped, not trusted, or too slow.

    Attributes:
        timed_out: True if time ran out, False if the connection failed.
    """

    reason: Reason = "unreachable"
    timed_out: bool = False


class TokenEndpointError(TokenError):
    """The token endpoint answered with an error (RFC 6749 §5.2).

    Attributes:
        status_code: HTTP status of the decisive answer.
        error: OAuth error code, such as ``invalid_client``; None if the answer named none.
        error_description: The server's explanation, secrets removed; or None.
        error_uri: Where the server documents the error; or None.
    """

    reason: Reason = "rejected"
    status_code: int | None = None
    error: str | None = None
    error_description: str | None = None
    error_uri: str | None = None


class InvalidTokenResponse(TokenError):  # noqa: N818  # as above
    """The token endpoint answered 2xx, but the answer holds no token that can be used."""

    reason: Reason = "no_access_token"


class InsecureRequestError(TokenError):
    """The API request would carry the token over plain http. Nothing was sent."""

    reason: Reason = "insecure_request"


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


def with_message(error: TokenError, message: str) -> TokenError:
    """A copy of `error` with another message."""
    return _made(type(error), message, error.__dict__)


def with_facts(
    error: TokenError,
    *,
    attempts: tuple[Attempt, ...] = (),
    hint: "Advice | None" = None,
    held_for: float | None = None,
) -> TokenError:
    """A copy of `error` that says more.

    Args:
        attempts: Every token request behind it, oldest first; none keeps those that it has.
        hint: One more piece of advice.
        held_for: Seconds for which the token endpoint is not asked again.
    """
    copy = with_message(error, error.message)
    copy.attempts = attempts or error.attempts
    copy.held_for = error.held_for if held_for is None else held_for
    from ._advice import PYTHON, Advice, as_it_is, together  # seldom needed

    advice = together(Advice.of(error._advice_parts) if error._advice_parts else as_it_is(error.remedy), hint)
    if advice is not None:
        copy._advice_parts, copy.remedy = advice.parts, str(advice)
    return with_message(copy, worded(copy, PYTHON))


def advised(error: "TokenErrorT", advice: "Advice | None") -> "TokenErrorT":
    """`error`, which is new and has no remedy, with what to do about it. It can then be `worded` for each face."""
    if advice is not None:
        error._advice_parts = advice.parts
        error.remedy = str(advice)
        error.message = _sentence(error.problem, error.remedy)
        error.args = (error.message,)
    return error


def remedy_in(error: TokenError | ConfigurationError, words: "Words") -> str:
    """The remedy of `error` in the words of a face; as it is if no face has other words for it."""
    if error._advice_parts is None:
        return error.remedy
    from ._advice import Advice

    return Advice.of(error._advice_parts).worded(words)


def worded(error: TokenError, words: "Words") -> str:
    """The facts of `error` as a message, in the words of a face."""
    message = _sentence(error.problem, remedy_in(error, words))
    if len(error.attempts) > 1:
        message += f". Tried: {_format_attempts(error.attempts)}"
    if error.held_for is not None:
        message += f". Not asked again for {max(error.held_for, 0.1):.1f} s"
        end_of_hold = words.ways["end_of_hold"]
        if end_of_hold:
            message += f" ({end_of_hold})"
    return message


def _sentence(problem: str, remedy: str) -> str:
    return f"{problem}; {remedy}" if remedy else problem


def _format_attempts(attempts: tuple[Attempt, ...]) -> str:
    """The attempts in their order, equal ones in a row as one."""
    rows: list[tuple[str, int]] = []
    for text in map(str, attempts):
        if rows and rows[-1][0] == text:
            rows[-1] = text, rows[-1][1] + 1
        else:
            rows.append((text, 1))
    return "; ".join(text if times == 1 else f"{text}, {times} times" for text, times in rows)


def _made(cls: type[TokenError], message: str, state: dict[str, Any]) -> TokenError:
    made = cls(message)
    made.__dict__.update(state, message=message)
    return made


def _revive(  # pyright: ignore[reportUnusedFunction]  # pickles use it
    core: type[TokenError], library_class: type[Exception] | None, message: str, state: dict[str, Any]
) -> TokenError:
    """What pickles of version 0.1 call."""
    return core._restored(library_class, message, state)


# Set by the client libraries' own exception classes.
_LIVE_ATTRIBUTES = frozenset({"request", "_request", "response"})
