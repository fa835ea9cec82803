"""An auth for requests as an experienced person writes it: early renewal, one fetch at a time, one try after a 401."""

from __future__ import annotations

import threading
import time
from typing import Any

import requests
from requests.auth import AuthBase


class BearerAuth(AuthBase):
    def __init__(self, token_url: str, client_id: str, client_secret: str, leeway: float, session: Any = None) -> None:
        self._token_url, self._credentials, self._leeway = token_url, (client_id, client_secret), leeway
        self._session = session or requests.Session()
        self._lock = threading.Lock()
        self._token, self._expires_at = "", 0.0

    def _current(self) -> str:
        with self._lock:
            if time.time() >= self._expires_at - self._leeway:
                response = self._session.post(
                    self._token_url, data={"grant_type": "client_credentials"}, auth=self._credentials, timeout=10
                )
                response.raise_for_status()
                answer = response.json()
                self._token, self._expires_at = answer["access_token"], time.time() + answer["expires_in"]
            return self._token

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self._current()}"
        r.register_hook("response", self._after_refusal)
        return r

    def _after_refusal(self, response: requests.Response, **kwargs: Any) -> requests.Response:
        if response.status_code != 401 or response.history:
            return response
        self._expires_at = 0.0
        response.content  # noqa: B018  # read the body, so that the connection can be used again
        request = response.request.copy()
        request.headers["Authorization"] = f"Bearer {self._current()}"
        again: requests.Response = response.connection.send(request, **kwargs)
        again.history.append(response)
        return again
