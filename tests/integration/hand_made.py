"""An index that is made by hand: a small view, its read statement, and events without triggers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from outbox.connection import Connection
from outbox.index import Definition, Field, OwnFields, Target
from outbox.sql import queries
from outbox.store import claims, indexes
from outbox.store.claims import Begun, Claim, Lane

SQL = queries("tests.integration", "hand_made.sql")
FIELDS = (
    Field("id", "bigint", "string", False, "d.id::text"),
    Field("title", "text", "text_general", False, "d.title"),
    Field("code", "text", "plong", False, "d.code"),
    Field("share", "integer", "plong", False, "d.share"),
)
DEFINITION = Definition(
    name="items",
    view="shop.item_document",
    root="shop.item",
    key="id",
    key_type="bigint",
    fields=FIELDS,
    tables=(),
    ways=(),
    read=SQL["read"],
    enumerate=SQL["enumerate"],
    capture="origin",
    target=Target(200, 0, "tombstone", True, "", OwnFields("src_version", "deleted", "src_hash")),
    fingerprint="hand-made",
)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Place:
    """The ids of an applied index and of its serving target."""

    index: int
    target: int


def make_index(connection: Connection, *, collection: str = "items_1") -> Place:
    """Make table and view, and apply the index `items` by hand."""
    connection.execute(SQL["table_and_view"])
    index = indexes.register(connection, DEFINITION.name)
    indexes.serve(connection, index, collection)
    indexes.save(connection, index, DEFINITION)
    applied, _ = indexes.demand(connection, DEFINITION.name)
    assert applied.target is not None
    return Place(index, applied.target)


def add(
    connection: Connection,
    place: Place,
    *keys: str,
    lane: Lane = Lane.LIVE,
    target: int = 0,
    delay: timedelta = timedelta(0),
) -> list[int]:
    """One event for each key; their ids."""
    found = []
    for key in keys:
        parameters = {"index": place.index, "target": target, "lane": lane, "key": key, "delay": delay}
        row = connection.execute(SQL["add_event"], parameters).fetchone()
        assert row is not None
        found.append(int(row[0]))
    return found


def take(
    connection: Connection,
    place: Place,
    *,
    keys: int = 500,
    lane: Lane = Lane.LIVE,
    dispatch: timedelta = MINUTE,
    work: timedelta = MINUTE,
    avoid: int | None = None,
) -> Claim | None:
    """One claim, as the relay makes it."""
    return claims.claim(
        connection,
        index=place.index,
        target=place.target,
        queue=0,
        lane=lane,
        keys=keys,
        dispatch_lease=dispatch,
        work_lease=work,
        avoid=avoid,
    )


def begun(connection: Connection, place: Place, *, lane: Lane = Lane.LIVE, work: timedelta = MINUTE) -> Begun:
    """A claim that was made and begun."""
    claim = take(connection, place, lane=lane, work=work)
    assert claim is not None
    found = claims.begin(connection, claim.number, worker="w@test")
    assert found is not None
    return found


def states(connection: Connection) -> dict[str, list[str]]:
    """The states of each key's events."""
    return dict(connection.execute(SQL["states"]).fetchall())


def keys_of(connection: Connection, number: int) -> list[str]:
    """The keys of a claim, ended or not."""
    row = connection.execute(SQL["claim_row"], {"number": number}).fetchone()
    assert row is not None
    return list(row[0])


def insert_items(connection: Connection, ids: Iterable[int], *, title: str = "one") -> None:
    """Rows of the table, good ones."""
    for number in ids:
        connection.execute("INSERT INTO shop.item (id, title, code) VALUES (%s, %s, '7')", [number, title])
