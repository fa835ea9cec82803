"""What a diagnosis found out: plain values without secrets and without opinions.

Opinions are in the rules, words and columns in the reports. Every text that others wrote has been through `redact`
before it gets here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from oauth_cc_auth._advice import Words
from oauth_cc_auth._cli.terminal.wording import COMMAND
from oauth_cc_auth._errors import Reason

from .connection_facts import Connection


@dataclass(frozen=True)
class Question:
    """What is being checked.

    Attributes:
        token_url: In a form that may be shown; the issuer's URL until its metadata names another one.
        issuer: Whose metadata names the token endpoint, in a form that may be shown; None if `token_url` was given.
        api_url: In a form that may be shown; None if no API is called.
        secure: token_url is https.
        host: Its host, in lower case.
        method: Name of the one client authentication that is configured; None: all are tried.
        scope: Scopes asked for, separated by single spaces, or None.
        data_names: Names of the additional fields in the body.
        described: Names of the settings that describe the endpoint.
        oddities: Sentences about what looks wrong with id and secret.
    """

    token_url: str
    api_url: str | None
    secure: bool
    host: str
    client_id: str
    method: str | None
    grant_type: str
    scope: str | None
    data_names: tuple[str, ...]
    header_name: str
    header_value_pattern: str
    issuer: str | None = None
    described: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True)
class HttpAnswer:
    """What an HTTP answer shows, whatever it means.

    Attributes:
        web_page: It is HTML, by its type or by its first byte.
        empty: It has no body.
        location: The target of a redirect, in a form that may be shown; None if it is not one.
        skew: Seconds by which the server's clock is ahead of ours; None without a usable ``Date``.
        retry_after: Seconds that it asks to wait, or None.
        via: The intermediaries that it names; None without any.
        challenge: Its ``WWW-Authenticate``; None without one.
        excerpt: The title of a web page, or the first words of an error; None if there are none.
    """

    status: int
    content_type: str = ""
    web_page: bool = False
    empty: bool = False
    location: str | None = None
    skew: float | None = None
    retry_after: float | None = None
    via: str | None = None
    challenge: str | None = None
    excerpt: str | None = None


AttemptOutcome = Literal["token", "refused", "unusable", "no_answer", "not_sent"]


@dataclass(frozen=True)
class AttemptFacts:
    """One token request by one client authentication method.

    Attributes:
        outcome: A token; an error; 2xx without a usable token; no answer; or the request could not be made.
        seconds: How long it took.
        answer: What came back; None if nothing did.
        error: OAuth error code; None if the answer named none.
        description: The server's words; the transport's if there was no answer; ours if there was no token.
        next_is_tried: After this answer the plugin tries the next method.
        reason: Why there is no token, as a code; None if there is one, or nothing was sent.
        bound: The token is bound to a key.
        proof: What the client proved itself with, if that is no secret: the audience of an assertion, a certificate.
        timed_out: Time ran out.
        likely_path: Where the answer may have its token, as a path for response_fields; None if there is none.
    """

    method: str
    outcome: AttemptOutcome
    seconds: float
    answer: HttpAnswer | None = None
    error: str | None = None
    description: str | None = None
    next_is_tried: bool = False
    reason: Reason | None = None
    bound: bool = False
    timed_out: bool = False
    proof: str | None = None
    likely_path: str | None = None

    @property
    def status(self) -> int | None:
        """HTTP status of the answer; None without one."""
        return None if self.answer is None else self.answer.status


@dataclass(frozen=True)
class JwtFacts:
    """What a JWT (RFC 7519) says. It is not verified.

    Attributes:
        claims: None if they are encrypted.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any] | None


@dataclass(frozen=True)
class TokenFacts:
    """Everything about the token but itself.

    Attributes:
        method: The client authentication that got it.
        masked: Its first characters if it is long, otherwise only a mask.
        length: Characters.
        token_type: Its type in the server's words; None if it named none.
        lifetime: Seconds; None if the server named no usable lifetime.
        asked_scope: Scopes asked for.
        granted_scope: Scopes that the server names; None if it names none.
        other_members: Names of the other members of the answer.
        jwt: What it says, if it is a JWT.
        lifetime_problem: Why its lifetime cannot be read where the settings say it is; None if it can, or need not be.
    """

    method: str
    masked: str
    length: int
    token_type: str | None
    lifetime: float | None
    asked_scope: tuple[str, ...]
    granted_scope: tuple[str, ...] | None
    other_members: tuple[str, ...]
    jwt: JwtFacts | None
    lifetime_problem: str | None = None

    @property
    def missing_scope(self) -> tuple[str, ...]:
        """Asked for, but not granted."""
        granted = self.asked_scope if self.granted_scope is None else self.granted_scope
        return tuple(scope for scope in self.asked_scope if scope not in granted)

    @property
    def extra_scope(self) -> tuple[str, ...]:
        """Granted, but not asked for."""
        return tuple(scope for scope in self.granted_scope or () if scope not in self.asked_scope)


@dataclass(frozen=True)
class ApiFacts:
    """One call of the API with the token.

    Attributes:
        answer: What came back; None if nothing did, or if nothing was sent.
        description: The transport's words if nothing came back.
        timed_out: Time ran out.
        withheld: Why the token may not go to this URL; None if it may.
    """

    url: str
    seconds: float
    answer: HttpAnswer | None = None
    description: str | None = None
    timed_out: bool = False
    withheld: Literal["insecure", "other_origin"] | None = None

    @property
    def accepted(self) -> bool:
        """It answered 2xx, and not with a web page, which may be a login."""
        return self.answer is not None and 200 <= self.answer.status < 300 and not self.answer.web_page


@dataclass(frozen=True)
class Findings:
    """Everything that was found out.

    Attributes:
        now: Unix time in seconds at which that was complete.
        undiscovered: Why the issuer names no token endpoint, as a sentence without a full stop; None if it names one.
        undiscovered_remedy: What to do about that, if it is known better than that the issuer is in doubt; else empty.
        discovered: The token endpoint that the server names, in a form that may be shown, if token_url is not it.
        words: What the person calls each setting.
    """

    question: Question
    now: float
    connection: Connection
    attempts: tuple[AttemptFacts, ...] = ()
    token: TokenFacts | None = None
    api: ApiFacts | None = None
    undiscovered: str | None = None
    undiscovered_remedy: str = ""
    discovered: str | None = None
    words: Words = field(default_factory=lambda: COMMAND)

    def called(self, setting: str) -> str:
        """What the person calls `setting`."""
        return self.words.name_of(setting)
