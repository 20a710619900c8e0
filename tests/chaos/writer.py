"""The application: several sessions that change the catalogue at random, straight in Postgres, until they are stopped.

Nothing that they do may fail but for a server that is taken away from them. They never meet in a deadlock: each takes
the rows of its transaction first, in the order of their ids (see writer.sql).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import psycopg
from psycopg.rows import TupleRow

from outbox.sql import queries

SQL = queries("tests.chaos", "writer.sql")
NAME = "chaos writer"
"""Their application_name."""
SESSIONS = 4
RATE = 12.0
"""Transactions a second of each session."""
HOT, BUSY, LAYERS = 5, 300, 600
"""The layers 1 to HOT are edited by everybody all the time, those above BUSY hardly: see `prepare` in writer.sql."""
LOST = ("08", "57P")
"""Classes of SQLSTATE that say the server went away."""

_EDITS = ("title", "title", "abstract", "untracked", "nothing", "box", "category_of", "no_category", "owner_of", "link")
_LINKS = ("link", "unlink", "lie", "leave", "move_links", "key")
_DELETE = ("delete_links", "delete_regions", "delete")
_ALONE = ("category", "region", "keyword", "person", "insert", "insert_again", "insert_again")


@dataclass(frozen=True, slots=True)
class Step:
    """A statement; it is left out if the transaction did not get its layer (0: it needs none) or the other one."""

    name: str
    layer: int = 0
    other: int = 0
    n: int = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one will be: `lock` takes its layers, then come the steps, then COMMIT or ROLLBACK."""

    lock: str
    layers: tuple[int, ...]
    steps: tuple[Step, ...]
    commits: bool


@dataclass(slots=True)
class Deeds:
    """What the sessions did. `lost`: how often the server went away under them; `failures`: what else went wrong."""

    commits: int = 0
    rollbacks: int = 0
    changes: int = 0
    lost: int = 0
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, *, commits: int = 0, rollbacks: int = 0, changes: int = 0, lost: int = 0) -> None:
        """Add to the sums."""
        with self._lock:
            self.commits += commits
            self.rollbacks += rollbacks
            self.changes += changes
            self.lost += lost


def transactions(seed: int, session: int) -> Iterator[Transaction]:
    """The transactions of a session, without end. Each has quiet layers of its own."""
    draw = random.Random(f"writer {seed} {session}")  # noqa: S311 - a seeded choice, no secret
    own = list(range(BUSY + 1 + session, LAYERS + 1, SESSIONS))
    draw.shuffle(own)
    quiet = cycle(own)
    while True:
        yield _quiet(draw, next(quiet)) if draw.random() < 0.2 else _transaction(draw)


def _quiet(draw: random.Random, layer: int) -> Transaction:
    commits = draw.random() < 0.9
    names = draw.choice([("title",), ("title",), ("link_quiet",), _DELETE])
    lock = "lock_delete" if names is _DELETE else "lock_edit"
    return Transaction(lock, (layer,), tuple(Step(name, layer) for name in names), commits)


def _transaction(draw: random.Random) -> Transaction:
    chosen = _layers(draw)
    commits = draw.random() < 0.85
    kind = draw.choices(("edit", "share", "delete", "alone", "bulk"), (12, 3, 3, 5, 0.3))[0]
    if kind == "alone":
        name = draw.choice(_ALONE)
        layer = chosen[0] if name == "insert_again" else 0
        return Transaction("", (), (Step(name, layer=layer, n=draw.randrange(40)),), commits)
    if kind == "bulk":
        many = tuple(sorted(draw.sample(range(1, BUSY + 1), BUSY // 4)))
        return Transaction("lock_edit", many, tuple(Step("title", layer) for layer in many), commits)
    if kind == "share":
        return Transaction("lock_share", chosen, tuple(_step(draw, "link", chosen) for _ in chosen), commits)
    if kind == "delete":
        back = [Step("insert_again", chosen[0])] if draw.random() < 0.5 else []
        steps = (*(Step(name, chosen[0]) for name in _DELETE), *back)
        return Transaction("lock_delete", chosen[:1], steps, commits)
    return Transaction("lock_delete" if draw.random() < 0.3 else "lock_edit", chosen, _edits(draw, chosen), commits)


def _layers(draw: random.Random) -> tuple[int, ...]:
    hot = [draw.randint(1, HOT)] if draw.random() < 0.5 else []
    return tuple(sorted({*hot, *(draw.randint(1, BUSY) for _ in range(draw.randint(1, 3)))}))


def _edits(draw: random.Random, layers: tuple[int, ...]) -> tuple[Step, ...]:
    steps = [_step(draw, draw.choice(_EDITS + _LINKS), layers) for _ in range(draw.randint(1, 5))]
    if draw.random() < 0.2:
        undone = (_step(draw, draw.choice(_EDITS), layers), _step(draw, draw.choice(_LINKS), layers))
        steps[1:1] = [Step("savepoint"), *undone, Step("back")]
    if draw.random() < 0.15:  # after the layers: see the order of locks in writer.sql
        steps.append(Step(draw.choice(("category", "region")), n=draw.randrange(40)))
    return tuple(steps)


def _step(draw: random.Random, name: str, layers: tuple[int, ...]) -> Step:
    other = draw.choice(layers) if name == "move_links" else 0
    return Step(name, draw.choice(layers), other, draw.randrange(40))


@contextmanager
def writing(url: str, seed: int) -> Iterator[Deeds]:
    """Sessions at work until the end of the block."""
    deeds, ended = Deeds(), threading.Event()
    sessions = [
        threading.Thread(target=_work, args=(url, seed, session, deeds, ended), name=f"writer {session}")
        for session in range(SESSIONS)
    ]
    for each in sessions:
        each.start()
    try:
        yield deeds
    finally:
        ended.set()
        for each in sessions:
            each.join()


def _work(url: str, seed: int, session: int, deeds: Deeds, ended: threading.Event) -> None:
    pace = random.Random(f"pace {seed} {session}")  # noqa: S311 - a seeded choice, no secret
    connection: psycopg.Connection[TupleRow] | None = None
    for transaction in transactions(seed, session):
        if ended.wait(pace.expovariate(RATE)):
            break
        try:
            connection = connection or psycopg.connect(url, application_name=NAME, connect_timeout=5)
            _execute(connection, transaction, deeds)
        except psycopg.Error as error:
            if connection is not None:
                connection.close()
            connection = None
            _note(error, transaction, deeds)
    if connection is not None:
        connection.close()


def _note(error: psycopg.Error, transaction: Transaction, deeds: Deeds) -> None:
    gone = isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08").startswith(LOST)
    if gone:
        deeds.count(lost=1)
    else:
        deeds.failures.append(f"{transaction}: {type(error).__name__} {error.sqlstate}: {error}")


def _execute(connection: psycopg.Connection[TupleRow], transaction: Transaction, deeds: Deeds) -> None:
    got = {0}
    if transaction.lock:
        rows = connection.execute(SQL[transaction.lock], {"layers": list(transaction.layers)})
        got |= {int(row[0]) for row in rows}
    changes = 0
    for step in transaction.steps:
        if step.name == "insert_again" or {step.layer, step.other} <= got:
            done = connection.execute(SQL[step.name], {"layer": step.layer, "other": step.other, "n": step.n})
            changes += max(0, done.rowcount)
    if transaction.commits:
        connection.commit()
        deeds.count(commits=1, changes=changes)
    else:
        connection.rollback()
        deeds.count(rollbacks=1)
