"""The normal answers of the token endpoint: the client credentials grant as RFC 6749 defines it."""

import secrets
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import parse_qsl

from ._answers import Answer
from ._assertions import Assertions, parts_of
from ._bindings import CertificateBindings
from ._credentials import PresentedCredentials, basic_credentials, body_credentials
from ._proofs import Proofs
from ._recorded_request import RecordedRequest
from ._server_settings import ASSERTION_METHODS, TLS_METHODS, ServerSettings
from ._tokens import IssuedTokens

# A request may contain these only once (RFC 6749 section 3.2). Extensions such as `resource` may repeat.
_SINGLE = ("grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type")


class RegisteredClient(NamedTuple):
    """What the server knows about a client."""

    client_secret: str
    accepts: Collection[str]


class AuthorizationServer:
    """Decides how to answer a token request. Each rule is a function that returns a rejection or None."""

    def __init__(
        self, settings: ServerSettings, tokens: IssuedTokens, proofs: Proofs, bindings: CertificateBindings
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._proofs = proofs
        self._bindings = bindings
        self._certificates: dict[str, frozenset[str]] = {}
        self._further_clients: dict[str, RegisteredClient] = {}
        self.assertions = Assertions()
        self.audiences: tuple[str, ...] = ()  # the token URL and the origin, which is the issuer

    def add_client(self, client_id: str, client: RegisteredClient) -> None:
        """Register a client besides the main one, or replace one of them."""
        self._further_clients[client_id] = client

    def register_certificate(self, client_id: str, thumbprint: str) -> None:
        """Accept this certificate as a proof of this client, besides those that are registered already."""
        self._certificates[client_id] = self._certificates.get(client_id, frozenset()) | {thumbprint}

    def answer(self, request: RecordedRequest) -> Answer:
        """A token, or the error that RFC 6749 section 5.2 defines for the request."""
        return (
            _reject_method(request)
            or _reject_repetition(request)
            or self._reject_client(request)
            or self._reject_unbound(request)
            or _reject_proof(request)
            or self._reject_grant(request)
            or self._reject_scope(request)
            or self._issue(request)
        )

    def _reject_client(self, request: RecordedRequest) -> Answer | None:
        method = request.client_authentication
        if method == "both":
            return Answer.error("invalid_request", "more than one client authentication method")
        if method is None:
            known = self._knows(body_credentials(request.form), "none")
            return None if known else Answer.error("invalid_client", "no client authentication", status=401)
        if method in ASSERTION_METHODS:
            return self._reject_assertion(request, method)
        if method in TLS_METHODS:
            return self._reject_certificate(request, method)
        if method == "client_secret_post":
            known = self._knows(body_credentials(request.form), method)
            return None if known else Answer.error("invalid_client", status=401)
        credentials = basic_credentials(request.headers, decode=self._settings.decodes_basic)
        if credentials is not None and self._knows(credentials, method):
            return None
        challenge = {"WWW-Authenticate": 'Basic realm="oauth"'}
        return Answer.error("invalid_client", status=401, headers=challenge)

    def _reject_assertion(self, request: RecordedRequest, method: str) -> Answer | None:
        form = dict(request.form)
        _, claims = parts_of(form["client_assertion"])
        client_id = form.get("client_id") or str(claims.get("sub"))
        known = self._registered(client_id)
        if known is None or method not in known.accepts:
            return Answer.error("invalid_client", f"this client may not use {method}", status=401)
        problem = self.assertions.problem(
            form,
            client_id=client_id,
            client_secret=known.client_secret,
            audiences=self.audiences,
            now=self._settings.clock(),
        )
        return None if problem is None else Answer.error("invalid_client", problem, status=401)

    def _reject_certificate(self, request: RecordedRequest, method: str) -> Answer | None:
        client_id = body_credentials(request.form).client_id
        if not client_id:  # RFC 8705 section 2: it says to whom the certificate must belong
            return Answer.error("invalid_client", "client_id is missing", status=401)
        known = self._registered(client_id)
        if known is not None and method not in known.accepts and "none" in known.accepts:
            return None
        if known is None or method not in known.accepts:
            return Answer.error("invalid_client", f"this client may not use {method}", status=401)
        if request.certificate in self._certificates.get(client_id, ()):
            return None
        return Answer.error("invalid_client", "the certificate is not registered for this client", status=401)

    def _reject_unbound(self, request: RecordedRequest) -> Answer | None:
        if not self._settings.certificate_bound or request.certificate is not None:
            return None
        return Answer.error("invalid_request", "tokens are bound to a client certificate, and there is none")

    def _knows(self, credentials: PresentedCredentials, method: str) -> bool:
        known = self._registered(credentials.client_id)
        if known is None or method not in known.accepts:
            return False
        return method == "none" or known.client_secret == credentials.client_secret

    def _registered(self, client_id: str) -> RegisteredClient | None:
        settings = self._settings
        if client_id == settings.client_id:
            return RegisteredClient(settings.client_secret, settings.accepts)
        return self._further_clients.get(client_id)

    def _reject_grant(self, request: RecordedRequest) -> Answer | None:
        # In some deployments, the grant type is in the URL instead of the body.
        grant_type = dict(parse_qsl(request.query) + list(request.form)).get("grant_type")
        if not grant_type:
            return Answer.error("invalid_request", "grant_type is missing")
        return None if grant_type in self._settings.grant_types else Answer.error("unsupported_grant_type")

    def _reject_scope(self, request: RecordedRequest) -> Answer | None:
        allowed = self._settings.scopes
        if allowed is None or set(_requested_scope(request).split()) <= set(allowed):
            return None
        return Answer.error("invalid_scope")

    def _issue(self, request: RecordedRequest) -> Answer:
        settings = self._settings
        certificate = request.certificate if settings.certificate_bound else None
        if settings.new_token is not None:
            value = settings.new_token()
        elif certificate is not None:
            value = self._bindings.new_token(self.audiences[1], dict(request.form).get("client_id", ""), certificate)
        else:
            value = secrets.token_urlsafe(24)
        self._bindings.bind(value, certificate)
        self._tokens.issue(value, settings.expires_in, settings.clock())
        token_type = settings.token_type
        if settings.dpop:
            self._proofs.bind(value, request)
            token_type = "DPoP"
        granted = settings.scope
        if granted is None:
            granted = _requested_scope(request) or None
        return Answer.token(value, settings.expires_in, token_type=token_type, scope=granted)


def _reject_proof(request: RecordedRequest) -> Answer | None:
    return None if request.proof_error is None else Answer.error(request.proof_error)


def _reject_method(request: RecordedRequest) -> Answer | None:
    if request.method == "POST":
        return None
    return Answer.error("invalid_request", "only POST is allowed", status=405, headers={"Allow": "POST"})


def _reject_repetition(request: RecordedRequest) -> Answer | None:
    counts = Counter(name for name, _ in request.form)
    repeated = [name for name in _SINGLE if counts[name] > 1]
    return Answer.error("invalid_request", f"repeated: {', '.join(repeated)}") if repeated else None


def _requested_scope(request: RecordedRequest) -> str:
    return dict(request.form).get("scope", "")
