"""What breaks when: drawn from a seed alone, so that a seed repeats. Pure.

Every schedule kills and freezes the relay that leads, kills a worker, one of its processes and a server, cuts ways of
each kind, and has a dead worker's documents arrive late; the rest is chance. Three seeds in a row take down all three
servers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum

from tests.chaos.proxy import Direction, Kind, Trouble

SPAN_S = 24.0
"""The last fault begins no later."""
LATE_S = 3.0
"""Nothing but `_late` begins before."""

WORKERS = ("worker-live-0", "worker-live-1", "worker-bulk")
PROCESSES = ("relay-0", "relay-1", *WORKERS)
SERVERS = ("postgres", "rabbitmq", "solr")
LEADER, STANDBY = "leader", "standby"
"""Stand for whichever relay leads or not at that moment."""


class Act(StrEnum):
    """What is done to a process or a server; what is done to a way is a `Trouble`."""

    KILL = "kill"
    KILL_MAIN = "kill the main process alone"
    KILL_CHILD = "kill a child"
    FREEZE = "freeze"
    RESTART = "restart"
    CUT = "cut"
    LATE = "kill a child whose documents are held, of"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks.

    `at_s`: seconds from the writer's begin. `for_s`: how long a freeze or a cut lasts, or how long what was killed
    stays down. `server` and `trouble` say which way of the target is cut, and how.
    """

    act: Act
    target: str
    for_s: float
    server: str = ""
    trouble: Trouble | None = None
    at_s: float = 0.0

    @property
    def kind(self) -> str:
        """The row of the table that counts it."""
        what = "relay" if self.target in ("relay-0", "relay-1", LEADER, STANDBY) else self.target.split("-")[0]
        if self.trouble is None or self.act is Act.LATE:
            return f"{self.act} {what}"
        return f"{self.trouble.kind} {what}-{self.server}"

    def __str__(self) -> str:
        what = f"{self.act} {self.target}"
        if self.trouble is not None and self.act is Act.CUT:
            what = f"{self.trouble.kind} {self.target} {self.trouble.direction} {self.server}"
        return f"{self.at_s:5.1f} s: {what}, {self.for_s:.1f} s"


def schedule(seed: int) -> tuple[Fault, ...]:
    """The faults of a seed, in the order of their begin: spread over the span, each somewhere in a part of its own."""
    draw = random.Random(f"faults {seed}")  # noqa: S311 - a seeded choice, no secret
    faults = [*_always(draw), *(_any(draw) for _ in range(draw.randint(1, 4)))]
    draw.shuffle(faults)
    for server in _servers(draw, seed):  # late: until they are back, little else is at work that could go wrong
        faults.insert(draw.randint(len(faults) * 2 // 3, len(faults)), server)
    part_s = (SPAN_S - LATE_S) / len(faults)
    spread = (replace(fault, at_s=LATE_S + (place + draw.random()) * part_s) for place, fault in enumerate(faults))
    return (_late(draw), *spread)


def _late(draw: random.Random) -> Fault:
    """What a worker sent arrives when it is dead, and others have gone on with its documents.

    Its child dies, not the worker: that is noticed at once, and the bulk worker tries the documents on its own way.
    First of all, while everything else is still at work.
    """
    trouble = Trouble(Kind.HOLD, Direction.THERE)
    return Fault(Act.LATE, WORKERS[0], draw.uniform(4, 6), "solr", trouble, draw.uniform(0, LATE_S))


def _servers(draw: random.Random, seed: int) -> list[Fault]:
    """Two servers go down; seeds in a row begin with different ones."""
    first = SERVERS[seed % len(SERVERS)]
    second = draw.choice([server for server in SERVERS if server != first])
    acts = [Act.KILL, draw.choice([Act.KILL, Act.RESTART])]
    draw.shuffle(acts)
    return [Fault(act, server, draw.uniform(0, 2)) for act, server in zip(acts, (first, second), strict=True)]


def _always(draw: random.Random) -> list[Fault]:
    """What no seed goes without. The leader's freeze outlasts its leadership."""
    return [
        Fault(Act.KILL, LEADER, _down(draw)),
        Fault(Act.FREEZE, LEADER, draw.uniform(3, 6)),
        Fault(draw.choice([Act.KILL, Act.KILL_MAIN]), _worker(draw), _down(draw)),
        Fault(Act.KILL_CHILD, _worker(draw), 0),
        Fault(Act.FREEZE, _worker(draw), draw.uniform(1, 8)),
        Fault(Act.FREEZE, draw.choice(SERVERS), draw.uniform(1, 4)),
        *(_cut(draw, kind) for kind in Kind),
    ]


def _any(draw: random.Random) -> Fault:
    target = draw.choice([LEADER, STANDBY, *WORKERS])
    acts = [Act.KILL, Act.FREEZE, Act.RESTART, Act.CUT, Act.CUT]
    act = draw.choice([*acts, Act.KILL_CHILD] if target.startswith("worker") else acts)
    if act is Act.CUT:
        return _cut(draw, draw.choice(list(Kind)))
    return Fault(act, target, draw.uniform(1, 6) if act is Act.FREEZE else _down(draw))


def _cut(draw: random.Random, kind: Kind) -> Fault:
    target, server = draw.choice([LEADER, LEADER, *WORKERS]), draw.choice(SERVERS)
    trouble = Trouble(kind, draw.choice(list(Direction)), round(draw.uniform(0.05, 0.6), 2))
    return Fault(Act.CUT, target, 0 if kind is Kind.RESET else draw.uniform(1, 7), server, trouble)


def _worker(draw: random.Random) -> str:
    return draw.choice(WORKERS)


def _down(draw: random.Random) -> float:
    return draw.uniform(0.5, 2)
