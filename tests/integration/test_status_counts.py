"""What `outbox status` counts: what waits, live and in bulk, what is in flight, what is dead."""

from __future__ import annotations

from outbox.connection import Connection
from outbox.store import claims, indexes
from outbox.store.claims import Lane
from tests.integration.hand_made import add, begun, make_index, take


def test_what_status_counts(outbox: Connection) -> None:
    place = make_index(outbox)
    add(outbox, place, "done", "dead")
    assert claims.finish(outbox, begun(outbox, place), bad={"dead": "no"}, back=[])
    add(outbox, place, "in flight")
    assert take(outbox, place)
    add(outbox, place, "a", "b")
    add(outbox, place, "c", lane=Lane.REPLAY)
    add(outbox, place, "d", "e", "f", lane=Lane.FANOUT)
    (row,) = indexes.status(outbox)
    counted = {name: row[name] for name in ("pending_live", "pending_bulk", "in_flight", "dead")}
    assert counted == {"pending_live": 3, "pending_bulk": 4, "in_flight": 1, "dead": 1}  # the claimed event waits too
