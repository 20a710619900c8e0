"""The tutorial's own core, adopted: our documents are kept in it; its schema and others' documents do not change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from psycopg.rows import TupleRow

from examples.tutorial import core
from outbox.solr.client import Address, Params, Solr
from services.stack import Stack
from tests import oracle
from tests.acceptance.conftest import LAYERS, Catalogue, filled
from tests.pipeline import ROOT

TUTORIAL = ROOT / "examples" / "tutorial"
FOREIGN = 50
GHOST = "00000000-0000-4000-8000-000000000000"
# The core has a place for our version and hash by their endings; told by `scope` alone, it needs none.
SCOPED = {
    'version = "src_version_l"': 'version = ""',
    'hash = "src_hash_s"': 'hash = ""',
    "adopt = true": 'adopt = true\nscope = "name:[* TO *]"',
}
EDITS = (
    "UPDATE catalogue.layer SET title = 'edited', abstract = '' WHERE id <= 20",
    "UPDATE catalogue.category SET gn_description = 'renamed' WHERE id <= 3",
    "INSERT INTO catalogue.layer (name, title, owner_id) VALUES ('new', 'new', 1)",
    "DELETE FROM catalogue.layer_keyword WHERE layer_id IN (30, 31)",
    "DELETE FROM catalogue.layer_region WHERE layer_id IN (30, 31)",
    "DELETE FROM catalogue.layer WHERE id IN (30, 31)",
    "TRUNCATE catalogue.layer_region",
)


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Solr, Path]]:
    """A Solr without ZooKeeper, and its home."""
    folder = tmp_path_factory.mktemp("tutorial") / "stack"
    with Stack(folder, solr_mode="standalone", without=("postgres", "rabbitmq")) as stack:
        (home,) = (found.parent for found in folder.rglob("standalone/solr.xml"))
        yield Solr(Address(stack.endpoints().solr_url)), home


@pytest.fixture
def solr(standalone: tuple[Solr, Path]) -> Iterator[Solr]:
    """With the tutorial's core, its fields, and fifty documents that it harvested."""
    found, home = standalone
    shutil.copytree(core.CONF, home / core.CORE / "conf")
    found.admin("/admin/cores", {"action": "CREATE", "name": core.CORE, "instanceDir": core.CORE})
    core.create_schema(found)
    _post(found, [core.harvested(number) for number in range(FOREIGN)])
    yield found
    found.admin("/admin/cores", {"action": "UNLOAD", "core": core.CORE, "deleteInstanceDir": True})


@pytest.fixture(params=["by its version", pytest.param("by its scope", marks=pytest.mark.long)])
def catalogue(
    request: pytest.FixtureRequest, database_url: str, broker_url: str, solr: Solr, tmp_path: Path
) -> Iterator[Catalogue]:
    """A catalogue with the tutorial's view; nothing is applied."""
    config = tmp_path / "outbox.toml"
    text = (TUTORIAL / "outbox.toml").read_text("utf-8")
    for old, new in SCOPED.items() if request.param == "by its scope" else ():
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)
    with filled(database_url, broker_url, solr.url, tmp_path, layers=LAYERS, config=config) as found:
        found.connection.execute((TUTORIAL / "view.sql").read_bytes())
        yield found


def test_our_documents_equal_the_view_and_all_else_is_untouched(catalogue: Catalogue) -> None:
    solr, pipeline = catalogue.solr, catalogue.pipeline
    before = (_schema(solr), _foreign(solr))
    assert len(before[1]) == FOREIGN
    _refused_unless_adopted(catalogue)
    pipeline.run("apply")
    pipeline.start()
    _equal(catalogue)
    for statement in EDITS:
        catalogue.connection.execute(statement.encode())
    _equal(catalogue)
    ghost = {"id": GHOST, "title": "gone long ago", "name": "ghost", "src_version_l": 1}
    _post(solr, {"delete": [_some_id(catalogue.connection)]}, [ghost])
    pipeline.run("replay", "boston", "--all", "--wait")  # which drops our ghost, and no document of others
    _equal(catalogue)
    pipeline.run("prune")
    assert json.loads(pipeline.run("verify", "boston", "--json").stdout)["compared"] == LAYERS - 1
    assert (_schema(solr), _foreign(solr)) == before
    assert "adopted" in pipeline.run("reindex", "boston", expect=1).stderr


def test_a_column_that_the_schema_lacks_is_told_and_not_added(catalogue: Catalogue) -> None:
    view = (TUTORIAL / "view.sql").read_text("utf-8")
    catalogue.connection.execute("DROP VIEW catalogue.boston_document")
    catalogue.connection.execute(view.replace("layer.name,", "layer.name, layer.popular_count AS popular,", 1).encode())
    before = _schema(catalogue.solr)
    planned = catalogue.pipeline.run("plan").stdout
    said = catalogue.pipeline.run("apply", expect=1).stderr
    for text in (planned, said):
        assert '"add-field":[{"name":"popular","type":"plong","multiValued":false}]' in "".join(text.split())
    assert "boston.popular" in catalogue.pipeline.run("check", expect=None).stdout
    assert _schema(catalogue.solr) == before


def _refused_unless_adopted(catalogue: Catalogue) -> None:
    config = Path(catalogue.pipeline.environment["OUTBOX_CONFIG"])
    adopted = config.read_text("utf-8")
    config.write_text(adopted.replace("adopt = true", ""))
    assert "adopt = true" in catalogue.pipeline.run("apply", expect=1).stderr
    config.write_text(adopted)


def _equal(catalogue: Catalogue) -> None:
    catalogue.drained()
    ours, listed = "name:[* TO *]", {"modified_date"}
    view = "catalogue.boston_document"
    assert oracle.differences(catalogue.connection, catalogue.solr, core.CORE, view, ours=ours, listed=listed) == []


def _schema(solr: Solr) -> Any:
    return solr.call("GET", f"/{core.CORE}/schema", {})["schema"]


def _foreign(solr: Solr) -> list[dict[str, Any]]:
    """Whole, with the version that each write of Solr's gives anew."""
    params: Params = {"q": "id:csw-*", "rows": 1000, "sort": "id asc", "fl": "*,_version_"}
    found: list[dict[str, Any]] = solr.select(core.CORE, params)["response"]["docs"]
    return found


def _some_id(connection: psycopg.Connection[TupleRow]) -> str:
    ((key,),) = connection.execute("SELECT uuid::text FROM catalogue.layer WHERE id = 7").fetchall()
    return str(key)


def _post(solr: Solr, *bodies: object) -> None:
    for body in bodies:
        solr.call("POST", f"/{core.CORE}/update", {"commit": True, "wt": "json"}, body=orjson.dumps(body))
