"""`outbox explain`: one document's story, from the view to Solr."""

from __future__ import annotations

import json
from typing import Any

from tests.acceptance.conftest import Catalogue
from tests.pipeline import until

ONE = "SELECT uuid::text FROM catalogue.layer ORDER BY id LIMIT 1"
EDIT = "UPDATE catalogue.layer SET title = %s WHERE uuid::text = %s"


def story(catalogue: Catalogue, key: str, *, expect: int) -> dict[str, Any]:
    """What the command says."""
    told: dict[str, Any] = json.loads(catalogue.pipeline.run("explain", "layers", key, "--json", expect=expect).stdout)
    return told


def test_a_document_from_well_to_lost_and_back(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    ((key,),) = catalogue.connection.execute(ONE).fetchall()
    well = story(catalogue, key, expect=0)
    assert (well["why"], well["same"], well["differing"]) == (["Solr has what the view has"], True, [])
    assert well["version"] == well["claims"][0]["number"] == well["events"][0]["claim"]

    catalogue.connection.execute("ALTER TABLE catalogue.layer DISABLE TRIGGER USER")
    catalogue.connection.execute(EDIT, ["uncaptured", key])
    catalogue.connection.execute("ALTER TABLE catalogue.layer ENABLE TRIGGER USER")
    lost = story(catalogue, key, expect=3)
    assert (lost["same"], lost["differing"]) == (False, ["title"])
    assert lost["view"][0]["title"] == "uncaptured" != lost["solr"]["title"]
    assert "a change was not captured" in lost["why"][0]

    catalogue.pipeline.stop("worker-live")
    catalogue.pipeline.stop("worker-bulk")
    catalogue.connection.execute(EDIT, ["captured", key])
    waits = until(lambda: story(catalogue, key, expect=3), "it differs")
    assert f"event {waits['events'][0]['id']} waits in the lane live" in waits["why"][0]
    said = catalogue.pipeline.run("explain", "layers", key.upper(), expect=3).stdout
    assert f"{key}: event {waits['events'][0]['id']} waits" in said and "captured" in said

    catalogue.pipeline.start(relays=0)
    catalogue.drained()
    assert story(catalogue, key, expect=0)["same"]
    nobody = story(catalogue, "00000000-0000-0000-0000-000000000000", expect=0)
    assert nobody["why"] == ["neither the view nor Solr has it"]
    assert "is not of the index's key type" in catalogue.pipeline.run("explain", "layers", "no uuid", expect=2).stderr
