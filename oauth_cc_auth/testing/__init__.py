"""A real HTTP/1.1 authorization server and a protected API on 127.0.0.1, for tests and demos.

    from oauth_cc_auth.testing import Answer, LoopbackServer

    with LoopbackServer(client_id="client", client_secret="secret") as server:
        server.token_endpoint.next(Answer.error("temporarily_unavailable", status=503))
        ...  # point the code under test at server.token_url and server.api_url
        assert len(server.token_requests) == 2

With ``pytest_plugins = ["oauth_cc_auth.testing"]`` in a ``conftest.py``, the fixture ``oauth_server`` is a
started ``LoopbackServer()`` for one test. Only the standard library is needed.

PYTEST_DONT_REWRITE: there is no assertion to rewrite here, and without this word pytest warns whoever imports
this package before it is loaded as a plugin.
"""

import sys

from ._answers import Answer
from ._endpoint import Endpoint, ScriptedAnswer
from ._gate import Gate
from ._record import Headers, RecordedRequest
from ._server import LoopbackServer

# pytest is not a dependency: whoever has not imported it does not pay for importing it.
if "pytest" in sys.modules:
    from ._pytest import oauth_server as oauth_server

__all__ = ["Answer", "Endpoint", "Gate", "Headers", "LoopbackServer", "RecordedRequest", "ScriptedAnswer"]
