"""A document that Solr refuses, and one at which the worker dies: dead alone, whatever came with them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outbox.store.suspects import GUILTY
from tests.acceptance.conftest import MANY, Catalogue, filled
from tests.acceptance.load import EDIT, Writer
from tests.pipeline import until

# More than 32,766 bytes in a string field: Lucene refuses an immense term.
POISON = """WITH new AS (
    INSERT INTO catalogue.category (identifier, gn_description) VALUES ('poison', repeat('x', 40000)) RETURNING id
) UPDATE catalogue.layer SET category_id = new.id FROM new WHERE layer.id = %(layer)s RETURNING uuid::text"""
MEND = "UPDATE catalogue.category SET gn_description = 'fine' WHERE identifier = 'poison'"
LAYER = 5003
SOME = 2000
HANGS = 1203
# STABLE: what only lists the keys does not call it.
HANG = f"""CREATE OR REPLACE FUNCTION catalogue.title(layer bigint, title text) RETURNS text STABLE LANGUAGE plpgsql
AS $$ BEGIN
    IF layer = {HANGS} THEN PERFORM pg_sleep(600); END IF;
    RETURN title;
END $$"""
KEY = "SELECT uuid::text FROM catalogue.layer WHERE id = %s"
HOLDS = """SELECT number, cardinality(keys) FROM outbox.claim
WHERE begun_at IS NOT NULL AND ended_at IS NULL AND %s = ANY (keys)"""
DEAD = "SELECT EXISTS (SELECT FROM outbox.event WHERE key = %s AND dead_at IS NOT NULL AND done_at IS NULL)"


def test_one_refused_document_in_a_replay_of_ten_thousand(large: Catalogue) -> None:
    (poison,) = large.connection.execute(POISON, {"layer": LAYER}).fetchone() or ("",)
    large.pipeline.run("apply")
    large.pipeline.start()
    large.pipeline.run("wait", "--timeout", "120", expect=4)
    (listed,) = dead(large)
    assert listed["key"] == poison
    assert "immense term" in listed["error"]
    assert found(large) == MANY - 1
    assert {line.split(":")[0] for line in large.differences()} == {poison}

    large.connection.execute(MEND)
    large.drained()
    assert dead(large) == []
    assert found(large) == MANY
    assert large.differences() == []


@pytest.fixture
def deadly(database_url: str, broker_url: str, solr_url: str, tmp_path: Path) -> Iterator[Catalogue]:
    """A catalogue that is applied, whose view then hangs at one layer: there the test kills what reads it."""
    with filled(database_url, broker_url, solr_url, tmp_path, layers=SOME) as found:
        found.pipeline.run("apply")
        found.connection.execute(HANG)
        (view,) = found.connection.execute("SELECT pg_get_viewdef('catalogue.layer_document')").fetchone() or ("",)
        assert view.count(" layer.title,") == 1
        hanging = view.replace(" layer.title,", " catalogue.title(layer.id, layer.title) AS title,")
        found.connection.execute(f"CREATE OR REPLACE VIEW catalogue.layer_document AS {hanging}".encode())
        yield found


@pytest.mark.long
def test_a_document_at_which_the_worker_dies_is_dead_in_the_end(deadly: Catalogue) -> None:
    url = deadly.pipeline.environment["OUTBOX_DATABASE_URL"]
    (poison,) = deadly.connection.execute(KEY, [HANGS]).fetchone() or ("",)
    deadly.pipeline.start(live=1, bulk=1)
    killed: list[tuple[int, int]] = []
    with Writer(url, HANGS - 1, rate=5):  # an outage counts once: only after something else was done it counts again
        until(lambda: killed_all(deadly, poison, killed), "the document is dead", 90)
    deadly.pipeline.run("wait", "--timeout", "60", expect=4)
    (listed,) = dead(deadly)
    assert listed["key"] == poison
    assert "SIGKILL" in listed["error"]
    print(f"claims that were lost: {[documents for _, documents in killed]} documents")
    assert len(killed) == GUILTY
    assert found(deadly) == SOME - 1

    deadly.connection.execute(HANG.replace("600", "0"))
    deadly.connection.execute(EDIT, {"title": "harmless", "layer": HANGS})
    deadly.drained()
    assert dead(deadly) == []
    assert deadly.differences() == []


def killed_all(catalogue: Catalogue, key: str, killed: list[tuple[int, int]]) -> bool:
    """Kill the process that has begun a claim which holds the key, once each; true when the key is dead."""
    for number, documents in catalogue.connection.execute(HOLDS, [key]).fetchall():
        if number not in dict(killed):
            (child,) = until(lambda: catalogue.pipeline.children("worker-bulk"), "the worker has a process")
            os.kill(child, signal.SIGKILL)
            killed.append((number, documents))
    return catalogue.connection.execute(DEAD, [key]).fetchone() == (True,)


def dead(catalogue: Catalogue) -> list[dict[str, Any]]:
    """What `dead list` says."""
    listed: list[dict[str, Any]] = json.loads(catalogue.pipeline.run("dead", "list", "--json").stdout)
    return listed


def found(catalogue: Catalogue) -> int:
    """The documents that a search finds."""
    catalogue.solr.commit(catalogue.collection)
    answer = catalogue.solr.select(catalogue.collection, {"q": "*:*", "rows": 0})
    return int(answer["response"]["numFound"])
