"""Promise 16: a compressed answer is read even if we did not ask for it. For unreadable ones, see tests/faults."""

from __future__ import annotations

import gzip
import json
import zlib

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for

TOKEN = {"access_token": "some-token", "token_type": "Bearer", "expires_in": 3600}


@each_client
def test_compression_that_was_not_asked_for_is_understood(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """We request identity. An answer that is compressed anyway is read, even with two codings or raw deflate."""
    body = json.dumps(TOKEN).encode()
    raw_deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    encodings = {
        "gzip": gzip.compress(body),
        "X-GZip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "Deflate": raw_deflate.compress(body) + raw_deflate.flush(),
        "identity": body,
        "deflate, gzip": gzip.compress(zlib.compress(body)),
    }
    with client.session(auth_for(client, oauth_server)) as session:
        for encoding, content in encodings.items():
            for content_length in (True, False):
                session.auth.invalidate()
                answer = Answer(200, content, {"Content-Encoding": encoding}, content_length=content_length)
                oauth_server.token_endpoint.next(answer)
                assert session.get_token().access_token == "some-token"
    assert {request.headers["Accept-Encoding"] for request in oauth_server.token_requests} == {"identity"}
