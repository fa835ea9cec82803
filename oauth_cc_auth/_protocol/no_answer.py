"""What a person can do if a token endpoint gives no answer, by the reason for it. Words only; no code reads them."""

from __future__ import annotations

from oauth_cc_auth._errors import Reason

from .advice import CERTIFICATE_WANTED

CHECK = "the command `oauth-cc-auth check` shows which step fails"
# The reasons of which the command finds out more: it looks at each step of a connection.
CHECKED = (
    *("connection_lost", "proxy_failed", "timed_out", "tls_failed", "tls_not_spoken"),
    *("unreachable", "unreachable_dns", "unreachable_network", "unreachable_refused"),
)

PROXY_URL = "the URL of the proxy (HTTPS_PROXY, or that of the token_client)"
BY_REASON: dict[Reason, str] = {
    "invalid_url": "check token_url and the URL of the proxy, if there is one",
    "proxy_failed": f"check {PROXY_URL}; NO_PROXY names hosts that need none",
    "tls_client_certificate": CERTIFICATE_WANTED,
    "tls_client_certificate_refused": "the server does not accept the client certificate: check that it has not "
    "expired, that the server knows its issuer, and that its file has the certificates in between",
    "tls_expired": "have the certificate renewed, and check that the clock of this machine is right",
    "tls_not_spoken": "check that this port of the host speaks https",
    "tls_not_yet_valid": "check that the clock of this machine is right",
    "tls_wrong_host": "set token_url to a host that the certificate is for",
    "unreachable_dns": "check the host in token_url, and whether this machine can look it up",
    "unreachable_network": "check the network of this machine; behind a firewall, HTTPS_PROXY may have to name a proxy",
    "unreachable_refused": "check host and port in token_url, and whether the server runs",
}
