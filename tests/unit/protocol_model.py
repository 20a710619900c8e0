"""The protocol of claims without Postgres, RabbitMQ and Solr, so that thousands of random schedules run in a second.

A key's value in the database is a counter. Each event says "key k may have become value v"; a claim takes some of them;
a message names the claim, and may come twice, late or never; a worker begins, reads, posts key by key, and finishes. It
may freeze or die between any two of these steps, and any claim in flight may be revoked at any moment.

Rules can be left out by name (`Mutant`): then the same exploration has to find a schedule that breaks a promise.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import Enum, auto

KEYS = 2
PATIENCE = 4000  # steps within which a calm system has to drain


class Mutant(Enum):
    """A rule of the protocol that is left out."""

    NO_EXCLUSION = auto()  # a key may be in two claims in flight
    NO_FLIGHT_CHECK = auto()  # the read does not ask whether the claim is in flight
    NO_VERSION = auto()  # Solr takes every write
    BEGIN_AGAIN = auto()  # a claim may be begun twice, and a read marks done all that it saw


class Broken(Exception):
    """A promise that a schedule broke."""


@dataclass(eq=False, slots=True)
class Event:
    """One change: its key, the value that the change gave it, the claim that holds it, and whether it is done."""

    key: int
    value: int
    claim: int | None = None
    done: bool = False


class At(Enum):
    """The next step of a worker."""

    BEGIN = auto()
    READ = auto()
    POST = auto()
    FINISH = auto()


@dataclass(eq=False, slots=True)
class Worker:
    """One delivery of a message: what it has read, and the events that its finish will mark."""

    claim: int
    at: At = At.BEGIN
    documents: dict[int, int] = field(default_factory=dict)
    covers: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """The whole system; every method is one atomic step."""

    random: random.Random
    mutant: Mutant | None = None
    database: list[int] = field(default_factory=lambda: [0] * KEYS)
    solr: list[tuple[int, int]] = field(default_factory=lambda: [(-1, -1)] * KEYS)  # version, value
    events: list[Event] = field(default_factory=list)
    flying: dict[int, bool] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    messages: list[int] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    def commit(self) -> None:
        """A user changes a document."""
        key = self.random.randrange(KEYS)
        self.database[key] += 1
        self.events.append(Event(key, self.database[key]))

    def claim(self) -> None:
        """The relay claims some of what is available, and publishes the claim."""
        held = {e.key for e in self.events if e.claim is not None and not e.done and self.flying[e.claim]}
        if self.mutant is Mutant.NO_EXCLUSION:
            held = set()
        free = [e for e in self.events if e.claim is None and not e.done and e.key not in held]
        if not free:
            return
        number = len(self.flying) + 1
        self.flying[number] = True
        for event in self.random.sample(free, self.random.randint(1, len(free))):
            event.claim = number
        self.messages.append(number)

    def end(self, claim: int) -> None:
        """The claim ends; what it has not done is free again."""
        self.flying[claim] = False
        for event in self.events:
            if event.claim == claim and not event.done:
                event.claim = None

    def revoke(self) -> None:
        """Some claim's lease is over."""
        flying = [claim for claim, flies in self.flying.items() if flies]
        if flying:
            self.end(self.random.choice(flying))

    def deliver(self) -> None:
        """A message arrives, perhaps not for the last time."""
        if self.messages:
            claim = self.random.choice(self.messages)
            if self.random.random() < 0.8:
                self.messages.remove(claim)
            self.workers.append(Worker(claim))

    def die(self) -> None:
        """A worker is killed."""
        if self.workers:
            self.workers.remove(self.random.choice(self.workers))

    def work(self) -> None:
        """Some worker makes its next step."""
        if self.workers:
            worker = self.random.choice(self.workers)
            {At.BEGIN: self._begin, At.READ: self._read, At.POST: self._post, At.FINISH: self._finish}[worker.at](
                worker
            )

    def _begin(self, worker: Worker) -> None:
        again = worker.claim in self.begun and self.mutant is not Mutant.BEGIN_AGAIN
        if again and self.flying[worker.claim] and self.random.random() < 0.5:
            self.end(worker.claim)  # the broker said "redelivered"
        if again or not self.flying[worker.claim]:
            self.workers.remove(worker)
            return
        self.begun.add(worker.claim)
        worker.at = At.READ

    def _read(self, worker: Worker) -> None:
        keys = {e.key for e in self.events if e.claim == worker.claim and not e.done}
        if not self.flying[worker.claim] or not keys:
            if self.mutant is not Mutant.NO_FLIGHT_CHECK:
                self.workers.remove(worker)
                return
            keys = {self.random.randrange(KEYS)}
        worker.documents = {key: self.database[key] for key in keys}
        worker.covers = [e for e in self.events if not e.done and self._covered(e, worker.claim, keys)]
        worker.at = At.POST

    def _covered(self, event: Event, claim: int, keys: set[int]) -> bool:
        waiting = event.claim is None and event.key in keys
        return event.claim == claim or (self.mutant is Mutant.BEGIN_AGAIN and waiting)

    def _post(self, worker: Worker) -> None:
        key, value = worker.documents.popitem()
        version, there = self.solr[key]
        if worker.claim > version or self.mutant is Mutant.NO_VERSION:
            if value < there:
                raise Broken(f"back in time: key {key} went from {there} to {value}")
            self.solr[key] = (worker.claim, value)
        if not worker.documents:
            worker.at = At.FINISH

    def _finish(self, worker: Worker) -> None:
        self.workers.remove(worker)
        if not self.flying[worker.claim]:
            return
        for event in worker.covers:
            if event.claim in (worker.claim, None):
                if self.solr[event.key][1] < event.value:
                    raise Broken(f"done before Solr has it: {event}")
                event.done = True
        self.end(worker.claim)


def explore(seed: int, mutant: Mutant | None = None) -> str:
    """Run one random schedule; the promise that it broke, or ""."""
    chance = random.Random(seed)  # noqa: S311 - a schedule has to be repeatable, not secret
    model = Model(chance, mutant)
    try:
        _storm(model, chance)
        _calm(model, chance)
    except Broken as broken:
        return str(broken)
    return ""


def _storm(model: Model, chance: random.Random) -> None:
    steps = [model.commit] * 3 + [model.claim] * 3 + [model.revoke] + [model.deliver] * 3 + [model.work] * 10
    for _ in range(chance.randint(20, 140)):
        chance.choice(steps)()
        if chance.random() < 0.03:
            model.die()


def _calm(model: Model, chance: random.Random) -> None:
    """Nobody writes any more: everything drains, and Solr is equal to the database."""
    steps = [model.claim, model.deliver] + [model.work] * 4
    for _ in range(PATIENCE):
        if all(event.done for event in model.events):
            break
        (model.revoke if chance.random() < 0.04 else chance.choice(steps))()
    else:
        raise Broken("does not drain")
    while model.workers:
        model.work()
    for key, value in enumerate(model.database):
        if value and model.solr[key][1] != value:
            raise Broken(f"stale for ever: key {key} is {value}, Solr has {model.solr[key]}")
