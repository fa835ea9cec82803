"""The API that the fleet calls: which tokens it refuses, and what became of the requests."""

from __future__ import annotations

from collections import Counter

from oauth_cc_auth._core.lease import Lease


class Api:
    """Counts.

    Attributes:
        sent: API requests.
        failures: Of them, those that failed for want of a token that is accepted, by the second in which they began.
        waited: Seconds that each request waited for a token, of those that did.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.failures: Counter[int] = Counter()
        self.waited: list[float] = []
        self._revoked: set[Lease] = set()

    def revoke(self, lease: Lease | None) -> None:
        """Refuse `lease` from now on."""
        if lease is not None:
            self._revoked.add(lease)

    def refuses(self, lease: Lease) -> bool:
        """True where it answers 401 to `lease`."""
        return lease in self._revoked

    def failed(self, began: float) -> None:
        """A request that began at `began` failed."""
        self.failures[int(began)] += 1
