"""Raw Solr with our configset beside raw Solr with the tutorial's schema: the same documents, in turns.

What the tutorial's schema refuses (a box over the date line, a string of more than 32,766 bytes) is left out on both
sides. Both post without reading anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from bench.figures import Figure, of_pairs
from bench.replay import BATCH, post
from bench.world import World, say
from examples.tutorial import core
from outbox.solr import collections
from outbox.sql import queries

_SQL = queries("bench", "schemas.sql")


def measure(world: World) -> list[Figure]:
    """The first round warms, and is not counted."""
    collections.create(world.solr, core.CORE, core.CONF)
    core.create_schema(world.solr)
    documents = [row[0] for row in world.connection.execute(_SQL["documents"])]
    pairs = []
    for turn in range(-1, world.scale.rounds):
        order = (core.CORE, world.collection) if turn % 2 else (world.collection, core.CORE)
        rates = {name: len(documents) / _post(world, name, documents) for name in order}
        ours, theirs = rates[world.collection], rates[core.CORE]
        say(f"schemas: round {turn + 1}: ours {ours:.0f}, the tutorial's {theirs:.0f} documents/s")
        if turn >= 0:
            pairs.append((ours, theirs))
    world.solr.admin("/admin/collections", {"action": "DELETE", "name": core.CORE})
    return [of_pairs("configset_vs_tutorial", pairs)]


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
