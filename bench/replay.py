"""A replay of every layer beside its limits and its rivals, in turns, each into the collection that serves.

A round of a way is several passes over all layers, one after the other, and begins when Solr has merged what the way
before left to it: it takes 20,000 documents in three seconds and goes on merging them for two.

The limit: the same documents, built beforehand, posted by two plain connections, and the view read by two others;
together 1/(1/raw + 1/read), since both need the same two cores. Rivals: the tutorial's way (one Celery task and one
POST a layer, read as an ORM does) and a plain script (read 500, post 500). Every way draws its version numbers from the
same sequence, so that Solr takes each write.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from bench import processor, tutorial
from bench.figures import Figure, of_pairs, of_samples
from bench.outcome import Outcome, Plot, Table
from bench.warm import warm
from bench.world import World, say
from outbox import replay
from outbox.connection import Connection, connect
from outbox.solr.answer import Meaning
from outbox.solr.client import Address, Solr
from outbox.sql import queries
from outbox.worker.documents import Document, Row, assemble, request_body

_SQL = queries("bench", "replay.sql")
BATCH = 500
CONNECTIONS = 2
COMMIT_WITHIN_MS = 1000
WORDS = {
    "replay": "`outbox replay --all`",
    "raw": "Solr alone: built beforehand, two connections",
    "read": "the view alone, two connections",
    "script": "a plain script: read 500, post 500",
    "tutorial": "the tutorial's way",
    "tuned": "the tutorial's way, tuned",
}
NOTE = (
    "The limit is 1/(1/Solr alone + 1/the view alone): both need the same processors. The tutorial's way is Django's, "
    "whose connection to Postgres Celery closes around each task; tuned, its queries stand in SQL, over a connection "
    "that is kept. Passes over all in a round: "
)


def measure(world: World) -> Outcome:
    """The ratios of replays, in a Solr that is warm; a first round of all ways is not counted."""
    keys = [row[0] for row in world.connection.execute(_SQL["keys"])]
    chunks = [keys[at : at + BATCH] for at in range(0, len(keys), BATCH)]
    rows = [read(world.connection, world, chunk) for chunk in chunks]
    passes = world.scale.passes
    documents = passes * len(keys)
    ways: dict[str, Callable[[], float]] = {
        "replay": lambda: sum(replayed(world, "layers") for _ in range(passes)),
        "raw": lambda: _raw(world, rows * passes),
        "read": lambda: _in_two(world, chunks * passes, read),
        "script": lambda: _script(world, chunks * passes),
        "tutorial": lambda: documents / tutorial.rate(world, "bench.tutorial.orm", world.scale.tutorial),
        "tuned": lambda: documents / tutorial.rate(world, "bench.tutorial.tuned", world.scale.tutorial),
    }
    warm("replay", lambda: documents / ways["raw"](), documents, world.scale.warm)
    seen = in_turns(world, "replay", ways, documents, world.scale.rounds)
    limits = [1 / (1 / raw + 1 / viewed) for raw, viewed in zip(seen["raw"], seen["read"], strict=True)]
    rates = {"the limit": limits, **{WORDS[name]: seen[name] for name in ways}}
    figures = [
        of_pairs("replay_vs_limit", list(zip(seen["replay"], limits, strict=True))),
        of_pairs("replay_vs_raw", list(zip(seen["replay"], seen["raw"], strict=True))),
        of_pairs("replay_vs_script", list(zip(seen["replay"], seen["script"], strict=True))),
        of_pairs("replay_vs_tutorial", list(zip(seen["replay"], seen["tutorial"], strict=True))),
        of_pairs("replay_vs_tutorial_tuned", list(zip(seen["replay"], seen["tuned"], strict=True))),
    ]
    found = as_outcome(figures, rates, "replay", f"Replay of {len(keys):,} layers", f"{NOTE}{passes}.")
    shown = {"replay": ways["replay"], "Solr alone": ways["raw"], "script": ways["script"]}
    return replace(found, tables=[*found.tables, processor.table(world, shown, documents)])


def in_turns(
    world: World, part: str, ways: Mapping[str, Callable[[], float]], documents: int, rounds: int
) -> dict[str, list[float]]:
    """Documents a second of each way, which gives its seconds, in turns from a calm Solr; a first round warms."""
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(-1, rounds):
        for name in ways if turn % 2 else reversed(list(ways)):
            processor.calm(world)
            rate = documents / ways[name]()
            say(f"{part}: round {turn + 1}, {name}: {rate:.0f} documents/s")
            if turn >= 0:
                seen[name].append(rate)
    return seen


def as_outcome(figures: list[Figure], rates: Mapping[str, list[float]], name: str, title: str, note: str) -> Outcome:
    """A table and a plot of the rates."""
    bars = {way: of_samples(way, samples) for way, samples in rates.items()}
    rows = [
        (way, f"{one.value:,.0f}", f"{one.interval[0]:,.0f} to {one.interval[1]:,.0f}") for way, one in bars.items()
    ]
    table = Table(title, ("way", "documents/s", "95 %"), rows, note)
    return Outcome(figures, [table], [Plot(name, f"{title}: documents a second", bars=bars)])


def replayed(world: World, index: str) -> float:
    """Seconds of a replay of all documents of an index, until a worker had Solr's last answer, by the ledger.

    As of the other ways: that it is over is only noticed some hundredths of a second later.
    """
    now = world.connection.execute(_SQL["now"]).fetchone()
    replay.all_documents(world.connection, index)
    world.drain()
    row = world.connection.execute(_SQL["took"], {"since": now and now[0]}).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("nothing was replayed")
    return float(row[0])


def read(connection: Connection, world: World, keys: Sequence[str]) -> list[Row]:
    """The documents of these keys, by a worker's statement; its claim is made for it and rolled back."""
    with connection.transaction(force_rollback=True):
        row = connection.execute(_SQL["claim"], {"keys": list(keys)}).fetchone()
        if row is None:
            raise RuntimeError("no claim was made")
        found = connection.execute(world.definition.read.encode(), {"number": row[0], "only": None}).fetchall()
    return [(key, document, content_hash) for key, document, content_hash in found]


def bodies(connection: Connection, world: World, rows: Iterable[Sequence[Row]]) -> list[bytes]:
    """The requests that write these documents, under versions that are higher than any before."""
    return [request_body(_documents(connection, world, batch)) for batch in rows]


def _documents(connection: Connection, world: World, rows: Sequence[Row]) -> list[Document]:
    number = connection.execute(_SQL["number"]).fetchone()
    if number is None:
        raise RuntimeError("the sequence gave no number")
    own = world.definition.target.own_fields
    documents, refused = assemble(rows, version=int(number[0]), own=own, tombstones=True)
    if refused:
        raise RuntimeError(f"no documents: {refused}")
    return documents


def _raw(world: World, rows: Sequence[Sequence[Row]]) -> float:
    built = bodies(world.connection, world, rows)
    return post(world.endpoints.solr_url, world.collection, built)


def post(solr_url: str, collection: str, built: Sequence[bytes]) -> float:
    """Post these bodies by two connections, in turns; the seconds that it took."""

    def work(number: int) -> None:
        solr = Solr(Address(solr_url))
        for body in built[number::CONNECTIONS]:
            posted(solr, collection, body)

    return _timed(work)


def posted(solr: Solr, collection: str, body: bytes) -> None:
    """Post one body; RuntimeError if Solr refuses it."""
    verdict = solr.update(collection, body, commit_within_ms=COMMIT_WITHIN_MS)
    if verdict.meaning is not Meaning.DONE:
        raise RuntimeError(f"Solr refuses: {verdict.words}")


def _in_two(world: World, chunks: Sequence[list[str]], work: Callable[[Connection, World, list[str]], object]) -> float:
    """Half of the chunks by each of two connections; the seconds that it took."""

    def half(number: int) -> None:
        with connect(world.endpoints.database_url, application="bench reader", autocommit=True) as connection:
            for chunk in chunks[number::CONNECTIONS]:
                work(connection, world, chunk)

    return _timed(half)


def _script(world: World, chunks: Sequence[list[str]]) -> float:
    """One process, one connection to each server: read 500, post 500."""
    solr, began = Solr(Address(world.endpoints.solr_url)), time.monotonic()
    for chunk in chunks:
        documents = _documents(world.connection, world, read(world.connection, world, chunk))
        posted(solr, world.collection, request_body(documents))
    return time.monotonic() - began


def _timed(work: Callable[[int], None]) -> float:
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # of a thread: raised below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(CONNECTIONS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return time.monotonic() - began
