"""How long no one may ask the token endpoint, by the words of the promises and not as the core counts it."""

from __future__ import annotations

from math import inf

from tests.model.answers import Answer

LONGEST = 60.0  # seconds
UNHURRIED = 2.0  # jitter takes off up to half


class Holds:
    """What the failures in a row allow.

    Attributes:
        everybody: Monotonic seconds before which no one may ask.
        renewals: The earliest such time for callers that have a token that is still good.
        renewals_at_most: The latest such time for them.
        in_a_row: Failures since the last token.
    """

    def __init__(self) -> None:
        self.everybody = self.renewals = self.renewals_at_most = -inf
        self.in_a_row = self._final_in_a_row = 0

    def note(self, answer: Answer, now: float, left: float, *, was_one_attempt: bool) -> None:
        """A token request failed for everyone who waited for it.

        Args:
            answer: The decisive one.
            left: Seconds that the token in use has left; not positive if there is none.
            was_one_attempt: It was a renewal that can wait, which does not sleep for a `Retry-After`.
        """
        self.in_a_row += 1
        most = left / 4 if left > 0 else inf
        hold = 0.0
        if answer.is_final:
            self._final_in_a_row += 1
            if self._final_in_a_row >= 2:
                hold = min(2.0 ** min(self._final_in_a_row - 2, 6), LONGEST, most)
        elif answer.retry_after is not None and not was_one_attempt:
            hold = min(answer.retry_after, LONGEST)
        self.everybody = now + hold
        back_off = min(2.0 ** min(self.in_a_row - 1, 6), LONGEST)
        if answer.retry_after is not None:
            least = min(answer.retry_after, LONGEST)
            longest = least + min(max(least, back_off), most)
        else:
            least, longest = min(back_off / UNHURRIED, most), min(back_off, most)
        self.renewals = now + max(hold, least)
        self.renewals_at_most = now + max(hold, longest)
