"""The proof: what differs between view and collection, when nothing of it is on its way any more.

Two streams that are read at different times differ by what was changed between. So what they differ in is looked at
again by key: the view, what is on its way, the collection by real-time get, and the view once more. A document whose
row did not change meanwhile, and for which no event waited and no claim was in flight, must be there as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

from psycopg.types.json import Jsonb

from outbox.connection import Connection
from outbox.index import Definition
from outbox.solr.client import Solr
from outbox.sql import queries
from outbox.verify.merge import Pair, merge
from outbox.verify.sides import Collection, Seen, View
from outbox.verify.values import differing

_SQL = queries("outbox.verify", "verify.sql")
Kind = Literal["missing", "extra", "different"]
CHUNK = 500
LOOKS = 5
FIRST = 100
"""So many ids of each kind are named."""


@dataclass(slots=True)
class Side:
    """One kind of drift: how many documents, and the ids of the first hundred."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.ids) < FIRST:
            self.ids.append(key)


@dataclass(slots=True)
class Proof:
    """What was found.

    `missing`: in the view alone; `extra`: of ours, in Solr alone; `different`; `in_flight`: on their way while they
    were looked at, so that nothing can be said of them. `compared`: keys, of either side. `at`: when it began, UTC.
    """

    at: datetime
    compared: int = 0
    missing: Side = field(default_factory=Side)
    extra: Side = field(default_factory=Side)
    different: Side = field(default_factory=Side)
    in_flight: Side = field(default_factory=Side)

    @property
    def drift(self) -> int:
        """How many documents are not as the view has them."""
        return self.missing.count + self.extra.count + self.different.count

    def side(self, kind: Kind) -> Side:
        """That of a kind of drift."""
        return {"missing": self.missing, "extra": self.extra, "different": self.different}[kind]

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it and `status` keeps it."""
        sides = ("missing", "extra", "different", "in_flight")
        return {
            "compared": self.compared,
            **{name: {"count": getattr(self, name).count, "ids": getattr(self, name).ids} for name in sides},
            "at": self.at.isoformat(timespec="seconds"),
        }


@dataclass(frozen=True, slots=True)
class Prover:
    """Compares one target with the view.

    `reading` streams the view and does nothing else; `connection` is for all other questions. `queue` is the value of
    `event.target` of the target's events. `values`: the fields' values too, not only the hash.
    """

    connection: Connection
    view: View
    collection: Collection
    index: int
    target: int
    queue: int
    values: bool

    def differences(self, proof: Proof, keys: Sequence[str]) -> list[str]:
        """Look at these keys again, add what is true of them to the proof, and return those that drift.

        Two looks in a row have to find the same: between the two readings of one a row may change, and back again.
        """
        found: dict[str, Kind] = {}
        left, before = list(keys), dict[str, Kind]()
        for _ in range(LOOKS):
            now = self._look(left)
            found |= {key: kind for key, kind in now.items() if kind is not None and kind == before.get(key)}
            before = {key: kind for key, kind in now.items() if kind is not None}
            left = [key for key in left if key in now and key not in found]
            if not left:
                break
        for key, kind in found.items():
            proof.side(kind).add(key)
        for key in left:
            proof.in_flight.add(key)
        return list(found)

    def _look(self, keys: list[str]) -> dict[str, Kind | None]:
        """One look: the keys that drift, and those of which nothing can be said now (None)."""
        before = self.view.some(keys)
        moving = self._on_their_way(keys)  # after the rows were read: what made them so is in Solr, or on its way
        there = self.collection.some(keys)
        after = self.view.some(keys)
        found: dict[str, Kind | None] = {}
        for key in keys:
            if key in moving or before.get(key) != after.get(key):
                found[key] = None
            elif (kind := self._kind(after.get(key, []), there.get(key))) is not None:
                found[key] = kind
        return found

    def _kind(self, rows: list[Seen], document: Seen | None) -> Kind | None:
        """How the two sides of a key differ; None if they do not."""
        if document is None:
            return "missing" if rows else None
        if not rows:
            return "extra"
        return None if len(rows) == 1 and self.same(rows[0], document) else "different"

    def same(self, row: Seen, document: Seen) -> bool:
        """Whether the document is the row's, by its hash where there is one, and by its values where they are asked."""
        if not self.values:
            return row.hash == document.hash
        if document.hash is not None and row.hash != document.hash:
            return False
        return not differing(self.collection.definition.fields, row.values or {}, document.values or {})

    def _on_their_way(self, keys: list[str]) -> set[str]:
        parameters = {"keys": keys, "index": self.index, "target": self.target, "queue": self.queue}
        return {row[0] for row in self.connection.execute(_SQL["on_their_way"], parameters)}


def prove(
    connection: Connection,
    reading: Connection,
    solr: Solr,
    *,
    definition: Definition,
    index: int,
    target: int,
    queue: int,
    collection: str,
    values: bool = False,
    sample: int | None = None,
    drifting: Callable[[list[str]], None] = lambda _: None,
    seen: Callable[[int], None] = lambda _: None,
) -> Proof:
    """Compare a target's collection with the view, and keep the result for `status` unless it is of a sample.

    `values` compares the fields' values too; a collection whose documents carry no hash is compared by values in any
    case. `sample`: only so many documents of the view, by chance; then nothing is known of what only Solr has.
    `drifting` gets the keys that differ, in chunks; `seen` how many were compared so far.
    """
    proof = Proof(datetime.now(UTC))
    by_value = values or not definition.target.own_fields.hash
    ours = Collection(solr, collection, definition)
    prover = Prover(connection, View(connection, definition), ours, index, target, queue, by_value)
    view = View(reading, definition)
    chosen = _counted(view.sample(sample) if sample is not None else _suspects(prover, view, proof), proof, sample)
    while keys := list(islice(chosen, CHUNK)):
        if found := prover.differences(proof, keys):
            drifting(found)
        seen(proof.compared)
    seen(proof.compared)
    if sample is None:
        connection.execute(_SQL["keep"], {"target": target, "proof": Jsonb(proof.as_json())})
    return proof


def _counted(keys: Iterable[str], proof: Proof, sample: int | None) -> Iterator[str]:
    for key in keys:
        proof.compared += sample is not None  # the streams count for themselves
        yield key


def _suspects(prover: Prover, view: View, proof: Proof) -> Iterator[str]:
    """The keys in which the streams differ."""
    left, right = view.stream(values=prover.values), prover.collection.stream(values=prover.values)
    for pair in merge(left, right):
        proof.compared += 1
        if not _alike(prover, pair):
            yield pair.key


def _alike(prover: Prover, pair: Pair[Seen, Seen]) -> bool:
    return len(pair.left) == 1 and len(pair.right) == 1 and prover.same(pair.left[0], pair.right[0])
