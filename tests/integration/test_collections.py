"""A collection is made and deleted by programs that may die at any step; none deletes what is somebody else's."""

from __future__ import annotations

import orjson
import pytest

from outbox import resources
from outbox.errors import CollectionRefused
from outbox.solr import collections
from outbox.solr.client import Address, Solr

NAME, OWNER = "half_made", "postgres 1/2/layers"
CREATE: dict[str, str | int] = {
    "action": "CREATE",
    "name": NAME,
    "numShards": 1,
    "replicationFactor": 1,
    "collection.configName": NAME,
}


@pytest.fixture
def solr(solr_url: str) -> Solr:
    """One that has the configset of the collection, and no collection."""
    found = Solr(Address(solr_url))
    if NAME not in found.admin("/admin/configs", {"action": "LIST"})["configSets"]:
        body = collections.zipped(resources.configset())
        found.admin("/admin/configs", {"action": "UPLOAD", "name": NAME}, body=body)
    return found


def asked_for(solr: Solr) -> None:
    """Whoever asked for it died before Solr had made it."""
    solr.admin("/admin/collections", {**CREATE, "async": NAME})


@pytest.fixture(autouse=True)
def forgotten(solr: Solr) -> None:
    """Solr keeps what it was asked in the background, under the name that it was given."""
    solr.admin("/admin/collections", {"action": "DELETESTATUS", "requestid": NAME})


def test_making_goes_on_where_another_died(solr: Solr) -> None:
    asked_for(solr)
    collections.create(solr, NAME, resources.configset())
    collections.await_made(solr, NAME)
    assert collections.is_blank(solr, NAME)


def test_one_that_is_on_its_way_is_dropped(solr: Solr) -> None:
    asked_for(solr)
    assert collections.drop(solr, NAME, OWNER)
    assert NAME not in collections.look(solr).names


def test_one_that_was_never_made_is_no_error(solr: Solr) -> None:
    assert not collections.drop(solr, NAME, OWNER)


def test_one_is_dropped_before_it_is_stamped_and_after(solr: Solr) -> None:
    collections.create(solr, NAME, resources.configset())
    assert collections.drop(solr, NAME, OWNER)
    collections.create(solr, NAME, resources.configset())
    collections.write_stamp(solr, NAME, OWNER)
    assert collections.drop(solr, NAME, OWNER)


@pytest.mark.parametrize("stamped", [True, False])
def test_what_is_somebody_elses_stays(solr: Solr, stamped: bool) -> None:
    collections.create(solr, NAME, resources.configset())
    if stamped:
        collections.write_stamp(solr, NAME, "postgres 1/2/others")
    else:
        solr.update(NAME, orjson.dumps([{"id": "1", "src_version": 1}]), commit_within_ms=1000)
    with pytest.raises(CollectionRefused, match=f"{NAME} is (nobody's|that of postgres 1/2/others)"):
        collections.drop(solr, NAME, OWNER)
    assert NAME in collections.look(solr).names
