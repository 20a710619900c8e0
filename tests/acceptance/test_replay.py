"""Replays, and TRUNCATE, which names no rows: whatever Solr has wrong, it equals the view afterwards."""

from __future__ import annotations

import orjson

from tests.acceptance.conftest import LAYERS, Catalogue

LOST = "SELECT uuid::text FROM catalogue.layer WHERE id = 3"


def test_a_replay_mends_what_solr_lacks_what_it_has_too_much_and_what_is_old(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    row = catalogue.connection.execute(LOST).fetchone()
    assert row is not None
    lost, ghost = str(row[0]), "00000000-0000-4000-8000-000000000000"
    _post(catalogue, {"delete": [lost]}, [{"id": ghost, "title": "gone long ago", "src_version": 1}])
    catalogue.connection.execute("ALTER TABLE catalogue.layer DISABLE TRIGGER USER")
    catalogue.connection.execute("UPDATE catalogue.layer SET title = 'unseen' WHERE id IN (1, 2)")
    catalogue.connection.execute("ALTER TABLE catalogue.layer ENABLE TRIGGER USER")
    wrong = {line.split(":")[0].split(".")[0] for line in catalogue.differences()}
    assert len(wrong) == 4
    assert {lost, ghost} < wrong

    assert f"{LAYERS} documents" in catalogue.pipeline.run("replay", "layers", "--all", "--dry-run").stdout
    catalogue.pipeline.run("replay", "layers", "--all", "--wait")
    assert catalogue.differences() == []

    _post(catalogue, {"delete": [lost]})
    catalogue.pipeline.run("replay", "layers", "--key", lost.upper(), "--wait")
    assert catalogue.differences() == []


def test_after_a_truncate_of_the_root_no_document_is_left_and_of_a_link_table_none_is_wrong(
    catalogue: Catalogue,
) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    catalogue.connection.execute("TRUNCATE catalogue.layer_keyword")
    catalogue.drained()
    assert catalogue.differences() == []
    # One that no searcher shows yet, and one that is deleted in the same breath.
    catalogue.connection.execute("INSERT INTO catalogue.layer (name, title, owner_id) VALUES ('new', 'new', 1)")
    catalogue.connection.execute("TRUNCATE catalogue.layer CASCADE")
    catalogue.drained()
    assert catalogue.differences() == []
    answer = catalogue.solr.select(catalogue.collection, {"q": "*:*", "rows": 0})
    assert answer["response"]["numFound"] == 0


def _post(catalogue: Catalogue, *bodies: object) -> None:
    for body in bodies:
        verdict = catalogue.solr.update(catalogue.collection, orjson.dumps(body), commit_within_ms=1000)
        assert not verdict.words
