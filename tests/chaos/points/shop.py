"""A shop with its fleet: what is edited, what waits, and what Solr has, where no document ever goes back in time."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from outbox.broker import queues
from outbox.solr.client import Address, Solr
from outbox.sql import queries
from services import process
from services.stack import Stack
from tests import oracle
from tests.chaos.points import fleet
from tests.chaos.points.fleet import Fleet
from tests.chaos.points.steps import RENEW, Action, Moment, Role
from tests.pipeline import until

SQL = queries("tests.chaos.points", "shop.sql")
VIEW = "shop.item_document"
EDITED = range(1, 50)
PROBE = 60
"""Edited by the test alone, to see whether an edit arrives."""
PATIENCE_S = 120.0
_LOOK_S = 0.005
_FIELDS = "id,src_version,edit"


@dataclass(frozen=True, slots=True)
class Word:
    """What a process left before it stopped: itself, the claim it worked on, its backend in Postgres."""

    pid: int
    claim: int | None
    backend: int | None


@dataclass(slots=True)
class Shop:
    """The applied shop; `collection` serves it."""

    url: str
    stack: Stack
    connection: psycopg.Connection[TupleRow]
    solr: Solr
    fleet: Fleet
    collection: str = ""
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    backwards: list[str] = field(default_factory=list)
    one_looks: threading.Lock = field(default_factory=threading.Lock)

    @property
    def folder(self) -> Path:
        """Where points are armed and taken."""
        return self.fleet.pipeline.logs

    def run(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        """One of our statements; its rows, if it gives any."""
        cursor = self.connection.execute(SQL[query], parameters or None)
        return cursor.fetchall() if cursor.description else []

    def arm(self, role: Role, step: str, moment: Moment, action: Action, *, name: str = "point") -> None:
        """From now on the first process of that role that comes to that step stops there."""
        draft = self.folder / f"draft.{name}"
        draft.write_text(f"{role} {step} {moment} {action}")
        for old in self.folder.glob(f"*.{name}"):
            if old != draft:
                old.unlink()
        draft.rename(self.folder / f"armed.{name}")

    def taken(self, *, name: str = "point") -> Word:
        """Wait until a process has come to the armed point, and is dead or frozen."""
        taken = self.folder / f"taken.{name}"
        until(taken.exists, f"a process comes to {name}", PATIENCE_S)
        word = Word(**json.loads(taken.read_text()))
        until(lambda: fleet.ended(word.pid) or fleet.frozen(word.pid), "it is dead or frozen")
        return word

    def disarm(self) -> None:
        """Whatever was armed and not taken stops nobody any more."""
        for armed in self.folder.glob("armed.*"):
            armed.unlink(missing_ok=True)

    def settled(self, word: Word, role: Role, since: int) -> bool:
        """Whether a thawed process is through with what it was at: its claim, or its turn as the leader."""
        lines = (self.folder / "trace").read_text().splitlines()[since:]
        mine = [line.split()[1] for line in lines if line.startswith(f"{word.pid} ")]
        through = mine.count(RENEW) >= 2 if role is Role.RELAY else any(line.endswith(".index") for line in mine)
        return through or fleet.ended(word.pid)

    def traced(self) -> int:
        """How many steps were taken so far."""
        return len((self.folder / "trace").read_text().splitlines())

    def leader(self) -> int:
        """The pid of the relay that leads, 0 if none does that lives."""
        rows = self.connection.execute("SELECT holder FROM outbox.leader WHERE renewed_at > now() - interval '2 s'")
        pids = [int(holder.split(":")[1]) for (holder,) in rows]
        return next((pid for pid in pids if process.lookup(pid) and not fleet.ended(pid)), 0)

    def ready(self) -> None:
        """Wait until a relay leads and both queues have a consumer."""
        broker = self.stack.endpoints().broker_url
        until(self.leader, "a relay leads", PATIENCE_S)
        until(lambda: all(queue["consumers"] for queue in queues(broker)), "both queues have a consumer", PATIENCE_S)

    def probe(self, *keys: str) -> None:
        """Edit one document, and these, and wait until that has arrived."""
        ((moment,),) = self.connection.execute("SELECT clock_timestamp()").fetchall()
        edited = list({str(PROBE), *keys})
        for key in edited:
            self.run("edit", id=int(key))
        arrived = {"keys": edited, "moment": moment}
        until(lambda: self.run("since", **arrived)[0][0], "edits arrive", PATIENCE_S)

    def overtaken(self, word: Word) -> None:
        """Edit every document of the claim that a frozen worker holds, and wait until that has arrived without it."""
        self.probe(*(key for (key,) in self.run("keys", number=word.claim)))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """An application that goes on editing; none of its statements may fail."""
        stop, errors = threading.Event(), list[psycopg.Error]()
        writer = threading.Thread(target=_write, args=(self.url, stop, errors))
        writer.start()
        try:
            yield
        finally:
            stop.set()
            writer.join()
        assert errors == []

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Look all the while at what Solr has."""
        stop = threading.Event()
        recorder = threading.Thread(target=self._record, args=(stop,))
        recorder.start()
        try:
            yield
        finally:
            stop.set()
            recorder.join()

    def look(self, *keys: int) -> None:
        """Compare what Solr has now with what it had: neither version nor edits of a document ever decrease.

        One key at a time: asked for several, Solr may show the past of those that a commit came between.
        """
        for key in map(str, keys or (*EDITED, PROBE)):
            with self.one_looks:
                for document in self.solr.get(self.collection, [key], fields=_FIELDS).values():
                    self._compare(key, (document["src_version"], document["edit"]))

    def _compare(self, key: str, now: tuple[int, int]) -> None:
        before = self.seen.get(key, (0, 0))
        if now[0] < before[0] or now[1] < before[1]:
            self.backwards.append(f"{key}: version and edits {before}, then {now}")
        self.seen[key] = now

    def _record(self, stop: threading.Event) -> None:
        own = replace(self, solr=Solr(Address(self.solr.url)))  # a session is not shared between threads
        choice = random.Random(8)  # noqa: S311 - a choice of documents, no secret
        while not stop.wait(_LOOK_S):
            own.look(choice.choice((*EDITED, PROBE)))

    def drained(self) -> None:
        """Wait until nothing waits, nothing is dead and no claim is in flight."""
        until(lambda: self.run("left") == [(0, 0, 0)], f"nothing is left; there is {self.run('left')}", PATIENCE_S)

    def differences(self) -> list[str]:
        """What in Solr is otherwise than in the view."""
        return oracle.differences(self.connection, self.solr, self.collection, VIEW)

    def judge(self) -> None:
        """At rest: nothing is left, Solr equals the view, and no document went back in time on the way."""
        self.drained()
        differences = self.differences()
        assert not differences, differences[:5]
        assert not self.backwards, self.backwards


def _write(url: str, stop: threading.Event, errors: list[psycopg.Error]) -> None:
    choice = random.Random(7)  # noqa: S311 - a choice of documents, no secret
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.wait(choice.uniform(0, 0.3)):
                connection.execute(SQL["edit"], {"id": choice.choice(EDITED)})
    except psycopg.Error as error:
        errors.append(error)
