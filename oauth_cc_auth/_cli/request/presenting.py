"""The client's certificate on the way to the API, which may want it with a token that is bound to it (RFC 8705 §3).

The one law: it is presented where the token is sent, and nowhere else. A redirect to another host loses the token, and
that host learns nothing of the client.
"""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from oauth_cc_auth._authentication.client_certificate import ClientCertificate


class PresentingAdapter(HTTPAdapter):
    """Presents `certificate`, if there is one, for requests with the header `header_name`, which carries the token."""

    def __init__(self, header_name: str, certificate: ClientCertificate | None) -> None:
        self.header_name = header_name
        self._certificate = certificate
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send it as requests does."""
        if self._certificate is not None and self.header_name in request.headers:
            kwargs["cert"] = self._certificate.as_cert
        return super().send(request, *args, **kwargs)
