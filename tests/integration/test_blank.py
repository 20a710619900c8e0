"""A collection without a stamp is ours to take only while nothing is in it."""

from __future__ import annotations

from outbox.solr import collections
from tests.integration.desk import COLLECTION, Desk
from tests.integration.hand_made import insert_items


def test_a_collection_with_documents_is_not_blank(desk: Desk) -> None:
    assert collections.is_blank(desk.solr, COLLECTION)
    insert_items(desk.connection, [1])
    desk.indexed("1")
    assert not collections.is_blank(desk.solr, COLLECTION)


def test_nor_is_one_with_tombstones_alone(desk: Desk) -> None:
    desk.indexed("404")
    assert not collections.is_blank(desk.solr, COLLECTION)
