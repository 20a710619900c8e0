"""The table of points: each named step of relay and worker, and what makes a process come to it.

A step is a function that writes, or that acts on another server. Between two of them a process only computes, so that
*after* one step and *before* the next are one point; where a step is one of a transaction, *after* it is inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

CLAIM_STEP = "outbox.worker.indexing:Indexer.index"
END = "outbox.store.claims:end"
RENEW = "relay.leadership:Leadership.renew"
BEGIN = "outbox.store.claims:begin"


class Moment(StrEnum):
    """When a process stops: before the step, or when it is done and its answer not yet used."""

    BEFORE = "before"
    AFTER = "after"


class Action(StrEnum):
    """What becomes of it: SIGKILL; of a worker's process with its parent; SIGSTOP."""

    KILL = "kill"
    KILL_ALL = "kill-all"
    FREEZE = "freeze"


class Role(StrEnum):
    """Whose point it is."""

    RELAY = "relay"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Point:
    """One step of one role. `provoked` names what makes a process come to it (`provoke.WAYS`)."""

    role: Role
    step: str
    moment: Moment
    provoked: str = "edits"

    @property
    def name(self) -> str:
        """For people: "relay-claims.claim-after-edits"."""
        module, function = self.step.split(":")
        step = f"{module.rsplit('.', 1)[1]}.{function.rsplit('.', 1)[-1].strip('_')}"
        return f"{self.role}-{step}-{self.moment}-{self.provoked}"

    @property
    def actions(self) -> tuple[Action, ...]:
        """A relay has no processes of its own, nor has the parent of a worker's processes one above it."""
        if self.provoked == "child_died":
            return (Action.KILL,)
        return (Action.KILL, Action.FREEZE) if self.role is Role.RELAY else tuple(Action)


def _points(role: Role, module: str, *rows: str) -> Iterator[Point]:
    """Each row: function, moment, and what provokes it where edits do not."""
    for row in rows:
        function, moment, *provoked = row.split()
        yield Point(role, f"{module}:{function}", Moment(moment), *provoked)


POINTS: tuple[Point, ...] = (
    # The relay: claims. Most are one message, after which they are committed; the others are one transaction up to its
    # commit, which is what `publish before` stands after too.
    *_points(Role.RELAY, "outbox.store.claims", "claim after", "lock_index after suspect", "preempt after bulk_held"),
    *_points(Role.RELAY, "outbox.store.suspects", "claim after suspect", "again after dead_suspect"),
    *_points(Role.RELAY, "relay.publish", "Publisher.publish before", "Publisher.publish after"),
    *_points(Role.RELAY, "outbox.store.claims", "published after", "end after refused", "end before refused"),
    # The relay: what others left behind.
    *_points(Role.RELAY, "outbox.store.claims", "revoke after lost_claim", "revoke_unpublished after leader_killed"),
    *_points(Role.RELAY, "outbox.store.suspects", "mark after lost_claim"),
    *_points(Role.RELAY, "relay.leadership", "Leadership.renew before", "Leadership.renew after"),
    *_points(Role.RELAY, "relay.leadership", "Leadership.resign after leader_stopped"),
    *_points(Role.RELAY, "relay.wakeup", "Wakeup._say_asleep after", "Wakeup._say_awake before"),
    *_points(Role.RELAY, "relay.wakeup", "Wakeup._say_awake after"),
    *_points(Role.RELAY, "outbox.store.indexes", "notice after trigger_off"),
    # The relay: after a start of the server.
    *_points(Role.RELAY, "outbox.store.restarts", "revoke_all after restarted", "fence after restarted"),
    *_points(Role.RELAY, "outbox.store.restarts", "replay after restarted", "checked after restarted"),
    *_points(Role.RELAY, "outbox.store.restarts", "rechecked before recheck", "rechecked after recheck"),
    *_points(Role.RELAY, "outbox.store.targets", "trip after restarted_astray"),
    # The expander, a thread of the relay's.
    *_points(Role.RELAY, "outbox.store.events", "fanouts after shelf", "add_keys after shelf", "expanded after shelf"),
    *_points(Role.RELAY, "outbox.store.events", "add_listed after large_shelf", "save_progress after large_shelf"),
    *_points(Role.RELAY, "outbox.store.events", "fold after house"),
    *_points(Role.RELAY, "outbox.store.events", "postpone after replay_astray", "bury after ungraded"),
    *_points(Role.RELAY, "outbox.store.claims", "wake after shelf"),
    # The comparer, another thread, and the pruner.
    *_points(Role.RELAY, "outbox.store.rewinds", "mend after emptied"),
    *_points(Role.RELAY, "outbox.store.retention", "prune_events after old", "prune_claims after old"),
    # The worker.
    *_points(Role.WORKER, "outbox.store.claims", "begin before", "begin after"),
    *_points(Role.WORKER, "outbox.solr.client", "Solr.update before", "Solr.update after"),
    *_points(Role.WORKER, "outbox.store.claims", "finish after", "wake after"),
    *_points(Role.WORKER, "outbox.store.targets", "recover after recovering", "trip after astray"),
    *_points(Role.WORKER, "outbox.store.claims", "end after astray", "end after redelivered", "end after child_died"),
    *_points(Role.WORKER, "outbox.store.suspects", "mark after breaks"),
)

STEPS: tuple[str, ...] = tuple(dict.fromkeys(point.step for point in POINTS))
