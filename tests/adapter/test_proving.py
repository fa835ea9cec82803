"""`_adapter.proving`: where a proof is made, and what comes of a key that signs none."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from oauth_cc_auth import Token, TokenError
from oauth_cc_auth._adapter.proving import aproof, proof_from, proof_now, signing
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.effects import Raised
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules

LEASE = Lease(Token("one"), "DPoP one", asked=Moment(0, 0), rules=RenewalRules(), chance=0)
REQUEST = ("GET", "https://api.example.com/")


class Policy:
    """One with a key, which notes what it signs and where; it may fail."""

    deadline = 7.5

    def __init__(self, *, blocks: bool, fails: bool = False) -> None:
        self.blocks, self._fails = blocks, fails
        self.signed: list[Any] = []
        self.threads: list[Any] = []

    @property
    def proofs(self) -> Any:
        return self

    def __call__(self, *args: Any) -> str:
        self.signed.append(args)
        self.threads.append(threading.current_thread())
        if self._fails:
            raise ValueError("no key")
        return "proof"


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "awaiting"])
@pytest.mark.parametrize("blocks", [False, True], ids=["quick", "slow"])
@pytest.mark.parametrize("nonce", [(), ("n-7",)], ids=["no nonce", "nonce"])
def test_a_proof(is_async: bool, blocks: bool, nonce: tuple[str, ...]) -> None:
    """For this request, in this thread unless that would block an event loop."""
    policy: Any = Policy(blocks=blocks)
    if is_async:
        proof = asyncio.run(aproof(policy, LEASE, *REQUEST, *nonce))
    else:
        proof = proof_now(policy, LEASE, *REQUEST, *nonce)
    assert proof == "proof"
    assert policy.signed == [(LEASE.token, *REQUEST, *(nonce or (None,)))]
    assert (policy.threads == [threading.current_thread()]) is not (is_async and blocks)


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "awaiting"])
def test_a_key_that_fails(is_async: bool) -> None:
    """What it raises is told by kind and place: the text of it may be secret."""
    policy: Any = Policy(blocks=True, fails=True)
    made = asyncio.run(aproof(policy, LEASE, *REQUEST)) if is_async else proof_now(policy, LEASE, *REQUEST)
    assert isinstance(made, TokenError)
    assert made.reason == "callable_failed"
    assert str(made).startswith("the key of dpop signed no proof: it raised ValueError (")
    assert "no key" not in str(made)


def test_time_for_signing() -> None:
    """That of the auth object, for all that signs slowly."""
    policy: Any = Policy(blocks=True)
    step = signing(policy, LEASE, *REQUEST, "n-7")
    assert step.budget == 7.5
    assert step.function() == "proof"
    assert policy.signed == [(LEASE.token, *REQUEST, "n-7")]


def test_what_signing_came_to() -> None:
    assert proof_from("proof") == "proof"
    error = proof_from(Raised("it took too long"))
    assert isinstance(error, TokenError)
    assert str(error) == "the key of dpop signed no proof: it took too long"
