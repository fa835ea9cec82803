"""A scene with a token that is bound to a key (DPoP): it is of no use to who has only the token."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from ._checks import got
from ._scenes import Scene, Stage

BOUND = Scene(
    "A token that is bound to a key",
    "The token is good only with a proof, signed anew for each request by a key that never leaves the app. Then "
    "someone who has seen the token uses it without the key. It takes one more argument: dpop=DPoP().",
    "With the key, the token works. Without it, it does not.",
    "body 200, new token 200, new token 401; the app got 200, 401",
)
KEY_EXTRA = "jwt"


def can_bind() -> bool:
    """True if everything is installed that makes proofs."""
    return all(find_spec(name) is not None for name in ("jwt", "cryptography"))


def bind(stage: Stage) -> None:
    """Play the scene."""
    from oauth_cc_auth import DPoP

    get = import_module(stage.library_name).get
    server = stage.server
    server.dpop = True
    try:
        with stage.playing(BOUND) as outcomes:
            auth = stage.auth(client_authentication="client_secret_post", dpop=DPoP())
            outcomes.append(got(get(stage.url, auth=auth)))
            seen = auth.get_token().access_token
            outcomes.append(got(get(stage.url, headers={"Authorization": f"DPoP {seen}"})))
    finally:
        server.dpop = False
