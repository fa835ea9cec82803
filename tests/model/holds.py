"""How long no one may ask the token endpoint, by the words of the promises and not as the core counts it."""

from __future__ import annotations

from math import inf

from tests.model.answers import DEADLINE, Answer

LONGEST = 60.0  # seconds
LONGEST_OBEYED = 300.0  # seconds, by callers without a token
LONGEST_OBEYED_BY_RENEWALS = 3600.0  # seconds
UNHURRIED = 2.0  # jitter takes off up to half


class Hold:
    """What the failures of one kind allow: those that no retry will mend, since they are about the target, or the rest.

    Attributes: as those of `Holds`.
    """

    def __init__(self) -> None:
        self.everybody = self.everybody_at_most = self.renewals = self.renewals_at_most = -inf
        self.in_a_row = 0


class Holds:
    """What the failures in a row allow. A failure of one kind does not end the hold of the other.

    Attributes:
        everybody: Monotonic seconds before which no one may ask.
        renewals: The earliest such time for callers that have a token that is still good.
        renewals_at_most: The latest such time for them.
        everybody_at_most: The latest time before which others may be held off.
        pause_until: Monotonic seconds before which a caller without a token waits, and then asks.
        in_a_row: Failures since the last token.
    """

    def __init__(self) -> None:
        self._final, self._passing = Hold(), Hold()
        self._needed_in_a_row = 0
        self._asked_until = self.pause_until = -inf

    @property
    def in_a_row(self) -> int:
        return self._final.in_a_row + self._passing.in_a_row

    @property
    def everybody(self) -> float:
        return max(self._final.everybody, self._passing.everybody)

    @property
    def everybody_at_most(self) -> float:
        return max(self._final.everybody_at_most, self._passing.everybody_at_most)

    @property
    def renewals(self) -> float:
        return max(self._final.renewals, self._passing.renewals)

    @property
    def renewals_at_most(self) -> float:
        return max(self._final.renewals_at_most, self._passing.renewals_at_most)

    def is_probe(self, now: float) -> bool:
        """True if the endpoint keeps failing, so that one attempt finds out whether it still does."""
        return self._needed_in_a_row >= 2 and now < self.everybody + LONGEST

    def note(self, answer: Answer, now: float, left: float, *, was_one_attempt: bool) -> None:
        """A token request failed for everyone who waited for it.

        Args:
            answer: The decisive one.
            left: Seconds that the token in use has left; not positive if there is none.
            was_one_attempt: It was a renewal that can wait.
        """
        kind = self._final if answer.is_final else self._passing
        kind.in_a_row += 1
        most = left / 4 if left > 0 else inf
        least_hold = hold = 0.0
        if answer.is_final:
            least_hold = hold = min(_doubling(kind.in_a_row - 2), most)
        else:
            if not was_one_attempt:
                self._needed_in_a_row += 1
                hold = _doubling(self._needed_in_a_row - 2)
                least_hold = hold / UNHURRIED
            if answer.retry_after is not None and (not was_one_attempt or answer.retry_after >= DEADLINE):
                is_meant = now < self._asked_until  # it was asked before, and said the same
                least_hold = hold = min(answer.retry_after, LONGEST if is_meant else LONGEST_OBEYED)
            self.pause_until = -inf
        if answer.retry_after is not None:
            self._asked_until = max(self._asked_until, now + answer.retry_after)
            if was_one_attempt and answer.retry_after < DEADLINE:
                self.pause_until = now + answer.retry_after
        kind.everybody, kind.everybody_at_most = now + least_hold, now + hold
        back_off = _doubling(self.in_a_row - 1)
        if answer.retry_after is not None:
            least = min(answer.retry_after, LONGEST_OBEYED_BY_RENEWALS)
            longest = least + min(max(least, back_off), most, LONGEST_OBEYED)
        else:
            least, longest = min(back_off / UNHURRIED, most), min(back_off, most)
        kind.renewals = now + max(least_hold, least)
        kind.renewals_at_most = now + max(hold, longest)


def _doubling(before: int) -> float:
    return 0.0 if before < 0 else min(2.0 ** min(before, 6), LONGEST)
