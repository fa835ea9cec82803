"""Client credentials for HTTPie: ``https -A oauth2-cc api.example.com/orders``.

The settings come from the environment (``OAUTH_CC_TOKEN_URL`` and so on, see `ClientCredentialsConfig.from_env`).
``--auth id:secret`` replaces the id and the secret. With ``--auth id``, HTTPie asks for the secret. HTTPie imports this
module at every start, so it imports as little as possible.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

try:
    from httpie.plugins import AuthPlugin  # pyright: ignore[reportMissingTypeStubs]  # HTTPie has none
except ImportError as _missing:
    from ._install import how_to_install

    raise ImportError(f"oauth_cc_auth.httpie needs HTTPie: {how_to_install('httpie')}") from _missing

if TYPE_CHECKING:
    _Base = object  # HTTPie promises no types
else:
    _Base = AuthPlugin

__all__ = ["ClientCredentialsPlugin"]


class ClientCredentialsPlugin(_Base):
    """The auth type ``oauth2-cc``. HTTPie finds it through the entry point ``httpie.plugins.auth.v1``."""

    # HTTPie reads these; see its AuthPlugin.
    name = "OAuth 2.0 client credentials"
    auth_type = "oauth2-cc"
    description = "--auth ID[:SECRET], or OAUTH_CC_CLIENT_ID and OAUTH_CC_CLIENT_SECRET; and OAUTH_CC_TOKEN_URL"
    auth_require = False
    auth_parse = True
    prompt_password = True
    netrc_parse = False  # ~/.netrc has entries for the host of the API, not for the token endpoint
    raw_auth: str | None = None  # what HTTPie writes into its session files

    def get_auth(self, username: str | None = None, password: str | None = None) -> Callable[[Any], Any]:
        """The object that attaches the token to HTTPie's request. It raises an error in the settings at its first use.

        Args:
            username: the client id from ``--auth`` or from a session file. None if there is neither.
            password: the client secret from ``--auth``. None if there is only a session file, which has no secret.
        """
        from ._httpie import auth_for, kept_in_session

        # HTTPie has set it to the whole of --auth, including the secret.
        self.raw_auth = kept_in_session(username)
        return auth_for(username, password)
