"""The API that the fleet calls: which tokens it refuses, and how its requests end."""

from __future__ import annotations

from collections import Counter

from oauth_cc_auth._core.lease import Lease


class Api:
    """Counts requests.

    Attributes:
        sent: API requests.
        failures: API requests that failed without an accepted token, by the second in which they began.
        waited: Seconds that requests waited for a token, for those that waited.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.failures: Counter[int] = Counter()
        self.waited: list[float] = []
        self._revoked: set[str] = set()  # serials of tokens, which processes may share

    def revoke(self, lease: Lease | None) -> None:
        """Refuse the token of `lease` from now on."""
        if lease is not None:
            self._revoked.add(lease.token.serial)

    def refuses(self, lease: Lease) -> bool:
        """True if it answers 401 to `lease`."""
        return lease.token.serial in self._revoked

    def failed(self, began: float) -> None:
        """Count a failed request that began at `began`."""
        self.failures[int(began)] += 1
