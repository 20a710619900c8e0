"""`outbox reindex` on a Solr without ZooKeeper: two cores exchange their names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.acceptance.reindexing import PATIENCE_S, traffic
from tests.acceptance.test_reindex import LAYERS, MANY, OTHER, WORKING, killed_in_the_middle, proven


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


@contextmanager
def piped(database_url: str, broker_url: str, solr: Solr, folder: Path, layers: int) -> Iterator[Catalogue]:
    """A catalogue that is applied to the core, piped and drained."""
    with filled(database_url, broker_url, solr.url, folder, layers=layers) as catalogue:
        catalogue.pipeline.run("apply")
        catalogue.pipeline.start(relays=2)
        catalogue.pipeline.run("wait", "--timeout", "850", "--searchable", timeout_s=900)
        yield catalogue


@pytest.fixture
def ready(database_url: str, broker_url: str, solr: Solr, tmp_path: Path) -> Iterator[Catalogue]:
    """One that nobody edits."""
    with piped(database_url, broker_url, solr, tmp_path, LAYERS) as catalogue:
        yield catalogue


@pytest.fixture(params=[LAYERS, pytest.param(MANY, marks=pytest.mark.long)])
def busy(
    request: pytest.FixtureRequest, database_url: str, broker_url: str, solr: Solr, tmp_path: Path
) -> Iterator[Catalogue]:
    """One that an application edits, and a reader searches."""
    layers = int(request.param)
    with piped(database_url, broker_url, solr, tmp_path, layers) as catalogue:
        with traffic(database_url, solr.url, "layers", layers=layers, rate=100.0):
            yield catalogue
        catalogue.drained()
        served = catalogue.connection.execute("SELECT definition ->> 'view' FROM outbox.index WHERE name = 'layers'")
        ((view,),) = served.fetchall()
        assert oracle.differences(catalogue.connection, solr, "layers", view.replace('"', "")) == []


@pytest.mark.timeout(2 * PATIENCE_S + 1000)
def test_cores_exchange_their_names_and_back(busy: Catalogue) -> None:
    first = collections.core_folder(busy.solr, "layers")
    busy.pipeline.run("reindex", "layers", timeout_s=PATIENCE_S)
    assert collections.core_folder(busy.solr, "layers") != first
    proven(busy)
    busy.pipeline.run("reindex", "layers", "--rollback", timeout_s=PATIENCE_S)
    assert collections.core_folder(busy.solr, "layers") == first
    proven(busy)


@pytest.mark.long
@pytest.mark.timeout(2 * PATIENCE_S + 1000)
def test_another_view(busy: Catalogue) -> None:
    busy.connection.execute(OTHER)
    busy.pipeline.run("reindex", "layers", "--view", "catalogue.other_document", timeout_s=PATIENCE_S)
    proven(busy)


@pytest.mark.long
@pytest.mark.timeout(2 * PATIENCE_S + 1000)
@pytest.mark.parametrize("victim", WORKING)
def test_a_kill_in_the_middle(busy: Catalogue, victim: str) -> None:
    first = collections.core_folder(busy.solr, "layers")
    killed_in_the_middle(busy, victim, lambda: collections.core_folder(busy.solr, "layers") == first)
    assert collections.core_folder(busy.solr, "layers") != first
    proven(busy)


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
