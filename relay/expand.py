"""Fan-outs become keys.

A fan-out event says "rows of this table with these values changed". Many small ones of one way are expanded together in
one statement; one that leads to more than `LIVE_MOST` documents, and one that means all documents (a replay, a
TRUNCATE), is enumerated in chunks, each with its progress in one transaction, into a lane of the bulk queue, and never
far ahead of the workers. One that fails is set aside alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import psycopg
import structlog

from outbox.connection import Connection
from outbox.errors import IndexRefused, SolrUnavailable
from outbox.index import LIVE_MOST, Definition, Way
from outbox.sqlstate import first_line, is_of_the_data, loggable
from outbox.store import events
from outbox.store.claims import Lane
from outbox.store.events import FanOut
from relay.enumerate import ALL, EVERYTHING, WAY, Enumerator

log = structlog.get_logger("relay")

TOGETHER = 1000  # fan-outs of one statement
BACKLOG_MOST = 5000  # keys waiting in a bulk lane beyond which nothing more is enumerated
AGAIN = timedelta(seconds=5)


@dataclass(slots=True)
class Backlog:
    """How far the enumerations of one index are ahead of the workers.

    Counting reads all that waits, up to BACKLOG_MOST keys. So it is counted once for as many as there was room for:
    the workers only make more of it meanwhile, and what somebody enqueues is seen at the next count.
    """

    index: int
    room: dict[Lane, int] = field(default_factory=dict)

    def full(self, connection: Connection, lane: Lane) -> bool:
        """Whether enumerating has to wait for the workers; the next time it is counted then."""
        if lane not in self.room:
            self.room[lane] = BACKLOG_MOST - events.bulk_backlog(connection, self.index, lane, most=BACKLOG_MOST)
        if self.room[lane] > 0:
            return False
        del self.room[lane]
        return True

    def grown(self, lane: Lane, keys: int, *, over: bool) -> None:
        """So many keys more; the next enumeration counts anew when this one is over."""
        self.room[lane] -= keys
        if over:
            del self.room[lane]


def expand(connection: Connection, definition: Definition, enumerator: Enumerator, backlog: Backlog) -> bool:
    """Expand what may be expanded now, in one transaction; true if there is any progress."""
    with connection.transaction():
        waiting = events.fanouts(connection, enumerator.index, most=TOGETHER)
        small, large = _sorted(waiting, definition)
        progress = False
        for way, fanouts in small.items():
            progress = True
            _expand_way(connection, definition.way(way), fanouts)
        for fanout in _first_of_each_lane(large):
            progress = _enumerate(connection, fanout, enumerator, backlog) or progress
        return progress


def _sorted(waiting: list[FanOut], definition: Definition) -> tuple[dict[int, list[FanOut]], list[FanOut]]:
    """Those that are expanded by their way, and those that are enumerated.

    A way that the applied definition no longer has means that the view was changed meanwhile: all documents, then.
    """
    ways = {way.number for way in definition.ways}
    small: dict[int, list[FanOut]] = defaultdict(list)
    large = []
    for fanout in waiting:
        if fanout.way in ways and fanout.progress is None and fanout.route is not None:
            small[fanout.way].append(fanout)
        else:
            large.append(fanout)
    return small, large


def _first_of_each_lane(large: list[FanOut]) -> list[FanOut]:
    """A replay of a million and a large fan-out are enumerated side by side."""
    replays = [fanout for fanout in large if fanout.op == "R"]
    return replays[:1] + [fanout for fanout in large if fanout.op != "R"][:1]


def _expand_way(connection: Connection, way: Way, fanouts: list[FanOut]) -> None:
    """All together; if Postgres refuses, by halves, so that only the guilty one is set aside."""
    try:
        with connection.transaction():
            _expand_together(connection, way, fanouts)
    except psycopg.DatabaseError as error:
        if connection.broken:
            raise
        if len(fanouts) == 1:
            _set_aside(connection, fanouts[0], error)
            return
        middle = len(fanouts) // 2
        _expand_way(connection, way, fanouts[:middle])
        _expand_way(connection, way, fanouts[middle:])


def _expand_together(connection: Connection, way: Way, fanouts: list[FanOut]) -> None:
    parameters = {
        "ids": [fanout.id for fanout in fanouts],
        "routes": [_route(fanout) for fanout in fanouts],
        "most": LIVE_MOST + 1,
    }
    keys: dict[int, list[str]] = defaultdict(list)
    for event, key in connection.execute(way.expand.encode(), parameters):
        keys[event].append(key)
    large = {event for event, found in keys.items() if len(found) > LIVE_MOST}
    pairs = [(event, key) for event, found in keys.items() if event not in large for key in found]
    if pairs:
        events.add_keys(connection, pairs, Lane.LIVE)
    events.expanded(connection, [fanout.id for fanout in fanouts if fanout.id not in large])
    for event in large:
        events.save_progress(connection, event, {}, Lane.FANOUT)
    log.info("expanded", way=way.number, table=way.table, fanouts=len(fanouts), keys=len(pairs), large=len(large))


def _route(fanout: FanOut) -> psycopg.types.json.Jsonb:
    return psycopg.types.json.Jsonb(fanout.route)


def _enumerate(connection: Connection, fanout: FanOut, enumerator: Enumerator, backlog: Backlog) -> bool:
    """One chunk of a large fan-out, if the workers are near; false if it has to wait."""
    lane = Lane.REPLAY if fanout.op == "R" else Lane.FANOUT
    if backlog.full(connection, lane):
        return False
    one = _folded(connection, fanout, enumerator)  # stays, whatever becomes of the chunk
    _guarded(connection, one, lambda: _chunk(connection, one, enumerator, lane, backlog))
    return True


def _folded(connection: Connection, fanout: FanOut, enumerator: Enumerator) -> FanOut:
    """The one that stands for all that wait and mean all documents, when the first of them is begun."""
    ways = [way.number for way in enumerator.definition.ways]
    if fanout.progress is not None or fanout.op == "R" or fanout.way in ways:
        return fanout
    first, count = events.fold(connection, enumerator.index, truncate=fanout.op == "T", ways=ways)
    if count > 1:
        log.info("folded", fanout=first, fanouts=count)
    return replace(fanout, id=first)


def _chunk(connection: Connection, fanout: FanOut, enumerator: Enumerator, lane: Lane, backlog: Backlog) -> None:
    keys, progress = enumerator.chunk(connection, fanout, lane)
    count = (fanout.progress or {}).get("keys", 0) + keys
    events.save_progress(connection, fanout.id, {**progress, "keys": count}, lane)
    if progress is ALL:
        events.expanded(connection, [fanout.id])
    backlog.grown(lane, keys, over=progress is ALL)
    log.info("enumerated", fanout=fanout.id, keys=keys, complete=progress is ALL)


def _guarded(connection: Connection, fanout: FanOut, chunk: Callable[[], None]) -> None:
    try:
        with connection.transaction():
            chunk()
    except (SolrUnavailable, IndexRefused) as error:
        events.postpone(connection, fanout.id, AGAIN, str(error))
    except psycopg.DatabaseError as error:
        if connection.broken:
            raise
        _set_aside(connection, fanout, error)


def _set_aside(connection: Connection, fanout: FanOut, error: psycopg.Error) -> None:
    """What to do with one that fails alone.

    A way may meet a value that the view filters out before its cast does: then the fan-out means all documents, which
    is too wide and loses nothing. If those cannot be listed either, it is dead. Anything that is not of the data may be
    mended by `outbox apply`, and is tried again.
    """
    words = first_line(error)
    log.error("fan-out cannot be expanded", fanout=fanout.id, way=fanout.way, reason=loggable(error))
    if not is_of_the_data(error):
        events.postpone(connection, fanout.id, AGAIN, words)
    elif (fanout.progress or {}).get("phase", WAY) == WAY and fanout.way is not None:
        events.save_progress(connection, fanout.id, EVERYTHING, Lane.FANOUT)
    else:
        events.bury(connection, fanout.id, words)
