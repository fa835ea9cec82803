"""What is known of a connection: plain values, as in `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepOutcome = Literal["ok", "failed", "skipped"]
StepProblem = Literal[
    "host_not_found",
    "resolver_failed",
    "refused",
    "timed_out",
    "unreachable",
    "certificate_expired",
    "certificate_not_yet_valid",
    "certificate_self_signed",
    "certificate_unknown_issuer",
    "certificate_wrong_host",
    "certificate_refused",
    "bundle_unreadable",
    "not_tls",
    "handshake_failed",
]


@dataclass(frozen=True)
class Step:
    """One thing that was done.

    Attributes:
        text: What came of it, in one line.
        problem: What went wrong; None unless it failed.
        seconds: How long it took; None if nothing was done.
    """

    name: Literal["dns", "tcp", "tls"]
    outcome: StepOutcome
    text: str
    problem: StepProblem | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Certificate:
    """What a server's certificate says of itself. It need not have been verified.

    Attributes:
        subject: Its owner.
        issuer: Who issued it.
        names: The hosts that it is for.
        not_before: Unix time in seconds from which it is valid.
        not_after: Unix time in seconds at which that ends.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float
    not_after: float


@dataclass(frozen=True)
class Connection:
    """How far a connection to the token endpoint came, or to the proxy before it.

    Attributes:
        proxy: The proxy that the environment names for this URL, in a form that may be shown; None without one.
        addresses: What the name resolves to.
        tls_version: Such as ``TLSv1.3``; None if there was no TLS.
        certificate: The server's, also if it is not trusted; None if none was seen.
        wants_client_certificate: The server said so in a second handshake, after a request without an answer.
        speaks_tls: The URL is plain http, but the port took part in a TLS handshake.
        httpx_bundle: SSL_CERT_FILE is set. httpx reads it; requests, which connects here, does not.
    """

    host: str
    port: int
    proxy: str | None
    steps: tuple[Step, ...] = ()
    addresses: tuple[str, ...] = ()
    tls_version: str | None = None
    certificate: Certificate | None = None
    wants_client_certificate: bool = False
    speaks_tls: bool = False
    httpx_bundle: bool = False

    @property
    def failure(self) -> Step | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps if step.outcome == "failed"), None)
