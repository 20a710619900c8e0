"""Raw Solr with our configset beside raw Solr with the tutorial's schema: the same documents, in turns.

What the tutorial's schema refuses (a box over the date line, a string of more than 32,766 bytes) is left out on both
sides. Both post without reading anything.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from statistics import median
from typing import Any

import orjson

from bench.figures import of_pairs
from bench.outcome import Outcome, Table
from bench.replay import BATCH, post
from bench.warm import warm
from bench.world import World, say
from examples.tutorial import core
from outbox.solr import collections
from outbox.sql import queries

_SQL = queries("bench", "schemas.sql")
NOTE = "The same documents, bodies built beforehand, posted by two connections, in turns."


def measure(world: World) -> Outcome:
    """Both are warmed before they are counted."""
    collections.create(world.solr, core.CORE, core.CONF)
    core.create_schema(world.solr)
    documents = [row[0] for row in world.connection.execute(_SQL["documents"])]

    def rate(name: str) -> float:
        return len(documents) / _post(world, name, documents)

    for name in (world.collection, core.CORE):
        warm(f"schemas: {name}", functools.partial(rate, name), len(documents), world.scale.warm)
    pairs = []
    for turn in range(world.scale.rounds):
        order = (core.CORE, world.collection) if turn % 2 else (world.collection, core.CORE)
        seen = {name: rate(name) for name in order}
        one, other = seen[world.collection], seen[core.CORE]
        say(f"schemas: round {turn + 1}: ours {one:.0f}, the tutorial's {other:.0f} documents/s")
        pairs.append((one, other))
    world.solr.admin("/admin/collections", {"action": "DELETE", "name": core.CORE})
    ours, theirs = zip(*pairs, strict=True)
    rows = [("ours", f"{median(ours):,.0f}"), ("the tutorial's", f"{median(theirs):,.0f}")]
    found = Table("Raw rate by schema", ("configset", "documents/s"), rows, NOTE)
    return Outcome([of_pairs("configset_vs_tutorial", pairs)], [found])


def _post(world: World, collection: str, documents: Sequence[dict[str, Any]]) -> float:
    """Under a version of its own where there is a place for it, so that Solr takes each write."""
    row = world.connection.execute(_SQL["number"]).fetchone()
    if row is None:
        raise RuntimeError("the sequence gave no number")
    version = {"src_version" if collection == world.collection else "src_version_l": row[0]}
    built = [
        orjson.dumps([{**document, **version} for document in documents[at : at + BATCH]])
        for at in range(0, len(documents), BATCH)
    ]
    return post(world.endpoints.solr_url, collection, built)
