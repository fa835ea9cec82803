"""What follows in requests from an answer to a request whose token is bound to a key (DPoP, RFC 9449).

The one law: a complaint about the proof is answered with another proof, once, and is no refusal of the token.
"""

from __future__ import annotations

from typing import Any

from oauth_cc_auth._adapter.proving import NONCE_HEADER
from oauth_cc_auth._http.origin import origin_of

from .bound import as_sent, bind
from .drain import drain
from .renewal import NOT_GIVEN, Refused, RenewalHook


class ProofHook(RenewalHook):
    """The response hook of a token that is bound to a key."""

    __slots__ = ()

    def __call__(
        self,
        response: Any,
        *args: Any,
        stream: Any = NOT_GIVEN,
        timeout: Any = NOT_GIVEN,
        verify: Any = NOT_GIVEN,
        cert: Any = NOT_GIVEN,
        proxies: Any = NOT_GIVEN,
        **others: Any,
    ) -> Any:
        """`RenewalHook`, and the nonce in the answer is kept."""
        if response.status_code < 300 and self._is_usual and not self._probation:
            request = response.request
            if NONCE_HEADER in response.headers:
                self._proofs.note_api(str(request.url), response.headers)
            return response
        return super().__call__(
            response, *args, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies, **others
        )

    @property
    def _proofs(self) -> Any:
        return self.lease.proofs

    def _as_sent(self, request: Any) -> Any:
        return as_sent(request)

    def prepare(self, request: Any, nonce: str | None = None) -> None:
        """Give `request` the token and a proof.

        Raises:
            TokenError: nothing signed a proof.
        """
        error = bind(request, self.policy, self.lease, nonce)
        if error is not None:
            raise self._transport.for_caller(error, request, self.policy.header_names)

    def proven(self, response: Any, request: Any, options: dict[str, Any]) -> Any:
        """`response`, or the answer to the same request with another proof, if it asks for no more than that."""
        nonce = self._proofs.note_api(str(request.url), response.headers)
        if self._proofs.complaint(response.status_code, response.headers) is None:
            return response
        refused = Refused(self._library, response)
        if self.policy.logged_obstacle(refused, "nonce") or not refused.rewind():
            return response
        drain(response)
        response.request = as_sent(request)
        again = self._send_again(response, request, self, refused.connection, options, nonce=nonce)
        self._proofs.note_api(str(request.url), again.headers)
        complaint = self._proofs.complaint(again.status_code, again.headers)
        if complaint is not None:
            self.policy.proof_rejected(origin_of(str(request.url)), complaint)
        return again
