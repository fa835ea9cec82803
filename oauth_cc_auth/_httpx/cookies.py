"""The cookies of a refused answer go with the request that is sent again, as they do in requests.

httpx puts the cookies of a client into a header when it makes a request, and then knows nothing more of them. So the
refusal's are merged into that header, by name: what it sets replaces or is added, what it deletes is taken out, and
everything else stays as it was sent.
"""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any


class _Jar(CookieJar):
    """Holds what one answer sets, and knows what it deletes.

    Attributes:
        deleted: Names of cookies that would have been sent with the request.
    """

    def __init__(self) -> None:
        self._rules = DefaultCookiePolicy()
        super().__init__(self._rules)
        self.deleted: set[str] = set()
        self._request: Any = None

    def extract_cookies(self, response: Any, request: Any) -> None:
        """As ever; the request is what a deletion must apply to."""
        self._request = request
        super().extract_cookies(response, request)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Called for each cookie whose time to live is over when it comes: that is how a server deletes one."""
        policy = self._rules
        if policy.domain_return_ok(str(domain), self._request) and policy.path_return_ok(str(path), self._request):
            self.deleted.add(str(name))


def merge_cookies(library: Any, response: Any, request: Any) -> None:
    """Have the cookies that `response` sets and deletes count for `request`, which is a copy of the refused one."""
    if "set-cookie" not in response.headers:
        return
    jar = _Jar()
    cookies = library.Cookies(jar)
    cookies.extract_cookies(response)
    sent = request.headers.pop("cookie", "")
    cookies.set_cookie_header(request)
    new = _pairs(request.headers.pop("cookie", ""))
    gone = jar.deleted | {name for name, _ in new}
    pairs = [pair for name, pair in _pairs(sent) if name not in gone] + [pair for _, pair in new]
    if pairs:
        request.headers["cookie"] = "; ".join(pairs)


def _pairs(header: str) -> list[tuple[str, str]]:
    """Names, and names with values."""
    pairs = (pair.strip() for pair in header.split(";"))
    return [(pair.partition("=")[0], pair) for pair in pairs if pair]
