"""The successor takes the place of the one that serves, or gives it back: in one moment for whoever searches.

What the serving one has, the successor must have first. So nothing more is claimed for the serving one (for some
seconds, renewed: if we die it goes on by itself), its claims end, the successor works off all events up to then and is
committed; then the alias moves, or the cores are swapped, and names are exchanged in the database. The successor is
never paused where an alias moves; where cores are swapped it is too, since a write that is under way would meet the
other core.
"""

from __future__ import annotations

from collections.abc import Callable

from outbox.connection import Connection
from outbox.errors import OutboxError
from outbox.reindex import pair
from outbox.reindex.pair import Member
from outbox.solr import collections
from outbox.solr.client import Solr

Say = Callable[[str], None]
PATIENCE_S = 300.0


def moved(connection: Connection, solr: Solr, alias: str, successor: Member) -> bool:
    """Whether an earlier run moved the alias, or swapped the cores: asked of Solr before anything is tried again."""
    if (found := collections.look(solr)).cloud:
        return found.behind(alias) == (successor.collection,)
    begun = pair.swap_begun(connection, successor.index)
    return begun is not None and collections.core_folder(solr, alias) == begun


def switch(
    connection: Connection,
    solr: Solr,
    *,
    alias: str,
    serving: Member,
    successor: Member,
    names: tuple[str, str],
    say: Say,
) -> None:
    """Exchange the two: the successor gets the first of the names. Goes on where a killed one stopped."""
    both = [serving.index, successor.index]
    cloud = collections.look(solr).cloud
    if not moved(connection, solr, alias, successor):
        try:
            _catch_up(connection, solr, serving, successor)
            if cloud:
                collections.point(solr, alias, successor.collection)
            else:
                _at_rest(connection, both)
                solr.commit(successor.collection, soft=False)
        except BaseException:
            if not connection.broken:
                pair.go_on(connection, both)
            raise
        if not cloud:
            _swap(connection, solr, alias, serving, successor)
    with connection.transaction():
        if not cloud:
            pair.write_to(connection, serving.index, successor.collection)
            pair.write_to(connection, successor.index, alias)
        pair.exchange(connection, serving=serving, successor=successor, names=names)
        pair.go_on(connection, both)
    say(f"{names[0]}: {alias} is {successor.collection if cloud else 'the other core'} now")


def _catch_up(connection: Connection, solr: Solr, serving: Member, successor: Member) -> None:
    def hold() -> None:
        pair.pause(connection, [serving.index])

    hold()
    pair.until(lambda: not pair.in_flight(connection, [serving.index]), hold, "the claims under way end", PATIENCE_S)
    up_to = pair.highest(connection)
    pair.until(
        lambda: not pair.waiting(connection, successor.index, up_to), hold, "the new collection catches up", PATIENCE_S
    )
    hold()
    solr.commit(successor.collection, soft=False)


def _at_rest(connection: Connection, both: list[int]) -> None:
    def hold() -> None:
        pair.pause(connection, both)

    hold()
    pair.until(lambda: not pair.in_flight(connection, both), hold, "the claims under way end", PATIENCE_S)


def _swap(connection: Connection, solr: Solr, alias: str, serving: Member, successor: Member) -> None:
    """From here until the names are exchanged both stand still, for as long as it takes: whoever wrote now might write
    to the other's core. If we die, the next run asks Solr whether the cores were swapped, and goes on.
    """
    with connection.transaction():
        pair.hold(connection, [serving.index, successor.index])
        pair.remember_swap(connection, successor.index, collections.core_folder(solr, successor.collection))
    try:
        collections.swap(solr, alias, successor.collection)
    except OutboxError as error:
        raise OutboxError(
            f"{error}; both indexes stand still until you run this again, which asks Solr what it did"
        ) from error
