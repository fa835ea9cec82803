"""What a person can do if a token endpoint gives no answer, by the reason for it. Advice only; no code reads it."""

from __future__ import annotations

from oauth_cc_auth._advice import Advice
from oauth_cc_auth._errors import Reason

from .advice import CERTIFICATE_WANTED

CHECK = Advice("{check_shows}")
# The reasons of which the command finds out more: it looks at each step of a connection.
CHECKED = (
    *("connection_lost", "proxy_failed", "timed_out", "tls_failed", "tls_not_spoken"),
    *("unreachable", "unreachable_dns", "unreachable_network", "unreachable_refused"),
)

BY_REASON: dict[Reason, Advice] = {
    "invalid_url": Advice("check {url} and the URL of the proxy, if there is one"),
    "proxy_failed": Advice("check {proxy_url}; NO_PROXY names hosts that need none"),
    "timed_out": Advice("if the server needs longer, raise {timeout}, and {deadline} for all attempts together"),
    "tls_client_certificate": CERTIFICATE_WANTED,
    "tls_client_certificate_refused": Advice(
        "the server does not accept the client certificate: check that it has not expired, that the server knows its "
        "issuer, and that its file has the certificates in between"
    ),
    "tls_expired": Advice("have the certificate renewed, and check that the clock of this machine is right"),
    "tls_not_spoken": Advice("check that this port of the host speaks https"),
    "tls_not_yet_valid": Advice("check that the clock of this machine is right"),
    "tls_wrong_host": Advice("set {url} to a host that the certificate is for"),
    "unreachable_dns": Advice("check the host in {url}, and whether this machine can look it up"),
    "unreachable_network": Advice(
        "check the network of this machine; behind a firewall, HTTPS_PROXY may have to name a proxy"
    ),
    "unreachable_refused": Advice("check host and port in {url}, and whether the server runs"),
}
