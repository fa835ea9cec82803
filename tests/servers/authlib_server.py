"""Authlib's Flask authorization server. It enforces the method that a client is registered for."""

# Authlib has no types: its classes and decorators are Any.
# mypy: disable-error-code="import-untyped, misc, untyped-decorator"

from __future__ import annotations

import hmac
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, ClassVar

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.models import ClientMixin, TokenMixin
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask, Response, jsonify, request
from joserfc.jwk import ECKey, OctKey

from tests.servers import (
    ASSERTION_METHOD,
    BASIC_METHOD,
    BODY_METHOD,
    CLERK,
    CLIENTS,
    JWT_BEARER_GRANT,
    SCOPES,
    SIGNING_BY_SECRET,
    SIGNING_NUMBER,
    Client,
    serve,
)


@dataclass(frozen=True)
class _Client(ClientMixin):
    registered: Client

    def get_client_id(self) -> str:
        return self.registered.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(s for s in (scope or "").split() if s in SCOPES)

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self.registered.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.registered.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == ("client_credentials" if self.registered.method != "none" else JWT_BEARER_GRANT)


@dataclass
class _Token(TokenMixin):
    client_id: str
    scope: str
    expires_at: float
    revoked: bool = False

    def check_client(self, client: _Client) -> bool:
        return client.registered.client_id == self.client_id

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return time.time() >= self.expires_at

    def is_revoked(self) -> bool:
        return self.revoked


_tokens: dict[str, _Token] = {}
_tokens_lock = threading.Lock()


class _Grant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = (BASIC_METHOD, BODY_METHOD, ASSERTION_METHOD)


class _Assertion(JWTBearerClientAssertion):
    """Authlib's own checks; the audience is the URL that was asked, and a `jti` counts once."""

    _used: ClassVar[set[str]] = set()

    def get_audiences(self) -> list[str]:
        return [request.url]

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        with _tokens_lock:
            if jti in self._used:
                return False
            self._used.add(jti)
            return True

    def resolve_client_public_key(self, client: _Client) -> Any:
        if client.registered is SIGNING_BY_SECRET:
            return OctKey.import_key(client.registered.client_secret)
        return _signing_key()


def _signing_key() -> Any:
    public = ec.derive_private_key(SIGNING_NUMBER, ec.SECP256R1()).public_key()
    return ECKey.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


class _AssertionGrant(JWTBearerGrant):
    """Authlib's own checks of an assertion that is the grant (RFC 7523 §2.1)."""

    def get_audiences(self) -> list[str]:
        return [request.url]

    def resolve_issuer_client(self, issuer: str) -> _Client | None:
        return _query_client(issuer)

    def resolve_client_public_key(self, client: _Client) -> Any:
        return _signing_key()

    def authenticate_user(self, subject: str) -> str | None:
        return subject if subject == CLERK else None

    def has_granted_permission(self, client: _Client, user: str) -> bool:
        return True


class _Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = (BASIC_METHOD, BODY_METHOD)

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _tokens.get(token_string)

    def revoke_token(self, token: _Token, request: Any) -> None:
        token.revoked = True


class _Validator(BearerTokenValidator):
    def authenticate_token(self, token_string: str) -> _Token | None:
        return _tokens.get(token_string)


def _query_client(client_id: str) -> _Client | None:
    return _Client(CLIENTS[client_id]) if client_id in CLIENTS else None


def _save_token(token: dict[str, Any], request: Any) -> None:
    client_id = request.client.registered.client_id
    kept = _Token(client_id, token.get("scope", ""), time.time() + token["expires_in"])
    with _tokens_lock:
        _tokens[token["access_token"]] = kept


class _Server(AuthorizationServer):
    def create_bearer_token_generator(self, config: Any) -> BearerTokenGenerator:
        generator = super().create_bearer_token_generator(config)
        generator.expires_generator = lambda client, grant_type: client.registered.lifetime
        return generator


def application() -> Flask:
    app = Flask(__name__)
    app.config["OAUTH2_SCOPES_SUPPORTED"] = list(SCOPES)
    server = _Server(app, query_client=_query_client, save_token=_save_token)
    server.register_grant(_Grant)
    server.register_grant(_AssertionGrant)
    server.register_client_auth_method(ASSERTION_METHOD, _Assertion())
    server.register_endpoint(_Revocation)
    protected = ResourceProtector()
    protected.register_token_validator(_Validator())

    @app.post("/oauth/token/")
    def issue_token() -> Any:
        return server.create_token_response()

    @app.post("/oauth/revoke_token/")
    def revoke_token() -> Any:
        return server.create_endpoint_response(_Revocation.ENDPOINT_NAME)

    @app.route("/api", methods=["GET", "POST"])
    @protected()
    def api() -> Response:
        return jsonify(client=current_token.client_id, received=request.get_data(as_text=True))

    return app


if __name__ == "__main__":
    # Authlib refuses plain http otherwise. In this process only.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    serve(application())
