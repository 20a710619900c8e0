"""The catalogue, applied and piped, beside a server that misbehaves; and what has to hold when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from outbox.broker import queues
from services.endpoints import Endpoints
from tests.acceptance.conftest import Catalogue, filled
from tests.acceptance.load import Writer, edit
from tests.conftest import remove_collections, remove_queues
from tests.pipeline import until

LAYERS = 200
RATE = 40.0
PATIENCE_S = 120.0
# Messages that a server loses are waited for no longer than this; it is above the time limit of a publish, 5 s.
_CONFIG = """\
[index.layers]
view = "catalogue.layer_document"
[relay]
dispatch_lease = "6s"
"""
_LEFT = """SELECT (SELECT count(*) FROM outbox.event WHERE done_at IS NULL AND dead_at IS NULL),
    (SELECT count(*) FROM outbox.claim WHERE ended_at IS NULL)"""
# Two claims in flight at a time that hold one key.
_OVERLAPS = """SELECT a.number, b.number FROM outbox.claim AS a JOIN outbox.claim AS b
    ON a.number < b.number AND a.target = b.target AND a.keys && b.keys AND b.created_at < a.ended_at"""


@contextmanager
def applied(database_url: str, endpoints: Endpoints, folder: Path, *, broker_url: str = "") -> Iterator[Catalogue]:
    """A catalogue that is applied, its documents in Solr by the first edit; no process runs yet.

    Its collection and queues go with it. `broker_url`: another broker than the stack's.
    """
    (folder / "outbox.toml").write_text(_CONFIG, "utf-8")
    broker = broker_url or endpoints.broker_url
    try:
        with filled(database_url, broker, endpoints.solr_url, folder, layers=LAYERS) as catalogue:
            catalogue.pipeline.environment["OUTBOX_CONFIG"] = str(folder / "outbox.toml")
            catalogue.pipeline.run("apply")
            yield catalogue
    finally:
        remove_collections(endpoints.solr_url)
        if not broker_url:
            remove_queues(broker)


def start(catalogue: Catalogue, *, relays: int = 1) -> None:
    """Relay and workers, and the first replay done."""
    catalogue.pipeline.start(relays=relays)
    settled(catalogue)


def settled(catalogue: Catalogue) -> None:
    """Nothing waits, nothing is in flight, nothing is dead, Solr equals the view, no key was in two claims at a time.

    By a new connection: the server may have been another when the catalogue's own was made.
    """
    with psycopg.connect(database_url(catalogue), autocommit=True) as connection:
        now = replace(catalogue, connection=connection)
        until(lambda: left(now) == (0, 0), "nothing waits and nothing is in flight", PATIENCE_S)
        assert connection.execute("SELECT last_error FROM outbox.event WHERE dead_at IS NOT NULL").fetchall() == []
        assert connection.execute(_OVERLAPS).fetchall() == []
        assert now.differences() == []


def left(catalogue: Catalogue) -> tuple[int, int]:
    """The events that wait, and the claims in flight."""
    (row,) = catalogue.connection.execute(_LEFT).fetchall()
    return int(row[0]), int(row[1])


@contextmanager
def edited(catalogue: Catalogue) -> Iterator[Writer]:
    """Edits go on from before to after what is done meanwhile; none of them may fail, and in the end all is well."""
    with Writer(database_url(catalogue), LAYERS, RATE) as writer:
        arrives(catalogue)
        before = len(writer.statements)
        yield writer
        assert len(writer.statements) > before
        arrives(catalogue)
    settled(catalogue)


def arrives(catalogue: Catalogue) -> None:
    """An edit made now comes to Solr."""
    with psycopg.connect(database_url(catalogue), autocommit=True) as connection:
        edit(connection, 1)


def consumed(broker_url: str) -> bool:
    """Whether both queues have their worker."""
    return all(queue["consumers"] for queue in queues(broker_url))


def database_url(catalogue: Catalogue) -> str:
    """The address that the pipeline uses."""
    return catalogue.pipeline.environment["OUTBOX_DATABASE_URL"]


def said(catalogue: Catalogue, name: str = "relay-0") -> list[str]:
    """The lines that a process has logged so far."""
    return catalogue.pipeline.log(name).splitlines()
