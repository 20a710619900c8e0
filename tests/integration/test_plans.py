"""Plans are kept for some seconds, of the right claim, by index, and are made anew; and nothing of them adds up."""

from __future__ import annotations

import re
from types import SimpleNamespace

import psycopg
import pytest

from outbox import plans
from outbox.connection import Connection
from outbox.store import claims
from outbox.store.claims import Begun
from tests.integration.desk import Desk
from tests.integration.hand_made import Place, add, begun, insert_items, make_index, states

PREPARED = "SELECT name FROM pg_prepared_statements WHERE name LIKE 'outbox %' ORDER BY prepare_time"


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
    """An applied index in this test's database, whose connection keeps plans."""
    plans.keep(outbox)
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
    plans.keep(outbox)
    query, one = "SELECT %(one)s::int + 1", {"one": 1}
    assert plans.kept(outbox, query, one) == (query.encode(), one)
    clock.now += plans.KEEP_S + 1
    assert plans.kept(outbox, query, one) == (query.encode(), one)
    assert names(outbox) == []
    clock.now += plans.KEEP_S - 1
    text, parameters = plans.kept(outbox, query, one)
    assert (parameters, len(names(outbox))) == (None, 1)
    assert outbox.execute(text, prepare=False).fetchall() == [(2,)]


def test_a_plan_is_made_anew_and_nothing_adds_up(outbox: Connection, clock: Clock) -> None:
    plans.keep(outbox)
    for turn in range(40):
        for key in ("one", "two"):
            text, parameters = plans.kept(outbox, "SELECT %(key)s::text", {"key": key})
            assert outbox.execute(text, parameters).fetchall() == [(key,)]
        clock.now += 3
        assert len(names(outbox)) == (0 if turn == 0 else 2)
    assert min(int(name.split()[2]) for name in names(outbox)) > 10


def test_a_plan_that_is_asked_for_just_in_time_is_not_ended_by_the_next(outbox: Connection, clock: Clock) -> None:
    """As lock and claim, which go in one message: the second is prepared when the first is too old by a moment."""
    plans.keep(outbox)
    for _ in range(2):
        plans.text(outbox, "SELECT 1", {})
    clock.now += plans.KEEP_S - 1
    plans.text(outbox, "SELECT 2", {})
    clock.now += 0.999
    first = plans.text(outbox, "SELECT 1", {})
    clock.now += 0.002
    both = first + b"; " + plans.text(outbox, "SELECT 2", {})
    assert both.count(b"EXECUTE") == 2
    assert outbox.execute(both, prepare=False).fetchone() == (1,)


def test_what_cannot_be_prepared_is_in_nobodys_way(outbox: Connection, clock: Clock) -> None:
    plans.keep(outbox)
    for _ in range(3):
        clock.now += 1
        plans.kept(outbox, "SELECT 1", {})
    clock.now += plans.KEEP_S - 1
    with pytest.raises(Exception, match="nowhere"):
        for _ in range(2):
            plans.kept(outbox, "SELECT nowhere", {})
    text, _ = plans.kept(outbox, "SELECT 1", {})
    assert outbox.execute(text, prepare=False).fetchall() == [(1,)]


def test_many_keys_that_come_once_are_forgotten(outbox: Connection, clock: Clock) -> None:
    plans.keep(outbox)
    for turn in range(100):
        plans.kept(outbox, f"SELECT {turn}", {})
        clock.now += 1
    assert len(plans._sessions[outbox].asked) <= plans.KEEP_S + 1


def test_behind_a_pooler_nothing_is_prepared(outbox: Connection) -> None:
    outbox.prepare_threshold = None
    plans.keep(outbox)
    given = [plans.kept(outbox, "SELECT %(one)s::int", {"one": 1}) for _ in range(3)]
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


def test_a_claim_that_cannot_be_begun_is_not_taken_for_the_one_before(outbox: Connection, place: Place) -> None:
    for key in ("a", "b", "c"):
        done(outbox, place, key)
    before, other = started(outbox, place, "d"), started(outbox, place, "e")
    assert claims.begin(outbox, before.number, worker="again") is None
    assert claims.finish(outbox, other, bad={}, back=[])
    assert (states(outbox)["d"], states(outbox)["e"]) == (["waits"], ["done"])
    assert claims.finish(outbox, before, bad={}, back=[])


def test_a_begin_that_was_undone_is_in_nobodys_way(outbox: Connection, place: Place) -> None:
    """The session's setting is empty then, and no number."""
    with outbox.transaction(force_rollback=True):
        started(outbox, place, "a")
    for key in ("b", "c", "d"):
        done(outbox, place, key)
    assert names(outbox), "no plan is kept"


def test_plans_over_a_few_rows_read_by_index(outbox: Connection, place: Place) -> None:
    """Seen before: a finish whose plan was made over a few rows took 8 s over a million."""
    done(outbox, place, "a")
    outbox.execute("VACUUM ANALYZE outbox.event, outbox.claim")  # now Postgres knows how few they are
    for key in ("b", "c"):
        done(outbox, place, key)
    shown = [explained(outbox, name) for name in names(outbox)]
    assert len(shown) == 4, "those of lock, claim, begin and finish"
    assert not [plan for plan in shown if "Seq Scan" in plan]
    finish, claim = sorted((plan for plan in shown if "event" in plan), key=lambda plan: "event_pending" in plan)
    assert re.search(r"on event e\b.*\n.*Index Cond: \(id = ANY \(c.events\)\)", finish), finish
    assert re.search(r"event_pending on event.*\n.*Index Cond: \(\(index = .*target = .*lane = ", claim), claim


def explained(connection: Connection, name: str) -> str:
    """The kept plan."""
    return "\n".join(row[0] for row in connection.execute(f'EXPLAIN EXECUTE "{name}"'.encode(), prepare=False))


def test_a_rollback_takes_no_plan_away(outbox: Connection, place: Place) -> None:
    """psycopg deallocates all that is prepared after one, if it has prepared anything itself."""
    for turn in range(10):
        outbox.execute("SELECT %s::int", [turn])
        done(outbox, place, f"{turn}")
    before = names(outbox)
    with pytest.raises(ValueError, match="undone"), outbox.transaction():
        raise ValueError("undone")
    assert names(outbox) == before != []
    done(outbox, place, "after")


def test_a_percent_sign_is_no_parameter(outbox: Connection) -> None:
    plans.keep(outbox)
    query = """SELECT %(number)s::bigint AS "a%%(number)s", '%%' || %(word)s, 'a''b\\c'"""
    outbox.execute(plans.beginning(outbox, "SELECT 1", {"number": 7}), prepare=False)
    plans.begun(outbox, 7)
    found = [outbox.execute(*plans.kept(outbox, query, {"number": 7, "word": "it's \\ 5 %"})) for _ in range(2)]
    assert [column.name for cursor in found for column in (cursor.description or [])[:1]] == ["a%(number)s"] * 2
    assert [cursor.fetchone() for cursor in found] == [(7, "%it's \\ 5 %", "a'b\\c")] * 2
    assert len(names(outbox)) == 1


def test_a_view_that_is_made_anew_is_read_as_it_is_now(desk: Desk) -> None:
    insert_items(desk.connection, range(1, 5), title="old")
    for key in (1, 2, 3):
        desk.indexed(str(key))
    desk.connection.execute("DROP VIEW shop.item_document")
    other = "SELECT id, upper(title) AS title, code, 100 / divisor AS share FROM shop.item"
    desk.connection.execute(f"CREATE VIEW shop.item_document AS {other}".encode())
    desk.indexed("4")
    assert (desk.document("4") or {})["title"] == "OLD"


def test_documents_are_read_by_a_kept_plan_claim_for_claim(desk: Desk) -> None:
    insert_items(desk.connection, range(1, 30))
    numbers = [desk.indexed(str(key)) for key in range(1, 30)]
    found = [desk.document(str(key)) for key in range(1, 30)]
    assert [document and document["src_version"] for document in found] == numbers
    pooled = desk.indexer.engine.raw_connection()
    connection = pooled.dbapi_connection
    assert isinstance(connection, psycopg.Connection)
    assert len(names(connection)) == 3, "those of begin, read and finish"
    pooled.close()
