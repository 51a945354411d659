"""Outages of a broker: when, how and for how long, by a seeded plan. Each is written down."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from victim import Victim


@dataclass(frozen=True, slots=True)
class OutagePlan:
    """Outages for `seconds`; each of them, and each time between two, lasts `shortest_s` to `longest_s`.

    `protocol` is the version of MQTT that the agent speaks.
    """

    seconds: float
    shortest_s: float
    longest_s: float
    seed: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Done:
    """One outage, and how many records waited in the spool when it was over."""

    at_s: float
    how: str
    lasted_s: float
    waiting: int


def _stop(broker: Victim) -> Callable[[], None]:
    broker.stop()
    return broker.start


def _kill(broker: Victim) -> Callable[[], None]:
    broker.kill()
    return broker.start


def _hang(broker: Victim) -> Callable[[], None]:
    broker.pause()
    return broker.resume


# What each does to the broker; they return what ends it.
KINDS: dict[str, Callable[[Victim], Callable[[], None]]] = {"stopped": _stop, "killed": _kill, "hung": _hang}


@dataclass(slots=True)
class Outages:
    """Takes a broker away again and again.

    Args:
        broker: A running one.
        others: Who must go on all the while.
        waiting: Says how many records wait in the spool.
    """

    broker: Victim
    others: Sequence[Victim]
    plan: OutagePlan
    waiting: Callable[[], int]
    done: list[Done] = field(default_factory=list)

    def run(self) -> None:
        """Carry the plan out, each kind once at least; the broker runs at the end.

        Raises:
            RuntimeError: Somebody ended.
        """
        dice = random.Random(self.plan.seed)  # noqa: S311 - a plan
        began = time.monotonic()
        for how in _kinds(dice):
            up_s, down_s = (dice.uniform(self.plan.shortest_s, self.plan.longest_s) for _ in range(2))
            over = time.monotonic() - began + up_s + down_s > self.plan.seconds
            if over and len(self.done) >= len(KINDS):
                return
            self._let_pass(up_s, [self.broker, *self.others])
            at_s = time.monotonic() - began
            end = KINDS[how](self.broker)
            self._let_pass(down_s, self.others)
            self.done.append(Done(round(at_s, 1), how, round(down_s, 1), self.waiting()))
            end()

    def log(self) -> list[str]:
        """Return a line for each outage."""
        return [
            f"{one.at_s:7.1f} s {one.how} for {one.lasted_s:.1f} s: {one.waiting} waiting"
            for one in self.done
        ]

    @staticmethod
    def _let_pass(seconds: float, running: Sequence[Victim]) -> None:
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0:
            for victim in running:
                victim.check()
            time.sleep(min(0.2, left_s))


def _kinds(dice: random.Random) -> Iterator[str]:
    """Yield the kinds without end, each of them once in every round."""
    while True:
        yield from dice.sample(sorted(KINDS), len(KINDS))
