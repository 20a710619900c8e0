"""Plans are kept for some seconds, of the right claim, by index, and are made anew; and nothing of them adds up."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg
import pytest

from outbox import plans
from outbox.connection import Connection
from outbox.store import claims
from outbox.store.claims import Begun
from tests.integration.desk import Desk
from tests.integration.hand_made import Place, add, begun, insert_items, make_index, states

PREPARED = "SELECT name, statement FROM pg_prepared_statements WHERE name LIKE 'outbox %' ORDER BY name"


class Clock:
    """The monotonic clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(plans, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """That of `outbox.plans`."""
    return Clock(monkeypatch)


@pytest.fixture
def place(outbox: Connection) -> Place:
    """An applied index in this test's database."""
    return make_index(outbox)


def names(connection: Connection) -> list[str]:
    """Of what the session has prepared for us."""
    return [row[0] for row in connection.execute(PREPARED)]


def done(connection: Connection, place: Place, key: str) -> None:
    """A claim of one key, from event to done."""
    assert claims.finish(connection, started(connection, place, key), bad={}, back=[])


def started(connection: Connection, place: Place, key: str) -> Begun:
    """A claim of one key, begun."""
    add(connection, place, key)
    return begun(connection, place)


def test_what_is_asked_for_again_within_seconds_is_prepared(outbox: Connection, clock: Clock) -> None:
    query, one = "SELECT %(one)s::int + 1", {"one": 1}
    assert plans.kept(outbox, "one", query, one) == (query.encode(), one)
    clock.now += plans.KEEP_S + 1
    assert plans.kept(outbox, "one", query, one) == (query.encode(), one)
    assert names(outbox) == []
    clock.now += plans.KEEP_S - 1
    text, parameters = plans.kept(outbox, "one", query, one)
    assert (parameters, names(outbox)) == (None, ["outbox 0"])
    assert outbox.execute(text, prepare=False).fetchall() == [(2,)]


def test_a_plan_is_made_anew_and_nothing_adds_up(outbox: Connection, clock: Clock) -> None:
    for turn in range(40):
        for key in ("one", "two"):
            text, parameters = plans.kept(outbox, key, "SELECT %(key)s::text", {"key": key})
            assert outbox.execute(text, parameters).fetchall() == [(key,)]
        clock.now += 3
        assert len(names(outbox)) == (0 if turn == 0 else 2)
    assert min(int(name.split()[1]) for name in names(outbox)) > 10


def test_what_cannot_be_prepared_is_in_nobodys_way(outbox: Connection, clock: Clock) -> None:
    for _ in range(3):
        clock.now += 1
        plans.kept(outbox, "one", "SELECT 1", {})
    clock.now += plans.KEEP_S - 1
    with pytest.raises(Exception, match="nowhere"):
        for _ in range(2):
            plans.kept(outbox, "two", "SELECT nowhere", {})
    text, _ = plans.kept(outbox, "one", "SELECT 1", {})
    assert outbox.execute(text, prepare=False).fetchall() == [(1,)]


def test_many_keys_that_come_once_are_forgotten(outbox: Connection, clock: Clock) -> None:
    for turn in range(100):
        plans.kept(outbox, f"{turn}", "SELECT 1", {})
        clock.now += 1
    assert len(plans._plans(outbox).asked) <= plans.KEEP_S + 1


def test_behind_a_pooler_nothing_is_prepared(outbox: Connection) -> None:
    outbox.prepare_threshold = None
    given = [plans.kept(outbox, "one", "SELECT %(one)s::int", {"one": 1}) for _ in range(3)]
    assert given == [(b"SELECT %(one)s::int", {"one": 1})] * 3


def test_another_claim_than_was_begun_last_is_not_finished_by_the_kept_plan(outbox: Connection, place: Place) -> None:
    for key in ("a", "b", "c"):
        done(outbox, place, key)
    assert names(outbox), "no plan is kept"
    first, second = started(outbox, place, "d"), started(outbox, place, "e")
    assert claims.finish(outbox, first, bad={}, back=[])
    assert (states(outbox)["d"], states(outbox)["e"]) == (["done"], ["waits"])
    assert claims.finish(outbox, second, bad={}, back=[])
    assert states(outbox)["e"] == ["done"]


def test_a_claim_whose_begin_may_be_undone_is_not_finished_by_the_kept_plan(outbox: Connection, place: Place) -> None:
    for key in ("a", "b", "c"):
        done(outbox, place, key)
    before = started(outbox, place, "d")
    with outbox.transaction(force_rollback=True):
        undone = started(outbox, place, "e")
    assert not claims.finish(outbox, undone, bad={}, back=[])
    assert states(outbox)["d"] == ["waits"]
    assert claims.finish(outbox, before, bad={}, back=[])


def test_plans_over_a_few_rows_read_by_index(outbox: Connection, place: Place) -> None:
    """Seen before: a finish whose plan was made over a few rows took 8 s over a million."""
    done(outbox, place, "a")
    outbox.execute("VACUUM ANALYZE outbox.event, outbox.claim")  # now Postgres knows how few they are
    for key in ("b", "c"):
        done(outbox, place, key)
    shown = [explained(outbox, name) for name in names(outbox)]
    assert len(shown) == 2, "those of a claim and of a finish"
    for plan in shown:
        assert "Seq Scan" not in plan
        assert "Index Scan using event_" in plan or "Bitmap Index Scan on event_" in plan


def explained(connection: Connection, name: str) -> str:
    """The kept plan."""
    return "\n".join(row[0] for row in connection.execute(f'EXPLAIN EXECUTE "{name}"'.encode(), prepare=False))


def test_documents_are_read_by_a_kept_plan_claim_for_claim(desk: Desk) -> None:
    insert_items(desk.connection, range(1, 30))
    numbers = [desk.indexed(str(key)) for key in range(1, 30)]
    found = [desk.document(str(key)) for key in range(1, 30)]
    assert [document and document["src_version"] for document in found] == numbers
    pooled = desk.indexer.engine.raw_connection()
    connection = pooled.dbapi_connection
    assert isinstance(connection, psycopg.Connection)
    assert len(names(connection)) == 2, "those of the read and of the finish"
    pooled.close()
