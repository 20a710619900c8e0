"""An edit in Postgres is in Solr, through real RabbitMQ and Celery, by the commands that a user types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outbox.sql import parse
from services.stack import Stack
from tests.acceptance.conftest import LAYERS, Catalogue
from tests.pipeline import until

EDITS = parse((Path(__file__).parent / "edits.sql").read_text("utf-8"), "edits.sql")


def test_every_kind_of_edit_arrives_and_solr_equals_the_view(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("migrate")
    applied = catalogue.pipeline.run("apply")
    assert "layers is applied" in applied.stdout
    catalogue.pipeline.start()
    catalogue.drained()
    assert catalogue.differences() == []
    assert len(_ids(catalogue)) == LAYERS

    for name, statement in EDITS.items():
        catalogue.connection.execute(statement.encode())
        catalogue.drained()
        assert catalogue.differences() == [], name


def test_a_save_that_alters_nothing_shown_writes_no_event(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    before = _events(catalogue)
    catalogue.connection.execute(
        "UPDATE catalogue.layer SET title = title, popular_count = popular_count + 1, last_updated = now()"
    )
    catalogue.connection.execute("UPDATE catalogue.person SET last_login = now()")
    assert _events(catalogue) == before
    catalogue.connection.execute("UPDATE catalogue.layer SET title = title || '!' WHERE id = 1")
    assert _events(catalogue) == before + 1


def test_a_rollback_leaves_nothing(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    before = _events(catalogue)
    with pytest.raises(ZeroDivisionError), catalogue.connection.transaction():
        catalogue.connection.execute("UPDATE catalogue.layer SET title = 'never' WHERE id = 1")
        raise ZeroDivisionError
    assert _events(catalogue) == before


def test_applying_twice_changes_nothing(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("plan", "--exit-code", expect=3)
    catalogue.pipeline.run("apply")
    catalogue.pipeline.run("plan", "--exit-code", expect=0)
    before = _events(catalogue)
    again = catalogue.pipeline.run("apply")
    assert "nothing to do" in again.stdout
    assert _events(catalogue) == before


@pytest.mark.long
def test_solr_stopped_is_no_dead_event_and_drains_by_itself(catalogue: Catalogue, stack: Stack) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    stack.service("solr").kill()
    try:
        catalogue.connection.execute("UPDATE catalogue.layer SET title = 'while down' WHERE id <= 20")
        until(lambda: _status(catalogue)["state"] == "suspended", "the breaker opens")
        catalogue.pipeline.run("wait", "--timeout", "1", expect=1)
    finally:
        stack.service("solr").start()
    catalogue.drained()
    assert catalogue.differences() == []
    status = _status(catalogue)
    assert (status["state"], status["dead"]) == ("running", 0)


def test_a_refused_document_is_dead_alone_with_the_reason_and_resolved_by_a_later_change(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    # More than 32,766 bytes in a string field: Lucene refuses an immense term.
    catalogue.connection.execute(
        "WITH new AS (INSERT INTO catalogue.category (identifier, gn_description) "
        "VALUES ('poison', repeat('x', 40000)) RETURNING id) "
        "UPDATE catalogue.layer SET category_id = new.id FROM new WHERE layer.id = 5"
    )
    catalogue.connection.execute("UPDATE catalogue.layer SET title = 'beside the poison' WHERE id IN (4, 6)")
    catalogue.pipeline.run("wait", "--timeout", "60", expect=4)
    dead = json.loads(catalogue.pipeline.run("dead", "list", "--json").stdout)
    assert len(dead) == 1
    assert "immense term" in dead[0]["error"]
    assert dead[0]["key"] == _uuid(catalogue, 5)
    assert {line.split(".")[0] for line in catalogue.differences()} == {_uuid(catalogue, 5)}

    catalogue.connection.execute("UPDATE catalogue.category SET gn_description = 'fine' WHERE identifier = 'poison'")
    catalogue.drained()
    assert catalogue.differences() == []
    assert json.loads(catalogue.pipeline.run("dead", "list", "--json").stdout) == []


def _uuid(catalogue: Catalogue, layer: int) -> str:
    row = catalogue.connection.execute("SELECT uuid::text FROM catalogue.layer WHERE id = %s", [layer]).fetchone()
    assert row is not None
    return str(row[0])


def _status(catalogue: Catalogue) -> dict[str, object]:
    found = json.loads(catalogue.pipeline.run("status", "--json").stdout)
    row: dict[str, object] = found["indexes"][0]
    return row


def _events(catalogue: Catalogue) -> int:
    row = catalogue.connection.execute("SELECT count(*) FROM outbox.event").fetchone()
    assert row is not None
    return int(row[0])


def _ids(catalogue: Catalogue) -> set[str]:
    answer = catalogue.solr.select(catalogue.collection, {"q": "*:*", "fl": "id", "rows": 100_000})
    return {document["id"] for document in answer["response"]["docs"]}
