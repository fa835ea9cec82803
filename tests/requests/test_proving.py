"""`_requests.bound` and `_requests.proving`, step by step: proofs are counted, and an adapter answers. No network."""

from __future__ import annotations

import copy
import io
import logging
import pickle
from typing import Any

import jwt
import pytest
import requests
from requests.structures import CaseInsensitiveDict

from oauth_cc_auth import DPoP, TokenError
from oauth_cc_auth._adapter.proving import proof_now
from oauth_cc_auth._requests import bound
from oauth_cc_auth._requests.bound import LONGEST_WAIT, bind
from oauth_cc_auth._requests.renewal import hook_of
from tests.requests.test_renewal import FOREIGN, URL, Desk, answer

ELSEWHERE = "https://api.example.com/elsewhere"  # at the same origin
WANTS_NONCE = answer(401, www_authenticate='DPoP error="use_dpop_nonce"', dpop_nonce="n-7")


class Signer:
    """Makes proofs as ever, and knows which; or none at all.

    Attributes:
        made: Method, URL and nonce of each.
    """

    def __init__(self) -> None:
        self.made: list[tuple[str, str, str | None]] = []
        self.fails = False

    def __call__(self, policy: Any, lease: Any, method: str, url: str, nonce: str | None = None) -> str | TokenError:
        self.made.append((method, url, nonce))
        return TokenError("no key") if self.fails else proof_now(policy, lease, method, url, nonce)


@pytest.fixture(name="signer")
def _signer(monkeypatch: pytest.MonkeyPatch) -> Signer:
    signer = Signer()
    monkeypatch.setattr(bound, "proof_now", signer)
    return signer


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return bound_desk()


def bound_desk(**settings: Any) -> Desk:
    """Its token endpoint issues bound tokens; there is none yet."""
    desk = Desk(dpop=DPoP(), **settings)
    desk.cache.current = desk.cache._newest = None
    desk.token_answer = answer(200, b'{"access_token": "two", "token_type": "DPoP", "expires_in": 3600}')
    desk.login.answers = [desk.token_answer] * 3
    return desk


def prepared(desk: Desk, **options: Any) -> Any:
    return desk.session.prepare_request(requests.Request("GET", URL, **options))


def claims_of(proof: Any) -> dict[str, Any]:
    return dict(jwt.decode(str(proof), options={"verify_signature": False}))


def test_one_proof_for_each_sending(desk: Desk, signer: Signer) -> None:
    """None is made in vain: the first is made early, and then sent."""
    request = prepared(desk)
    assert signer.made == [("GET", URL, None)]
    proof = request.headers["DPoP"]
    assert (claims_of(proof)["htm"], claims_of(proof)["htu"]) == ("GET", URL)
    assert len(signer.made) == 1
    assert request.headers["DPoP"] != proof
    assert len(signer.made) == 2


def test_the_nonce_that_was_asked_for_is_in_the_first_proof(desk: Desk, signer: Signer) -> None:
    """Whoever binds the request: the hook does so before it sends it again."""
    request = prepared(desk)
    auth, lease = desk.auth, desk.cache.current
    assert bind(request, auth._policy, lease, "n-7") is None
    assert claims_of(request.headers["DPoP"])["nonce"] == "n-7"
    hook_of(requests, auth._policy, auth._source, auth._transport, lease).prepare(request, "n-8")
    assert claims_of(request.headers["DPoP"])["nonce"] == "n-8"
    assert [nonce for _, _, nonce in signer.made] == [None, "n-7", "n-8"]


@pytest.mark.parametrize(("seconds", "proofs"), [(LONGEST_WAIT - 0.1, 1), (LONGEST_WAIT, 2)])
def test_a_proof_that_has_waited_too_long(desk: Desk, signer: Signer, seconds: float, proofs: int) -> None:
    """Some servers accept one for no more than ten seconds."""
    request = prepared(desk)
    desk.clock.advance(seconds)
    assert claims_of(request.headers["DPoP"])["iat"] == int(desk.clock.now_wall if proofs == 2 else 1_700_000_000)
    assert len(signer.made) == proofs


def test_right_after_the_machine_has_started(desk: Desk) -> None:
    """The monotonic clock begins at zero."""
    desk.clock.now_monotonic = 0.0
    request = prepared(desk)
    assert request.headers["DPoP"] != request.headers["DPoP"] != ""


class TestHops:
    """requests builds a redirected request from the last one, and asks for its headers when its URL is another."""

    def test_at_the_same_origin(self, desk: Desk, signer: Signer) -> None:
        """Its proof is made as soon as that, once."""
        request = prepared(desk)
        request.url = ELSEWHERE
        headers = request.headers
        assert signer.made == [("GET", URL, None), ("GET", ELSEWHERE, None)]
        assert claims_of(headers["DPoP"])["htu"] == ELSEWHERE
        assert len(signer.made) == 2

    def test_whose_proof_nothing_signs(self, desk: Desk, signer: Signer) -> None:
        """It goes without, so that the API refuses it, and the hook says why."""
        request = prepared(desk)
        signer.fails = True
        request.url = ELSEWHERE
        assert "DPoP" not in request.headers
        assert request.headers["Authorization"] == "DPoP two"

    def test_from_which_the_proof_was_taken_away(self, desk: Desk, signer: Signer) -> None:
        """None is made for it."""
        request = prepared(desk)
        del request.headers["DPoP"]
        signer.fails = True
        request.url = ELSEWHERE
        assert "DPoP" not in request.headers
        assert len(signer.made) == 1

    def test_with_another_credential(self, desk: Desk, signer: Signer) -> None:
        """It gets no proof, and none is made."""
        request = prepared(desk)
        request.headers["Authorization"] = "Basic eDp5"
        request.url = ELSEWHERE
        assert "DPoP" not in request.headers
        assert len(signer.made) == 1

    def test_with_an_older_token(self, desk: Desk) -> None:
        """It gets a proof for that one."""
        request = prepared(desk)
        older = request.headers["Authorization"]
        desk.auth.invalidate()
        desk.login.answers = [answer(200, b'{"access_token": "three", "token_type": "DPoP", "expires_in": 3600}')]
        desk.auth(request)
        assert request.headers["Authorization"] == "DPoP three"
        request.headers["Authorization"] = older
        request.url = ELSEWHERE
        hashed = [
            claims_of(each.headers["DPoP"])["ath"]
            for each in (request, desk.auth(requests.Request("GET", URL).prepare()))
        ]
        assert hashed[0] != hashed[1]

    def test_to_another_origin_without_a_header_that_went_along(self) -> None:
        """The person has taken it out before."""
        desk = bound_desk(api_headers={"X-Key": "17", "X-Other": "18"})
        request = prepared(desk)
        del request.headers["X-Key"]
        request.url = FOREIGN
        assert not {"X-Key", "X-Other", "Authorization", "DPoP"} & set(request.headers)


class TestProofs:
    def test_as_bytes(self, desk: Desk) -> None:
        """At first as it was read, in UTF-8 unless another encoding is wanted."""
        proof = prepared(desk).headers["DPoP"]
        assert proof.encode() == bytes(str(proof), "ascii")
        assert proof.encode() != bytes(str(proof), "ascii")

    def test_pickled(self, desk: Desk) -> None:
        """It is its text."""
        proof = prepared(desk).headers["DPoP"]
        assert pickle.loads(pickle.dumps(proof)) == proof  # noqa: S301  # our own

    def test_put_there_by_hand(self, desk: Desk) -> None:
        """It was sent before, so others are sent in its place."""
        request = prepared(desk)
        request.headers = {name: str(value) for name, value in request.headers.items()}
        read = [request.headers["DPoP"] for _ in range(3)]
        assert len(set(read)) == 3
        assert all(claims_of(proof)["htu"] == URL for proof in read)


AS_COPY = pytest.mark.parametrize("as_copy", [copy.copy, copy.deepcopy, lambda request: request.copy()])


class TestCopies:
    @AS_COPY
    def test_go_their_own_way(self, desk: Desk, as_copy: Any) -> None:
        """What has asked the first request for its headers gets no proof for where its copy goes."""
        request = prepared(desk)
        headers, twin = request.headers, as_copy(request)
        twin.url = ELSEWHERE
        assert claims_of(twin.headers["DPoP"])["htu"] == ELSEWHERE
        assert claims_of(headers["DPoP"])["htu"] == URL

    @AS_COPY
    def test_of_a_request_whose_headers_are_others(self, desk: Desk, as_copy: Any) -> None:
        """They make no proofs; the copy has the same."""
        request = prepared(desk)
        request.headers = None
        request.headers = CaseInsensitiveDict({"X-Mine": "1"})
        twin = as_copy(request)
        assert dict(twin.headers) == {"X-Mine": "1"}
        assert twin.headers is not request.headers

    def test_keep_what_belongs_together(self, desk: Desk) -> None:
        """As a deep copy of any object does."""
        request, shared = prepared(desk), ["x"]
        request.itself, request.shared = request, shared
        of_shared, twin = copy.deepcopy((shared, request))
        assert twin.itself is twin
        assert twin.shared is of_shared is not shared


def test_a_request_is_bound_once(desk: Desk) -> None:
    """Its class stays, whatever has become of its headers; its copies are of the library's class."""
    request = prepared(desk)
    kind = type(request)
    request.headers = None
    request.headers = {}
    desk.auth(request)
    assert type(request) is kind
    assert type(bound.unbound(request)) is requests.PreparedRequest


def test_the_same_request_with_another_proof(desk: Desk) -> None:
    """It is sent as it was: with all options of the session, and with those that only its adapter knows."""
    options = {
        "stream": True,
        "timeout": 7,
        "verify": "bundle.pem",
        "cert": ("client.pem", "client.key"),
        "proxies": {"https": "http://proxy.example.com"},
        "mine": 17,
    }
    request = prepared(desk)
    desk.api.answers = [WANTS_NONCE, answer(200)]
    assert desk.session.send(request, **options).status_code == 200
    assert desk.api.options == [options, options]
    assert [claims_of(proof).get("nonce") for proof in desk.tokens("DPoP")] == [None, "n-7"]


def test_a_file_goes_with_another_proof(desk: Desk) -> None:
    """From where it stood."""
    file = io.BytesIO(b"--body")
    file.seek(2)
    assert desk.send(WANTS_NONCE, answer(200), method="POST", data=file).status_code == 200
    assert desk.api.bodies == [b"body", b"body"]


def test_a_body_for_one_sending(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is returned, and the nonce is kept for the next request."""
    assert desk.send(WANTS_NONCE, method="POST", data=iter([b"once"])).status_code == 401
    assert "The next request gets a new nonce" in caplog.text
    desk.send(answer(200))
    assert [claims_of(proof)["nonce"] for proof in desk.tokens("DPoP")] == ["n-7"]


def test_each_answer_may_bring_the_next_nonce(desk: Desk) -> None:
    """Also the one to the request that was sent again, so that the next request is not sent twice."""
    desk.send(WANTS_NONCE, answer(200, dpop_nonce="n-8"))
    desk.send(answer(200, dpop_nonce="n-9"))
    assert [claims_of(proof)["nonce"] for proof in desk.tokens("DPoP")] == ["n-8"]
    desk.send(answer(200))
    assert [claims_of(proof)["nonce"] for proof in desk.tokens("DPoP")] == ["n-9"]


def test_another_proof_that_is_rejected_too(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """It is told which API that is, once; the answer is returned."""
    caplog.set_level(logging.WARNING, "oauth_cc_auth")
    rejected = answer(401, www_authenticate='DPoP error="invalid_dpop_proof"')
    assert desk.send(rejected, rejected).status_code == 401
    told = [record.getMessage() for record in caplog.records]
    assert [text.partition(" does not accept the DPoP proof")[0] for text in told] == ["https://api.example.com"]
    assert "(invalid_dpop_proof)" in told[0]


def test_no_proof_for_the_request_sent_again(desk: Desk, signer: Signer) -> None:
    """It is an error of the library, with the request as it was without token and proof."""

    def refused(request: Any) -> requests.Response:
        signer.fails = True
        return answer(401)(request)

    with pytest.raises(requests.RequestException) as caught:
        desk.send(refused, headers={"X-Mine": "1"})
    assert isinstance(caught.value, TokenError)
    assert str(caught.value) == "no key"
    request: Any = caught.value.request
    assert (request.url, request.headers["X-Mine"]) == (URL, "1")
    assert not {"Authorization", "DPoP"} & set(request.headers)
    assert desk.asked == 2
