"""An authorization server and a protected API that speak real HTTP/1.1 on 127.0.0.1, for tests and demos.

    from oauth_cc_auth.testing import Answer, LoopbackServer

    with LoopbackServer(client_id="client", client_secret="secret") as server:
        server.token_endpoint.next(Answer.error("temporarily_unavailable", status=503))
        ...  # point the code under test at server.token_url and server.api_url
        assert len(server.token_requests) == 2

Put ``pytest_plugins = ["oauth_cc_auth.testing"]`` into a ``conftest.py`` and each test can use the fixture
``oauth_server``: a started ``LoopbackServer()`` of its own. ``oauth_tls_server`` speaks https. The package needs only
the standard library, and cryptography for TLS and for what clients have signed.

PYTEST_DONT_REWRITE: this package contains no assertions to rewrite. Without this word, pytest warns if a test
imports the package before pytest loads it as a plugin.
"""

import sys

from ._answers import Answer
from ._certificates import CertificateFiles
from ._endpoint import Endpoint, ScriptedAnswer
from ._gate import Gate
from ._recorded_request import Headers, RecordedRequest
from ._server import LoopbackServer

# pytest is not a dependency: load the fixture only if the program uses pytest.
if "pytest" in sys.modules:
    from ._pytest import oauth_server as oauth_server
    from ._pytest import oauth_tls_server as oauth_tls_server

__all__ = [
    "Answer",
    "CertificateFiles",
    "Endpoint",
    "Gate",
    "Headers",
    "LoopbackServer",
    "RecordedRequest",
    "ScriptedAnswer",
]

# Pickles and error messages then name the public path. ScriptedAnswer is a union and has no module of its own.
for _class in (Answer, CertificateFiles, Endpoint, Gate, Headers, LoopbackServer, RecordedRequest):
    _class.__module__ = __name__
