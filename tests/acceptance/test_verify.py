"""`outbox verify` finds what differs, says nothing of what is on its way, and mends what it is told to."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.endpoints import Endpoints
from tests.acceptance.conftest import CONFIG, LAYERS, Catalogue, filled
from tests.acceptance.load import Writer
from tests.conftest import cloned
from tests.pipeline import Pipeline, until

DELETE = """WITH gone AS (SELECT id FROM catalogue.layer WHERE uuid::text = %s),
    keywords AS (DELETE FROM catalogue.layer_keyword USING gone WHERE layer_id = gone.id),
    regions AS (DELETE FROM catalogue.layer_region USING gone WHERE layer_id = gone.id)
    DELETE FROM catalogue.layer USING gone WHERE layer.id = gone.id"""


def proof(catalogue: Catalogue, *options: str, expect: int) -> dict[str, Any]:
    """What the command says."""
    found: dict[str, Any] = json.loads(
        catalogue.pipeline.run("verify", "layers", "--json", *options, expect=expect).stdout
    )
    return found


def drift(found: dict[str, Any]) -> dict[str, list[str]]:
    """The ids of each kind, where there are any."""
    kinds = ("missing", "extra", "different", "in_flight")
    assert all(found[kind]["count"] == len(found[kind]["ids"]) for kind in kinds)
    return {kind: found[kind]["ids"] for kind in kinds if found[kind]["count"]}


def started(catalogue: Catalogue) -> None:
    """Applied, piped, drained."""
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()


def update(catalogue: Catalogue, body: object, **params: str | bool | int) -> None:
    """Write to Solr behind everybody's back."""
    catalogue.solr.call("POST", f"/{catalogue.collection}/update", {"commit": True, **params}, body=orjson.dumps(body))


def keys(catalogue: Catalogue) -> list[str]:
    """The view's, in order."""
    rows = catalogue.connection.execute("SELECT id::text FROM catalogue.layer_document ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def forget(catalogue: Catalogue, *ids: str) -> None:
    """Take documents out of Solr for good, without a tombstone."""
    update(catalogue, {"delete": list(ids)})


def planted(catalogue: Catalogue) -> dict[str, list[str]]:
    """Seven kinds of drift; the ids that `verify --fields` has to name."""
    ids = keys(catalogue)
    removed, altered, missed, gone, *old = ids[0], ids[1], ids[2], ids[3], *ids[10:30]
    # A collection from yesterday: these documents as they were before an edit that was indexed.
    yesterday = catalogue.solr.get(catalogue.collection, old)
    edit = "UPDATE catalogue.layer SET title = title || ' anew' WHERE uuid::text = ANY (%s)"
    catalogue.connection.execute(edit, [old])
    catalogue.connection.execute(DELETE, [gone])
    catalogue.drained()
    forget(catalogue, *old)
    update(
        catalogue, [{name: value for name, value in each.items() if name != "_version_"} for each in yesterday.values()]
    )
    forget(catalogue, gone)  # with its tombstone: nothing shows, so nothing differs
    forget(catalogue, removed)
    added = str(uuid.uuid4())
    update(catalogue, [{"id": added, "title": "of ours, and in no view", "src_version": 1}])
    version = catalogue.solr.get(catalogue.collection, [altered])[altered]["src_version"]
    # Our chain refuses a part of a document without a version, and drops one whose version is not higher.
    update(catalogue, [{"id": altered, "title": {"set": "edited in Solr"}, "src_version": version + 1}])
    catalogue.connection.execute("ALTER TABLE catalogue.layer DISABLE TRIGGER USER")
    catalogue.connection.execute(edit, [[missed]])
    catalogue.connection.execute("ALTER TABLE catalogue.layer ENABLE TRIGGER USER")
    update(catalogue, [{"id": "foreign", "title": "of somebody else"}])
    return {"missing": [removed], "extra": [added], "different": sorted([altered, missed, *old])}


def test_seven_kinds_of_drift_are_found_or_left_alone_and_mended(catalogue: Catalogue) -> None:
    started(catalogue)
    assert drift(proof(catalogue, expect=0)) == {}
    expected = planted(catalogue)
    by_value = proof(catalogue, "--fields", expect=3)
    assert {kind: sorted(ids) for kind, ids in drift(by_value).items()} == expected
    altered = keys(catalogue)[1]
    by_hash = drift(proof(catalogue, expect=3))
    assert sorted(by_hash["different"]) == [key for key in expected["different"] if key != altered]
    mended = proof(catalogue, "--fields", "--repair", expect=0)
    assert (drift(mended), mended["compared"]) == ({}, len(keys(catalogue)))
    assert set(catalogue.solr.get(catalogue.collection, ["foreign"])) == {"foreign"}
    update(catalogue, {"delete": ["foreign"]})
    assert catalogue.differences() == []


def test_what_is_on_its_way_is_no_drift(catalogue: Catalogue) -> None:
    started(catalogue)
    catalogue.pipeline.stop("worker-live")
    catalogue.pipeline.stop("worker-bulk")
    one = keys(catalogue)[0]
    catalogue.connection.execute("UPDATE catalogue.layer SET title = 'on its way' WHERE uuid::text = %s", [one])
    assert drift(proof(catalogue, expect=0)) == {"in_flight": [one]}
    catalogue.pipeline.start(relays=0)
    catalogue.drained()
    assert drift(proof(catalogue, expect=0)) == {}


@pytest.mark.long
def test_writers_are_not_taken_for_drift(catalogue: Catalogue) -> None:
    started(catalogue)
    url = catalogue.pipeline.environment["OUTBOX_DATABASE_URL"]
    with Writer(url, LAYERS, 100.0) as writer:
        for _ in range(5):
            assert set(drift(proof(catalogue, expect=0))) <= {"in_flight"}
    assert len(writer.statements) > 100
    catalogue.drained()
    assert drift(proof(catalogue, expect=0)) == {}


@pytest.mark.long
def test_a_sample_and_the_status(catalogue: Catalogue) -> None:
    started(catalogue)
    assert proof(catalogue, "--sample", "20", expect=0)["compared"] == 20
    assert status(catalogue)["proof"] is None  # a sample proves nothing of the whole
    found = proof(catalogue, expect=0)
    assert (found["compared"], status(catalogue)["proof"]) == (LAYERS, found)
    forget(catalogue, *keys(catalogue))
    assert proof(catalogue, "--sample", "20", expect=3)["missing"]["count"] == 20
    said = catalogue.pipeline.run("verify", "layers", expect=3).stdout
    assert f"layers: {LAYERS} missing: {', '.join(keys(catalogue)[:100])}, …" in said
    assert f"{LAYERS} of {LAYERS} differed" in catalogue.pipeline.run("status").stdout


def status(catalogue: Catalogue) -> dict[str, Any]:
    """What `status` says of the index."""
    found: dict[str, Any] = json.loads(catalogue.pipeline.run("status", "--json").stdout)["indexes"][0]
    return found


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_in_constant_memory(
    endpoints: Endpoints, template: str, broker_url: str, solr_url: str, tmp_path: Path
) -> None:
    peaks = {}
    for layers in (10_000, 100_000):
        folder = tmp_path / str(layers)
        folder.mkdir()
        with (
            cloned(endpoints.database_url, template) as url,
            filled(url, broker_url, solr_url, folder, layers=layers) as catalogue,
        ):
            own = CONFIG.read_text("utf-8").replace("[index.layers]", f'[index.layers]\ncollection = "layers_{layers}"')
            (folder / "outbox.toml").write_text(own, "utf-8")
            catalogue.pipeline.environment["OUTBOX_CONFIG"] = str(folder / "outbox.toml")
            catalogue.pipeline.run("apply")
            catalogue.pipeline.start(bulk=2)
            until(lambda: catalogue.pipeline.run("wait", "--timeout", "200", expect=None).returncode == 0, "all", 1200)
            began = time.monotonic()
            peaks[layers] = peak_mb(catalogue.pipeline)
            print(f"{layers} documents: {time.monotonic() - began:.1f} s, {peaks[layers]:.0f} MB")
    assert peaks[100_000] < 1.3 * peaks[10_000]


def peak_mb(pipeline: Pipeline) -> float:
    """The most memory that the command takes."""
    command = [str(pipeline.programs / "outbox"), "verify", "layers"]
    environment = {**os.environ, **pipeline.environment}
    with subprocess.Popen(command, env=environment, cwd=pipeline.logs) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss / 1024
