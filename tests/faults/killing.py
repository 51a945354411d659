"""Kills: when, whom, and only while something is in flight. Each kill is written down with what was."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from victim import Victim

NOT_BEFORE, NOT_AFTER = 0.02, 0.97  # of the run: there must be something before and after each kill
IN_FLIGHT_S = 60.0
TOGETHER_S = 1.0
PROGRESS_S = 120.0
LONGEST_ABSENCE_S = 0.4
HASTE = 0.2


class NoMomentError(TimeoutError):
    """Nothing was in flight for so long that a victim could not be killed."""


@dataclass(frozen=True, slots=True)
class Flight:
    """What is in flight, and how many items the hub had committed (None: it was not running)."""

    in_flight: Mapping[str, int]
    committed: int | None


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill, what was in flight while the victim stood still just before it, and who was down already."""

    at_s: float
    victim: str
    in_flight: Mapping[str, int]
    down: tuple[str, ...]


Look = Callable[[str, Victim], Flight | None]
"""Returns what is in flight as far as it concerns a victim in its role, or None when nothing is."""


@dataclass(slots=True)
class Killing:
    """Kills victims by a seeded plan as a run of `goal` items makes progress.

    Some kills come while an earlier victim is still down. Of the others most wait until the victim has been
    at work since its last start; a share of `HASTE` does not, and may find it just starting.

    Args:
        victims: By role; of several for a role, one is chosen each time.
        kills: How many for each role.
        together: How often (0..1) a kill comes while the victim before it is down.
        look: Says what is in flight.
        progress: Says how many items were made.
    """

    victims: Mapping[str, Sequence[Victim]]
    kills: int
    together: float
    look: Look
    progress: Callable[[], int]
    goal: int
    dice: random.Random
    done: list[Kill] = field(default_factory=list)
    _down: list[Victim] = field(default_factory=list)
    _stood: dict[str, int] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Carry the plan out.

        Raises:
            TimeoutError: The run stands still.
            NoMomentError: Nothing is in flight.
        """
        roles = [role for role in self.victims for _ in range(self.kills)]
        self.dice.shuffle(roles)
        moments = sorted(self.dice.uniform(NOT_BEFORE, NOT_AFTER) * self.goal for _ in roles)
        for role, moment in zip(roles, moments, strict=True):
            victim = self.dice.choice(self.victims[role])
            together = self.dice.random() < self.together and self._down and victim not in self._down
            if together and self._strike(role, victim, TOGETHER_S):
                continue
            self._start_again()
            self._wait_for(moment)
            if not self._strike(role, victim, IN_FLIGHT_S, idle_too=self.dice.random() < HASTE):
                raise NoMomentError(
                    f"{IN_FLIGHT_S:g} s without a moment to kill {victim.name}: nothing in flight"
                )
        self._start_again()

    def counts(self) -> dict[str, int]:
        """Return how many of each role were killed."""
        names = {role: {victim.name for victim in victims} for role, victims in self.victims.items()}
        return {role: sum(kill.victim in names[role] for kill in self.done) for role in names}

    def log(self) -> list[str]:
        """Return a line for each kill."""
        return [
            f"{kill.at_s:7.2f} s {kill.victim}: "
            + ", ".join(f"{count} {what}" for what, count in kill.in_flight.items())
            + (f" ({' and '.join(kill.down)} down)" if kill.down else "")
            for kill in self.done
        ]

    def _start_again(self) -> None:
        time.sleep(self.dice.uniform(0, LONGEST_ABSENCE_S) if self._down else 0)
        for victim in self._down:
            victim.start()
        self._down.clear()

    def _wait_for(self, moment: float) -> None:
        deadline = time.monotonic() + PROGRESS_S
        while self.progress() < moment:
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {self.progress()} of {moment:.0f} were made")
            for victim in (victim for victims in self.victims.values() for victim in victims):
                victim.check()
            time.sleep(0.01)

    def _strike(self, role: str, victim: Victim, within_s: float, *, idle_too: bool = True) -> bool:
        """Kill a victim at a moment when, with it standing still, something is seen to be in flight.

        Args:
            idle_too: Even if nothing was committed since its last start.

        Returns:
            Whether such a moment came.
        """
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            victim.check()
            victim.pause()
            flight = self.look(role, victim)
            if flight and (idle_too or (flight.committed or 0) > self._stood.get(victim.name, 0)):
                victim.kill()
                self._note(victim, flight)
                return True
            victim.resume()
            time.sleep(self.dice.uniform(0, 0.02))
        return False

    def _note(self, victim: Victim, flight: Flight) -> None:
        at_s = round(time.monotonic() - self._began, 2)
        self.done.append(Kill(at_s, victim.name, flight.in_flight, tuple(gone.name for gone in self._down)))
        self._down.append(victim)
        if flight.committed is not None:
            self._stood[victim.name] = flight.committed


def wait_until(
    condition: Callable[[], bool], what: str, timeout_s: float, everyone: Sequence[Victim]
) -> None:
    """Wait for a condition while everyone runs; raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {timeout_s:g} s not yet: {what}")
        for victim in everyone:
            victim.check()
        time.sleep(0.05)
