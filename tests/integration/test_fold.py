"""Events that mean all documents: one enumeration stands for all that were committed before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from psycopg.types.json import Jsonb

from outbox.capture.install import install
from outbox.connection import Connection, connect
from outbox.index import Definition
from outbox.solr.client import Address, Solr
from outbox.sql import queries
from outbox.store import events, indexes
from relay import enumerate as enumeration
from relay.enumerate import Enumerator
from relay.expand import Backlog, expand
from tests.integration.captured import definition_of

SQL = queries("tests.integration", "fold.sql")
ROWS = 10_000
DOCUMENTS = 7
NOBODY = Solr(Address("http://127.0.0.1:1/solr"))


@dataclass(frozen=True)
class Reference:
    """Seven documents that all show a number computed from a table of 10,000 rows, which is declared with "all"."""

    connection: Connection
    index: int
    definition: Definition

    def expand(self) -> bool:
        """One step of the relay; Solr cannot be reached."""
        enumerator = Enumerator(self.index, self.definition, NOBODY, "d_1")
        return expand(self.connection, self.definition, enumerator, Backlog(self.index))

    def expand_all(self) -> None:
        """Until nothing more can be done."""
        steps = 0
        while self.expand():
            steps += 1
            assert steps < 100, "expansion does not end"

    def fan_out(self, op: str, way: int | None = None) -> int:
        """An event that means all documents; its id."""
        route = None if way is None else Jsonb([["1"]])
        found = self.connection.execute(SQL["fan_out"], {"index": self.index, "op": op, "way": way, "route": route})
        row = found.fetchone()
        assert row is not None
        return int(row[0])

    def waiting(self) -> list[tuple[str, int]]:
        """The fan-outs that are not done: what did them, and how many keys they became so far."""
        return self.connection.execute(SQL["waiting"]).fetchall()


@pytest.fixture
def reference(outbox_url: str) -> Iterator[Reference]:
    """Captured and applied; on each server in turn."""
    with connect(outbox_url, application="test", autocommit=True) as connection:
        connection.execute(SQL["tables_and_view"], prepare=False)
        definition = definition_of(connection, ways={"s.rate": "all"})
        index = indexes.register(connection, "d")
        install(outbox_url, index, definition, lambda _: None)
        indexes.save(connection, index, definition)
        yield Reference(connection, index, definition)


@pytest.mark.long
def test_an_update_of_ten_thousand_rows_of_such_a_table_is_enumerated_once(reference: Reference) -> None:
    reference.connection.execute("UPDATE s.rate SET value = value + 1")
    assert reference.waiting() == [("U", 0)] * ROWS
    up_to = events.highest(reference.connection)
    reference.expand_all()
    assert reference.waiting() == [("U", DOCUMENTS)]  # its second part asks Solr, which is away
    assert events.unfinished(reference.connection, up_to) == 1 + DOCUMENTS


def test_what_comes_after_the_start_of_an_enumeration_has_one_of_its_own(
    reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enumeration, "CHUNK", 4)
    reference.connection.execute("UPDATE s.rate SET value = value + 1 WHERE id < 4")
    assert reference.expand()
    assert reference.waiting() == [("U", 4)]
    reference.connection.execute("UPDATE s.rate SET value = value + 1 WHERE id < 4")
    reference.expand_all()
    assert reference.waiting() == [("U", DOCUMENTS)] * 2


def test_who_waits_for_any_of_them_waits_for_its_keys(reference: Reference) -> None:
    first, second = reference.fan_out("U"), reference.fan_out("U")
    reference.connection.execute(SQL["hold_back"], {"id": first})
    reference.expand()
    assert events.progress_of(reference.connection, first) == (False, DOCUMENTS, 0, 0)
    assert events.progress_of(reference.connection, second) == (True, 0, 0, 0)


def test_replays_and_truncates_are_not_folded_into_others(reference: Reference) -> None:
    for op, way in (("R", None), ("U", None), ("T", None), ("I", 77), ("T", None), ("R", None), ("D", None)):
        reference.fan_out(op, way)
    reference.expand_all()
    assert sorted(reference.waiting()) == [("R", DOCUMENTS), ("R", DOCUMENTS), ("T", DOCUMENTS), ("U", DOCUMENTS)]


def test_a_large_fan_out_is_not_held_up_by_a_replay(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumeration, "CHUNK", 2)
    reference.fan_out("R")
    reference.fan_out("U")
    assert reference.expand()
    assert reference.waiting() == [("R", 2), ("U", 2)]
