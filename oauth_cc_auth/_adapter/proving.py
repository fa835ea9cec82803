"""Making a DPoP proof for one sending of an API request (RFC 9449 §7). The one law: what signs slowly is only a step.

A local key signs faster than a thread starts, so its proof is made in place. Another key, or a service that signs, is
called as a person's function is: in a worker thread in async code, and for a limited time.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._core.drive import aresult_of, result_of
from oauth_cc_auth._core.effects import CallFunction, Raised
from oauth_cc_auth._errors import TokenError

if TYPE_CHECKING:
    from oauth_cc_auth._core.lease import Lease

    from .policy import ApiPolicy

NONCE_HEADER = "dpop-nonce"  # looked up in any case

Proving = Generator[CallFunction, Any, "str | TokenError"]


def proof_of(policy: ApiPolicy, lease: Lease, method: str, url: str, nonce: str | None = None) -> Proving:
    """The proof for one sending with `lease`, or why there is none.

    Args:
        policy: Whose `deadline` limits what signs.
        lease: The token that it goes with.
        method: HTTP method.
        url: Where the request goes.
        nonce: What the API has just asked for, if anything.
    """
    proofs = policy.proofs
    assert proofs is not None  # noqa: S101  # a bound token comes from a source that has them
    if not proofs.blocks:
        return proofs(lease.token, method, url, nonce)
    made = yield CallFunction(partial(proofs, lease.token, method, url, nonce), policy.deadline)
    if isinstance(made, Raised):
        return TokenError(f"the key of dpop signed no proof: {made.text}", reason="callable_failed")
    return made  # type: ignore[no-any-return]  # what `proofs` returns


def proof_now(policy: ApiPolicy, lease: Lease, method: str, url: str, nonce: str | None = None) -> str | TokenError:
    """`proof_of`, carried out in this thread."""
    proving, done = proof_of(policy, lease, method, url, nonce), None
    while True:
        try:
            done = result_of(proving.send(done))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # typeshed types every generator's end as Any


async def aproof(policy: ApiPolicy, lease: Lease, method: str, url: str, nonce: str | None = None) -> str | TokenError:
    """`proof_of`, carried out in the running event loop."""
    proving: Proving = proof_of(policy, lease, method, url, nonce)
    done: Any = None
    while True:
        try:
            step = proving.send(done)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # as above
        done = await aresult_of(step)
