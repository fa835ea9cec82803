"""Processes that share a store, driven by chance: lost leases, late writers, faults, and kills.

A seed decides everything, on every machine: `random()` is the one method of `random.Random` that draws the same in all
versions of Python. `python -c "from tests.model.sharing_by_chance import play; play(17)"` plays seed 17.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from oauth_cc_auth._core.leftovers import do_leftovers
from tests.model.answers import DROPPED, FAILURES, token
from tests.model.processes import Process, Running, World
from tests.model.shared_promises import SharedPromises

T = TypeVar("T")

STEPS = 60  # of each example; some do nothing, because there is nothing to do it with
LIVES = (1, 20, 100, 100, 1000, 3600, None)
FEWEST, MOST = 2, 4  # processes
HOUR = 3600.0  # seconds


def play(seed: int) -> None:
    """Play the example of `seed`.

    Raises:
        AssertionError: a promise is broken, or something else went wrong; it names the seed.
    """
    example = Example(random.Random(seed))  # noqa: S311  # chance, and no secret
    try:
        for _ in range(STEPS):
            example.go_on()
        example.end()
    except Exception as error:
        raise AssertionError(f"seed {seed}, step {example.steps}, {example.doing}: {error!r}") from error
    finally:
        do_leftovers()


class Example:
    """The rules of callers, of the endpoint, of the store and of the system, which `shared_promises` judges.

    Attributes:
        doing: The rule that was drawn last.
        steps: How many were drawn.
    """

    def __init__(self, chance: random.Random) -> None:
        self.doing, self.steps = "", 0
        self._chance = chance
        self._world = World()
        self._promises = SharedPromises(self._world)
        self._dead: list[Running] = []  # what was killed is no garbage: no one closes it
        self._tokens = 0
        for ahead in (0.0, HOUR):
            Process(self._world, ahead)
        # With some rules left out, the others meet more often.
        share = self._pick((0.3, 0.5, 0.7, 1.0))
        self._rules = [rule for rule in RULES if self._chance.random() < share] or RULES

    def go_on(self) -> None:
        """Follow a rule."""
        rule = self._pick(self._rules)
        self.doing = rule.__name__
        self.steps += 1
        rule(self)
        self._promises.check()

    def end(self) -> None:
        """Every caller ends by its deadline, no matter what the endpoint and the store do."""
        self.doing, steps = "end", 0
        while self._promises.running:
            steps += 1
            assert steps < 20000, "a caller never ends"
            self._promises.check()
            movable = self._movable()
            if movable:
                self._promises.move(movable[0])
                continue
            self._pass_to(min(running.due for running in self._promises.running))
            for running in self._sending():
                if self._world.now >= running.due:
                    if steps % 2:
                        self._promises.move(running, DROPPED)
                    else:
                        self._issue(running, 100)

    # --- who and what -----------------------------------------------------------------------------------------------

    def _pick(self, things: Sequence[T]) -> T:
        return things[int(self._chance.random() * len(things))]

    def _is_so(self) -> bool:
        return self._pick((False, True))

    def _process(self) -> Process:
        return self._pick(self._world.processes)

    def _movable(self) -> list[Running]:
        return [running for running in self._promises.running if running.can_move]

    def _sending(self) -> list[Running]:
        return [running for running in self._promises.running if running.is_sending]

    def _issue(self, running: Running, life: float | None) -> None:
        self._tokens += 1
        text = f"t{self._tokens}"
        self._promises.move(running, token(life, text), text, life)

    def _pass_to(self, time: float) -> None:
        self._world.pass_time(max(0.0, time - self._world.now))

    # --- callers ----------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        self._promises.ask(self._process())

    def ask_everywhere(self) -> None:
        for process in self._world.processes:
            self._promises.ask(process)

    def ask_after_a_refusal(self) -> None:
        """An API refuses the token of a process, and perhaps those of others."""
        for _ in range(self._pick((1, 2, 3))):
            self._refuse(self._process())

    def _refuse(self, process: Process) -> None:
        lease = process.cache.current
        if lease is not None:
            process.refused.add(lease.token.access_token)
            self._promises.ask(process, lease)

    def invalidate(self) -> None:
        self._promises.invalidated(self._process())

    def cancel(self) -> None:
        if self._promises.running:
            self._promises.cancel(self._pick(self._promises.running))

    def move(self) -> None:
        movable = self._movable()
        if movable:
            self._promises.move(self._pick(movable))

    def move_all(self) -> None:
        for running in self._movable():
            if running.can_move:
                self._promises.move(running)

    # --- the endpoint -----------------------------------------------------------------------------------------------

    def issue(self) -> None:
        sending = self._sending()
        if sending:
            self._issue(self._pick(sending), self._pick(LIVES))

    def fail(self) -> None:
        sending = self._sending()
        if sending:
            self._promises.move(self._pick(sending), self._pick(FAILURES))

    # --- what is rare if chance has to find it ----------------------------------------------------------------------

    def share_a_token(self) -> None:
        """The store works, and all processes ask until they have a token."""
        life = self._pick((100, 1000, 3600))
        self._world.fault = None
        self.ask_everywhere()
        for _ in range(3):
            for running in self._sending():
                self._issue(running, life)
            self._world.pass_time(1.0)
            self.move_all()

    def come_late(self) -> None:
        """An owner gets its token when its lease has ended, and perhaps another process has one; then a third asks."""
        sending = self._sending()
        if not sending:
            return
        late = self._pick(sending)
        if self._is_so():
            self.wipe()
            self._world.pass_time(1.0)
        else:
            self._pass_to(late.due + self._pick((2.5, 2.5, 20.0)))
        others = self._pick(("rest", "ask", "have a token", "have a token"))
        if others != "rest":
            self.ask_everywhere()
            self.move_all()
        if others == "have a token":
            for running in self._sending():
                if running.process is not late.process:
                    self._issue(running, 1000)
        if late in self._promises.running:
            if self._is_so():
                self._promises.cancel(late)
            else:
                self._issue(late, 1000)
        self._start(0.0)

    def try_again_late(self) -> None:
        """An owner fails, and sleeps before its next try until its lease has ended and another process asks."""
        sending = self._sending()
        if not sending:
            return
        running = self._pick(sending)
        self._promises.move(running, DROPPED)
        if running in self._promises.running and not running.is_sending:
            if self._is_so():
                self.wipe()
                self._world.pass_time(0.01)
            else:
                self._pass_to(running.due + 3)
            self.ask_everywhere()
            self._pass_to(running.due)
            if running in self._promises.running and running.can_move:
                self._promises.move(running)

    def fail_to_renew(self) -> None:
        """A process that has a token cannot renew it; then a new one needs a token."""
        process, answer = self._process(), self._pick(FAILURES)
        if self._is_so():
            self._refuse(process)
        else:
            self._pass_to_mark(process, "aging_from")
            self._promises.ask(process)
        for running in self._sending():
            if running.process is process:
                self._promises.move(running, answer)
        self._start(0.0)

    # --- the store --------------------------------------------------------------------------------------------------

    def store(self) -> None:
        self._world.fault = self._pick((None, None, None, "down", "hangs", "late", "lies"))

    def cut_off_or_not(self) -> None:
        view = self._process().view
        view.is_cut_off = not view.is_cut_off

    def carry_out_a_late_operation(self) -> None:
        late = self._world.late
        if not late:
            return
        function, fault = late.pop(int(self._chance.random() * len(late))), self._world.fault
        self._world.fault = None
        try:
            function()
        except OSError:  # its process was killed, or is cut off
            pass
        finally:
            self._world.fault = fault
            self._promises.look()

    def wipe(self) -> None:
        self._promises.wiped()

    # --- the system -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._start(self._pick((0.0, -HOUR, HOUR)))

    def _start(self, ahead: float) -> None:
        if len(self._world.processes) < MOST:
            self._promises.ask(Process(self._world, ahead))

    def kill(self) -> None:
        self._kill(self._process())

    def kill_the_winner(self) -> None:
        sending = self._sending()
        if sending:
            self._kill(self._pick(sending).process)

    def _kill(self, process: Process) -> None:
        if len(self._world.processes) > FEWEST:
            self._dead += [running for running in self._promises.running if running.process is process]
            self._promises.killed(process)

    def pass_time(self) -> None:
        self._world.pass_time(self._pick((0.05, 0.5, 2.0, 12.0, 31.0, 100.0, 1000.0)))

    def pass_time_to_the_next_step(self) -> None:
        if self._promises.running:
            self._pass_to(min(running.due for running in self._promises.running))

    def pass_time_to_a_mark_of_a_token(self) -> None:
        self._pass_to_mark(self._process(), self._pick(("aging_from", "waiting_from", "ends_at")))

    def _pass_to_mark(self, process: Process, mark: str) -> None:
        if process.cache.current is not None:
            seconds = process.clock.moment().seconds_to(getattr(process.cache.current, mark))
            if 0 < seconds < 10**6:
                self._world.pass_time(seconds)

    def draw(self) -> None:
        self._process().clock.chance_value = self._pick((0.0, 0.5, 0.999))


RULES: Sequence[Callable[[Example], None]] = (
    Example.ask,
    Example.ask_everywhere,
    Example.ask_after_a_refusal,
    Example.invalidate,
    Example.cancel,
    Example.move,
    Example.move_all,
    Example.issue,
    Example.fail,
    Example.share_a_token,
    Example.come_late,
    Example.try_again_late,
    Example.fail_to_renew,
    Example.store,
    Example.cut_off_or_not,
    Example.carry_out_a_late_operation,
    Example.wipe,
    Example.start,
    Example.kill,
    Example.kill_the_winner,
    Example.pass_time,
    Example.pass_time_to_the_next_step,
    Example.pass_time_to_a_mark_of_a_token,
    Example.draw,
)
