"""`outbox reindex` on a Solr without ZooKeeper: two cores exchange their names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from outbox import resources
from outbox.reindex import pair
from outbox.reindex.reindex import reindex
from outbox.settings import load
from outbox.solr import collections
from outbox.solr.client import Address, Solr
from services.stack import Stack
from tests import oracle
from tests.acceptance.conftest import Catalogue, filled
from tests.acceptance.reindexing import traffic
from tests.acceptance.test_reindex import LAYERS, OTHER, proven


@pytest.fixture
def solr(tmp_path: Path) -> Iterator[Solr]:
    """With two cores made from our configset by hand, as their owner does it: `layers` and `layers_next`."""
    folder = tmp_path / "stack"
    with Stack(folder, solr_mode="standalone", without=("postgres", "rabbitmq")) as stack:
        (home,) = (found.parent for found in folder.rglob("standalone/solr.xml"))
        found = Solr(Address(stack.endpoints().solr_url))
        for core in ("layers", "layers_next"):
            shutil.copytree(resources.configset(), home / core / "conf")
            found.admin("/admin/cores", {"action": "CREATE", "name": core, "instanceDir": core})
        yield found


@pytest.fixture
def ready(database_url: str, broker_url: str, solr: Solr, tmp_path: Path) -> Iterator[Catalogue]:
    """A catalogue that is applied to the core, piped and drained."""
    with filled(database_url, broker_url, solr.url, tmp_path, layers=LAYERS) as catalogue:
        catalogue.pipeline.run("apply")
        catalogue.pipeline.start()
        catalogue.pipeline.run("wait", "--timeout", "250", "--searchable")
        yield catalogue


@pytest.mark.long
@pytest.mark.timeout(900)
def test_cores_exchange_their_names_and_back(ready: Catalogue, database_url: str) -> None:
    first = collections.core_folder(ready.solr, "layers")
    with traffic(database_url, ready.solr.url, "layers", layers=LAYERS, rate=50.0):
        ready.pipeline.run("reindex", "layers")
        assert collections.core_folder(ready.solr, "layers") != first
        proven(ready)
        ready.pipeline.run("reindex", "layers", "--rollback")
        assert collections.core_folder(ready.solr, "layers") == first
        proven(ready)
    ready.drained()
    assert oracle.differences(ready.connection, ready.solr, "layers", "catalogue.layer_document") == []
    assert oracle.differences(ready.connection, ready.solr, "layers_next", "catalogue.layer_document") == []


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("where", "what"), [(collections, "swap"), (pair, "exchange")], ids=["before", "after"])
def test_a_kill_beside_the_swap(ready: Catalogue, monkeypatch: pytest.MonkeyPatch, where: object, what: str) -> None:
    """The cores are exchanged, or not, and the database does not know: nobody writes until the next run has asked Solr.

    A second swap would undo the first; and a document of the one view in the core of the other would be wrong there.
    """
    first = collections.core_folder(ready.solr, "layers")
    ready.connection.execute(OTHER)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(where, what, killed)
        for name, value in ready.pipeline.environment.items():
            context.setenv(name, value)
        with pytest.raises(KeyboardInterrupt):
            reindex(load(None), "layers", lambda _: None, lambda _: None, view="catalogue.other_document")
    swapped = collections.core_folder(ready.solr, "layers") != first
    assert swapped == (what == "exchange")
    held = "SELECT name FROM outbox.index WHERE paused_until = 'infinity' ORDER BY name"
    assert ready.connection.execute(held).fetchall() == [("layers",), ("layers~next",)]
    ready.connection.execute("UPDATE catalogue.layer SET title = 'meanwhile' WHERE id <= 50")
    assert "being put in its place" in ready.pipeline.run("reindex", "layers", "--abort", expect=1).stderr
    ready.pipeline.run("reindex", "layers", "--view", "catalogue.other_document")
    assert collections.core_folder(ready.solr, "layers") != first
    ready.drained()
    proven(ready)
    assert oracle.differences(ready.connection, ready.solr, "layers", "catalogue.other_document") == []
    assert oracle.differences(ready.connection, ready.solr, "layers_next", "catalogue.layer_document") == []
