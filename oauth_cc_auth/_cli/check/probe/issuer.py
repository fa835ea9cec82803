"""Ask an issuer where tokens are issued, as the plugin asks (RFC 8414, OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import time

import requests

from oauth_cc_auth._issuer import Issuer
from oauth_cc_auth._protocol.discovery import metadata_request, metadata_urls, not_discovered, read_metadata
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.server_metadata import ServerMetadata
from oauth_cc_auth._requests.send import send_token_request


def read_issuer(issuer: Issuer, timeout: float, *, allow_insecure_http: bool = False) -> ServerMetadata | Failure:
    """What the metadata of `issuer` says, or the failure that lists every document that was asked for.

    Args:
        issuer: Whose metadata.
        timeout: Seconds for each question.
        allow_insecure_http: Of the settings.
    """
    unfit = []
    for url in metadata_urls(issuer):
        reply = send_token_request(requests, metadata_request(url), timeout, None)
        read = read_metadata(issuer, url, reply, time.time(), allow_insecure_http=allow_insecure_http)
        if isinstance(read, ServerMetadata):
            return read
        unfit.append(read)
        if read.is_final:
            break
    return not_discovered(issuer, unfit)
