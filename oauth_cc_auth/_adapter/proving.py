"""Making a DPoP proof for one sending of an API request (RFC 9449 §7). The one law: what signs slowly is only a step.

A local key signs faster than a thread starts, so its proof is made in place. Another key, or a service that signs, is
called as a person's function is: in a worker thread in async code, and for a limited time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._core.drive import aresult_of, result_of
from oauth_cc_auth._core.effects import CallFunction, Raised
from oauth_cc_auth._errors import TokenError

if TYPE_CHECKING:
    from oauth_cc_auth._core.lease import Lease

    from .policy import ApiPolicy

NONCE_HEADER = "dpop-nonce"  # looked up in any case


def proof_now(policy: ApiPolicy, lease: Lease, method: str, url: str, nonce: str | None = None) -> str | TokenError:
    """The proof for one sending with `lease`, or why there is none; made in this thread.

    Args:
        policy: Whose `deadline` limits what signs.
        lease: The token that it goes with.
        method: HTTP method.
        url: Where the request goes.
        nonce: What the API has just asked for, if anything.
    """
    proofs: Any = policy.proofs  # a bound token comes from a source that has them
    if not proofs.blocks:
        return proofs(lease.token, method, url, nonce)  # type: ignore[no-any-return]  # what `Proofs` returns
    return proof_from(result_of(signing(policy, lease, method, url, nonce)))


async def aproof(policy: ApiPolicy, lease: Lease, method: str, url: str, nonce: str | None = None) -> str | TokenError:
    """`proof_now` in the running event loop, which what signs slowly does not block."""
    if not policy.proofs.blocks:  # type: ignore[union-attr]  # as above
        return proof_now(policy, lease, method, url, nonce)
    return proof_from(await aresult_of(signing(policy, lease, method, url, nonce)))


def signing(policy: ApiPolicy, lease: Lease, method: str, url: str, nonce: str | None = None) -> CallFunction:
    """The step that makes a proof; the arguments are those of `proof_now`."""
    proofs: Any = policy.proofs
    return CallFunction(partial(proofs, lease.token, method, url, nonce), policy.deadline)


def proof_from(made: Any) -> str | TokenError:
    """The proof that `signing` came to, or why there is none."""
    if isinstance(made, Raised):
        return TokenError(f"the key of dpop signed no proof: {made.text}", reason="callable_failed")
    return made  # type: ignore[no-any-return]  # what `Proofs` returns
