"""When a token is renewed, as a person sets it; what follows from that for a token is in `lease`."""

from __future__ import annotations

from oauth_cc_auth._record import Record


class RenewalRules(Record):
    """When to renew.

    Attributes:
        early_expiry: Seconds before the end from which callers wait; None for a tenth of the life, 30 s at most.
        renew_after: Fraction of the life after which one caller renews.
    """

    __slots__ = ("early_expiry", "renew_after")

    def __init__(self, early_expiry: float | None = None, renew_after: float = 0.8) -> None:
        self.early_expiry = early_expiry
        self.renew_after = renew_after
