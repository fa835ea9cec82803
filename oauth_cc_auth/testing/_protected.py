"""The normal answers of the API, ``/open`` and ``/redirect``."""

from urllib.parse import parse_qsl

from ._answers import Answer
from ._bindings import MISMATCH, CertificateBindings
from ._proofs import Proofs
from ._recorded_request import Headers, RecordedRequest
from ._server_settings import ServerSettings
from ._tokens import IssuedTokens


class ProtectedApi:
    """Requires a valid token and echoes the request (RFC 6750 section 3)."""

    def __init__(
        self, settings: ServerSettings, tokens: IssuedTokens, proofs: Proofs, bindings: CertificateBindings
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._proofs = proofs
        self._bindings = bindings

    def token_carried(self, headers: Headers) -> str | None:
        """The token in the header that the API reads. None if the header is missing or does not match the pattern."""
        pattern = "DPoP %s" if self._settings.dpop else self._settings.header_value_pattern
        before, _, after = pattern.partition("%s")
        value = headers.get(self._header_name, "")
        token = value[len(before) : len(value) - len(after)]
        return token if token and value == before + token + after else None

    def accepts(self, request: RecordedRequest) -> bool:
        """True if the normal answer to this request would be no refusal."""
        has_proof = request.proof_error is None
        return has_proof and not self._repeats_header(request) and self._token_number(request) is not None

    def answer(self, request: RecordedRequest) -> Answer:
        """200 and an echo for a valid token, 401 for another token or none, 400 for a repeated header."""
        if self._repeats_header(request):
            return Answer.error("invalid_request", f"{self._header_name} was sent more than once")
        scheme = "DPoP" if self._settings.dpop else "Bearer"
        if request.token is None:
            # RFC 6750 section 3.1: the challenge names no error if the request has no token.
            return Answer(401, {}, {"WWW-Authenticate": f'{scheme} realm="api"'})
        number = self._token_number(request)
        error = request.proof_error or ("invalid_token" if number is None else None)
        if error is not None:
            why = MISMATCH if error == "invalid_token" and self._bindings.is_broken(request) else None
            challenge = f'{scheme} error="{error}"' + ("" if why is None else f', error_description="{why}"')
            return Answer.error(error, why, status=401, headers={"WWW-Authenticate": challenge})
        return _echo(request, number)

    def open_answer(self, request: RecordedRequest) -> Answer:
        """The echo, with or without a token. ``token_number`` is null without a valid one."""
        return _echo(request, self._token_number(request))

    def _repeats_header(self, request: RecordedRequest) -> bool:
        return len(request.headers.get_all(self._header_name)) > 1

    @property
    def _header_name(self) -> str:
        return "Authorization" if self._settings.dpop else self._settings.header_name

    def _token_number(self, request: RecordedRequest) -> int | None:
        if request.token is None or (self._settings.dpop and not self._proofs.is_bound(request)):
            return None
        if self._bindings.is_broken(request):
            return None
        return self._tokens.number(request.token, self._settings.clock())


def redirect_answer(request: RecordedRequest) -> Answer:
    """The redirect that the query describes: ``to`` is the location, ``status`` is 302 by default."""
    wanted = dict(parse_qsl(request.query))
    status = wanted.get("status", "302")
    if "to" not in wanted or not status.isdecimal():
        return Answer(400, {"error": "give ?to=<url>, and &status=<number> if it is not 302"})
    return Answer.redirect(wanted["to"], int(status))


def _echo(request: RecordedRequest, token_number: int | None) -> Answer:
    return Answer(
        200,
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "body": request.body.decode("utf-8", "replace"),
            "body_length": len(request.body),
            "token_number": token_number,
        },
    )
