"""Our configset as the conf folder of a core, in a Solr without ZooKeeper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from outbox import resources
from outbox.index import Field
from outbox.solr.answer import Meaning
from outbox.solr.client import Address, Solr
from outbox.solr.config import fences, hides
from outbox.solr.schema import compare
from services.stack import Stack

COLUMNS = (Field("title", "text", "text_general", False, ""), Field("bbox", "outbox.envelope", "bbox", False, ""))


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Solr]:
    """A standalone Solr whose core "layers" was made from the conf folder by hand, as its owner does it."""
    folder = tmp_path / "stack"
    with Stack(folder, solr_mode="standalone", without=("postgres", "rabbitmq")) as stack:
        (home,) = (found.parent for found in folder.rglob("standalone/solr.xml"))
        shutil.copytree(resources.configset(), home / "layers" / "conf")
        solr = Solr(Address(stack.endpoints().solr_url))
        solr.admin("/admin/cores", {"action": "CREATE", "name": "layers", "instanceDir": "layers"})
        yield solr


def test_a_core_of_it_does_what_a_collection_does(core: Solr) -> None:
    schema = core.call("GET", "/layers/schema", {})["schema"]
    core.call("POST", "/layers/schema", {}, body=orjson.dumps(compare(schema, COLUMNS).commands()))

    def put(version: int, **rest: object) -> set[str]:
        document = {"id": "a", "src_version": version, **rest}
        assert core.update("layers", orjson.dumps([document]), commit_within_ms=60_000).meaning is Meaning.DONE
        core.commit("layers")
        return {each["id"] for each in core.select("layers", {"q": "rivers"})["response"]["docs"]}

    assert put(5, title="Rivers", bbox="ENVELOPE(177, -178, -12, -20)") == {"a"}
    assert put(6, deleted=True) == set()
    assert put(5, title="Rivers") == set()
    assert put(7, title="Rivers") == {"a"}
    after = core.call("GET", "/layers/schema", {})["schema"]
    assert not compare(after, COLUMNS).commands(), "what was added is there, and is what is wanted"
    configuration = core.call("GET", "/layers/config", {})["config"]
    assert (fences(configuration), hides(configuration, "deleted")) == (True, True)
