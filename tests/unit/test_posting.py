"""Posting: a batch that is refused is split until the guilty documents stand alone.

Solr is a hand-written stand-in of one method here, since what is tested is which requests are made; the same against a
real Solr stands in tests/integration/test_indexing.py.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.errors import IndexRefused, SolrUnavailable
from outbox.solr.answer import Meaning, Verdict
from outbox.solr.client import Solr
from outbox.worker.documents import Document
from outbox.worker.posting import Posting, SolrBusy


@dataclass
class Refusing:
    """Refuses a request that holds one of these keys, as Solr does: what stands before the first of them is applied."""

    guilty: set[str]
    meaning: Meaning = Meaning.DOCUMENT
    applied: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def update(self, collection: str, body: bytes, *, commit_within_ms: int, timeout_s: float) -> Verdict:
        """One POST to /update."""
        sent = orjson.loads(body)
        if isinstance(sent, dict):
            self.deleted |= set(sent["delete"])
            return Verdict(Meaning.DONE, "")
        for document in sent:
            if document["id"] in self.guilty:
                return Verdict(self.meaning, f"refused {document['id']}", timedelta(seconds=3))
            self.applied.add(document["id"])
        return Verdict(Meaning.DONE, "")


def posted(solr: Refusing, count: int, until: float = math.inf) -> Posting:
    """A posting of so many documents, done."""
    posting = Posting(cast(Solr, solr), "layers", 1000, until)
    posting.post([Document(str(n), orjson.dumps({"id": str(n)})) for n in range(count)])
    return posting


@given(st.integers(1, 200), st.data())
def test_exactly_the_guilty_are_refused_and_all_others_arrive(count: int, data: st.DataObject) -> None:
    guilty = data.draw(st.sets(st.integers(0, count - 1).map(str), max_size=8))
    solr = Refusing(guilty)
    posting = posted(solr, count)
    assert set(posting.refused) == guilty
    assert solr.applied == {str(n) for n in range(count)} - guilty
    assert all(words == f"refused {key}" for key, words in posting.refused.items())
    # each guilty one costs two requests on each level of the tree at the most, the first request apart
    assert posting.requests <= 1 + 2 * len(guilty) * math.ceil(math.log2(count) if count > 1 else 0)


def test_one_request_is_enough_when_nothing_is_refused() -> None:
    assert posted(Refusing(set()), 500).requests == 1


def test_one_bad_document_of_500_costs_nineteen_requests() -> None:
    assert posted(Refusing({"250"}), 500).requests <= 19


@pytest.mark.parametrize("meaning", [Meaning.DOCUMENT, Meaning.TOO_LARGE])
def test_a_single_document_that_is_refused_is_dead(meaning: Meaning) -> None:
    assert posted(Refusing({"0"}, meaning), 1).refused == {"0": "refused 0"}


def test_a_document_that_is_there_in_a_newer_version_is_done() -> None:
    solr = Refusing({"3"}, Meaning.STALE)
    assert posted(solr, 8).refused == {}
    assert solr.applied == {"0", "1", "2", "4", "5", "6", "7"}


@pytest.mark.parametrize("meaning", [Meaning.SERVICE, Meaning.SUSPECT])
def test_a_service_that_fails_condemns_no_document(meaning: Meaning) -> None:
    with pytest.raises(SolrBusy, match="refused 5") as caught:
        posted(Refusing({"5"}, meaning), 8)
    assert caught.value.retry_after == timedelta(seconds=3)


def test_a_wrong_schema_condemns_no_document() -> None:
    with pytest.raises(IndexRefused, match="layers: refused 5"):
        posted(Refusing({"5"}, Meaning.INDEX), 8)


def test_a_claim_that_is_late_stops_posting() -> None:
    solr = Refusing(set())
    with pytest.raises(SolrUnavailable, match="time was over after 0 requests"):
        posted(solr, 8, until=time.monotonic() - 1)
    assert not solr.applied


def test_deletes_travel_beside_the_documents() -> None:
    solr = Refusing({"2"})
    posting = Posting(cast(Solr, solr), "layers", 1000)
    posting.post([Document("1", b""), Document("2", b'{"id":"2"}'), Document("3", b""), Document("4", b'{"id":"4"}')])
    assert (solr.deleted, solr.applied, set(posting.refused)) == ({"1", "3"}, {"4"}, {"2"})
