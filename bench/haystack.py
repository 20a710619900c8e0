"""django-haystack's `update_index` with two workers, beside a replay of the same layers, without the spatial field.

Once as its documentation has it (a template for the text, batches of 1,000, a commit each), and once tuned (500, one
commit). Haystack gets a collection of its own with the field types of ours, which cost Solr less than those that its
`build_solr_schema` would give it; the replay is of an index of its own, whose view has no box.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import version

import orjson

from bench.figures import of_pairs
from bench.outcome import Outcome
from bench.replay import as_outcome, in_turns, replayed
from bench.world import CONFIG, ROOT, World, outbox
from examples.tutorial import core
from outbox.solr import collections
from outbox.sql import queries
from services.command import succeed

_SQL = queries("bench", "haystack.sql")
COLLECTION = "bench_haystack"
PLAIN = ROOT / "bench" / "haystack.toml"
_STRINGS = ("django_ct", "django_id", "name", "category", "username")
_TEXTS = ("text", "title", "abstract")
_LISTS = ("keywords", "regions")


def measure(world: World) -> Outcome:
    """In turns; the index without a box is applied for that, and its triggers taken off again."""
    world.connection.execute(_SQL["view"])
    _make_collection(world)
    world.stack.stop_pipeline()
    environment = {**world.endpoints.environment(), "OUTBOX_CONFIG": str(PLAIN)}
    outbox(environment, "apply", "plain")
    world.stack.start_pipeline(PLAIN)
    world.drain()
    (layers,) = world.connection.execute(queries("bench", "replay.sql")["count"]).fetchone() or (0,)
    ways: dict[str, Callable[[], float]] = {
        "replay": lambda: replayed(world, "plain"),
        "haystack": lambda: _update_index(world, layers),
        "tuned": lambda: _update_index(world, layers, "--tuned"),
    }
    seen = in_turns(world, "haystack", ways, layers, world.scale.rounds)
    outbox(environment, "detach", "plain")
    world.stack.stop_pipeline()
    world.stack.start_pipeline(CONFIG)
    name = f"django-haystack {version('django-haystack')}, update_index, two workers"
    return as_outcome(
        [
            of_pairs("replay_vs_haystack", list(zip(seen["replay"], seen["haystack"], strict=True))),
            of_pairs("replay_vs_haystack_tuned", list(zip(seen["replay"], seen["tuned"], strict=True))),
        ],
        {"`outbox replay --all`": seen["replay"], name: seen["haystack"], f"{name}, tuned": seen["tuned"]},
        "haystack",
        "Beside django-haystack",
        "Without the spatial field. Haystack reads with prefetch; by default it sends 1,000 layers at a time and "
        "commits each time, tuned it sends 500 and commits once, in the end.",
    )


def _make_collection(world: World) -> None:
    solr = world.solr
    collections.create(solr, COLLECTION, core.CONF)
    fields: list[dict[str, object]] = [{"name": name, "type": "string"} for name in _STRINGS]
    fields += [{"name": name, "type": "text_general", "multiValued": False} for name in _TEXTS]
    fields += [{"name": name, "type": "string", "multiValued": True} for name in _LISTS]
    fields.append({"name": "modified_date", "type": "pdate"})
    solr.admin(f"/{COLLECTION}/schema", {}, body=orjson.dumps({"add-field": fields}))


def _update_index(world: World, layers: int, *options: str) -> float:
    """Seconds, as if it had indexed all layers: it leaves out the few whose date Python cannot hold."""
    environment = {**os.environ, **world.endpoints.environment(), "BENCH_COLLECTION": COLLECTION}
    said = succeed([sys.executable, "-m", "bench.django_catalogue", *options], extra=environment, cwd=ROOT)
    count, seconds = said.split()
    world.solr.commit(COLLECTION)
    found = world.solr.select(COLLECTION, {"q": "*:*", "rows": 0})["response"]["numFound"]
    if found != int(count):
        raise RuntimeError(f"Haystack indexed {found} layers of {count}")
    return float(seconds) * layers / int(count)
