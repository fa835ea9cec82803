"""An origin that refuses every token, again and again, among everything else that happens."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.answers import token
from tests.model.passing_time import PassingTime, pauses, which


class RefusedAgain(PassingTime):
    """The rules of that origin."""

    @precondition(lambda self: self.promises.tokens)
    @rule(issued=st.integers(0, 9), pause=pauses)
    def ask_after_a_refusal_of_every_token(self, issued: int, pause: float) -> None:
        """By an API that accepts none. The endpoint issues as many tokens at once."""
        for number in range(issued + 1):
            lease = self.promises.tokens[-1]
            if self.origin.refuses(lease):
                self.pass_some_of_the_hold(pause)
                continue
            asking = self.begin(refused=lease)
            self.origin.drives(asking)
            if number < issued and asking.is_sending:
                self.promises.move(asking, token(life=100))
            self.origin.check()

    @precondition(lambda self: self.promises.tokens)
    @rule(which=which, then=st.sampled_from(["take", "postpone"]))
    def show_a_token_to_the_refusing_origin(self, which: int, then: str) -> None:
        """It accepts one after all, or refuses one whose renewal is left to the next request."""
        tokens = self.promises.tokens[-4:]
        lease = tokens[-1 - which % len(tokens)]
        if then == "take":
            self.origin.takes(lease)
        elif not self.origin.refuses(lease):
            self.origin.postpones(lease)
