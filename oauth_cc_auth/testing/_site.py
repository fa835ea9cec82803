"""The paths of the server, and how it finds an answer: gates, then the script, then the normal rules."""

import dataclasses
import re
import threading
import time
from urllib.parse import parse_qsl

from ._answers import Answer
from ._authorization import AuthorizationServer
from ._bindings import CertificateBindings
from ._credentials import PresentedCertificate, presented_authentication
from ._endpoint import Endpoint
from ._incoming import IncomingRequest
from ._proofs import Proofs
from ._protected import ProtectedApi, redirect_answer
from ._recorded_request import Headers, RecordedRequest, RequestKind
from ._server_settings import ServerSettings
from ._tokens import IssuedTokens, token_in

TOKEN_PATH = "/oauth2/token"
API_PATH = "/api"
OPEN_PATH = "/open"
REDIRECT_PATH = "/redirect"

_SCHEME_AND_HOST = re.compile("^https?://[^/?]*")


class Site:
    """The token endpoint, the API and the other paths."""

    def __init__(self, settings: ServerSettings) -> None:
        self.tokens = IssuedTokens()
        self.proofs = Proofs(settings)
        self._bindings = CertificateBindings()
        self.authorization = AuthorizationServer(settings, self.tokens, self.proofs, self._bindings)
        self.token_endpoint = Endpoint()
        self.api = Endpoint(is_protected=True)
        self._protected = ProtectedApi(settings, self.tokens, self.proofs, self._bindings)
        self._settings = settings

    def record(self, incoming: IncomingRequest, certificate: PresentedCertificate | None) -> RecordedRequest:
        """The record of a request that has just arrived on a connection that has presented this certificate."""
        path, _, query = _origin_form(incoming.target).partition("?")
        kind = _kind(path)
        is_token = kind == "token"
        form = _form(incoming.headers, incoming.body)
        return RecordedRequest(
            method=incoming.method,
            path=path,
            query=query,
            headers=incoming.headers,
            body=incoming.body,
            form=form,
            kind=kind,
            client_authentication=(presented_authentication(incoming.headers, form, certificate) if is_token else None),
            token=None if is_token else self._protected.token_carried(incoming.headers),
            started=time.monotonic(),
            complete=incoming.complete,
            certificate=None if certificate is None else certificate.thumbprint,
        )

    def admit(self, request: RecordedRequest, stopping: threading.Event) -> RecordedRequest:
        """Hold ``request`` at closed gates, then judge its proof and its token. Raises ServerStoppedError."""
        endpoint = self._endpoint(request)
        if endpoint is not None:
            endpoint.admit(stopping)
        if self._settings.dpop and endpoint is not None:
            request = dataclasses.replace(request, proof_error=self.proofs.problem(request))
        try:
            return dataclasses.replace(request, token_is_valid=self._protected.accepts(request))
        except Exception:  # noqa: BLE001 - raised by the test's own clock, and once more when the normal answer is made
            return request

    def answer(self, request: RecordedRequest) -> Answer:
        """The answer to an admitted request."""
        endpoint = self._endpoint(request)
        try:
            scripted = endpoint.take(request) if endpoint is not None else None
            return self._normal_answer(request) if scripted is None else self._with_token_accepted(request, scripted)
        except Exception as error:  # noqa: BLE001 - raised by the test's own callable: the answer shows it to the test
            return Answer.error("server_error", f"{type(error).__name__}: {error}", status=500)

    def wake(self) -> None:
        """End the wait of every request: the server is stopping."""
        self.token_endpoint.wake()
        self.api.wake()

    def _endpoint(self, request: RecordedRequest) -> Endpoint | None:
        return {"token": self.token_endpoint, "api": self.api}.get(request.kind)

    def _with_token_accepted(self, request: RecordedRequest, scripted: Answer) -> Answer:
        """Return ``scripted``. If it has a token, the API accepts that token from now on."""
        found = token_in(scripted.content) if request.kind == "token" and scripted.is_success else None
        if found is not None:
            self.tokens.issue(*found, self._settings.clock())
            self.proofs.bind(found[0], request)
            self._bindings.bind(found[0], request.certificate if self._settings.certificate_bound else None)
        return scripted

    def _normal_answer(self, request: RecordedRequest) -> Answer:
        nonce = self.proofs.nonce(request.kind)
        if request.kind == "token":
            return self.authorization.answer(request).with_nonce(nonce)
        if request.kind == "api":
            return self._protected.answer(request).with_nonce(nonce)
        if request.path == OPEN_PATH:
            return self._protected.open_answer(request)
        if request.path == REDIRECT_PATH:
            return redirect_answer(request)
        return Answer(404, {"error": "not_found"})


def _origin_form(target: str) -> str:
    """``target`` as path and query. A client that uses the server as a proxy sends a whole URL."""
    return _SCHEME_AND_HOST.sub("", target) or "/"


def _kind(path: str) -> RequestKind:
    if path == TOKEN_PATH or path.startswith(TOKEN_PATH + "/id-"):  # a provider may have an identifier in its path
        return "token"
    return "api" if path == API_PATH or path.startswith(API_PATH + "/") else "other"


def _form(headers: Headers, body: bytes) -> tuple[tuple[str, str], ...]:
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        return ()
    return tuple(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
