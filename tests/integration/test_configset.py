"""Our configset in a real Solr: it takes every document of the sample, and answers all kinds of the tutorial's queries.

The collection is made as `apply` makes it, and the documents come from the sample's view. What Solr finds is compared
with what Python finds in the same documents.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from examples.catalogue import generate
from outbox import resources
from outbox.errors import IndexRefused
from outbox.index import Field
from outbox.solr import collections
from outbox.solr.answer import Meaning, Verdict
from outbox.solr.client import Address, Params, Solr
from outbox.solr.schema import compare
from services.endpoints import Endpoints
from tests.conftest import named
from tests.integration.boxes import Box, cells_of, edges, relates

WORDS = ("railway", "côte", "дороги", "المدارس", "भूमि", '"地质图"', '"土地被覆"', "학교")
LAYERS = 1200  # every oddity, and more than one abstract that is longer than an exact string may be
COLUMNS = (
    Field("name", "varchar", "string", False, ""),
    Field("title", "text", "text_general", False, ""),
    Field("abstract", "text", "text_general", False, ""),
    Field("category", "varchar", "string", False, ""),
    Field("username", "varchar", "string", False, ""),
    Field("keywords", "varchar[]", "string", True, ""),
    Field("regions", "varchar[]", "string", True, ""),
    Field("modified_date", "timestamptz", "pdate", False, ""),
    Field("modified_range", "timestamptz", "rdates", False, ""),
    Field("bbox", "outbox.envelope", "bbox", False, ""),
    Field("bbox_status", "varchar", "string", False, ""),
)
DOCUMENTS = """
    SELECT json_strip_nulls(json_build_object(
        'id', id, 'name', name, 'title', title, 'abstract', abstract, 'category', category, 'username', username,
        'keywords', keywords, 'regions', regions, 'bbox', bbox, 'bbox_status', bbox_status,
        'modified_date', iso, 'modified_range', iso, 'src_version', 10, 'src_hash', md5(document::text)
    ))
    FROM catalogue.layer_document AS document, LATERAL (
        SELECT CASE WHEN isfinite(modified_date)
            THEN to_char(modified_date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        END AS iso
    ) AS date
    ORDER BY id
"""
WORLD = (-180.0, 180.0, -90.0, 90.0)
EUROPE = (-25.0, 45.0, 34.0, 72.0)
PARIS = (2.0, 3.0, 48.0, 49.0)
FIJI = (170.0, -170.0, -30.0, 0.0)


@dataclass(frozen=True, slots=True)
class Searched:
    """A collection and the documents that were put into it."""

    solr: Solr
    name: str
    documents: list[dict[str, Any]]

    def select(self, params: Params, *, handler: str = "/select") -> dict[str, Any]:
        """Solr's answer: the ids of all documents, unless the parameters say otherwise."""
        return self.solr.select(self.name, {"q": "*:*", "rows": 5000, "fl": "id", **params}, handler=handler)

    def ids(self, params: Params, *, handler: str = "/select") -> set[str]:
        """The ids that Solr finds."""
        return {each["id"] for each in self.select(params, handler=handler)["response"]["docs"]}

    def facets(self, params: Params) -> dict[str, Any]:
        """Solr's counts."""
        counts: dict[str, Any] = self.select({"rows": 0, "facet": True, **params})["facet_counts"]
        return counts

    def where(self, condition: Callable[[dict[str, Any]], bool]) -> set[str]:
        """The ids that Python finds."""
        return {each["id"] for each in self.documents if condition(each)}

    def put(self, *documents: dict[str, Any]) -> Verdict:
        """Write them, and make them searchable."""
        verdict = self.solr.update(self.name, orjson.dumps(documents), commit_within_ms=60_000)
        self.solr.commit(self.name)
        return verdict


@contextmanager
def collection(url: str, name: str) -> Iterator[Searched]:
    """A collection made as `apply` makes it, still empty; removed at the end."""
    solr = Solr(Address(url))
    collections.create(solr, name, resources.configset())
    schema = solr.call("GET", f"/{name}/schema", {})["schema"]
    solr.call("POST", f"/{name}/schema", {}, body=orjson.dumps(compare(schema, COLUMNS).commands()))
    yield Searched(solr, name, [])
    solr.admin("/admin/collections", {"action": "DELETE", "name": name})
    solr.admin("/admin/configs", {"action": "DELETE", "name": name})


@pytest.fixture
def empty(endpoints: Endpoints) -> Iterator[Searched]:
    """An empty collection of the test's own; of a new name, since Solr remembers a configset's content by its name."""
    with collection(endpoints.solr_url, f"layers_empty_{secrets.token_hex(3)}") as made:
        yield made


@pytest.fixture(scope="module")
def searched(endpoints: Endpoints, template: str) -> Iterator[Searched]:
    """The sample's documents, for tests that only read."""
    with psycopg.connect(endpoints.database_url, autocommit=True) as server:
        server.execute(SQL("CREATE DATABASE configset TEMPLATE {}").format(Identifier(template)))
        with psycopg.connect(named(endpoints.database_url, "configset")) as connection:
            generate.load(connection, layers=LAYERS)
            documents = [row[0] for row in connection.execute(DOCUMENTS)]
        server.execute("DROP DATABASE configset")
    with collection(endpoints.solr_url, "layers_searched") as made:
        filled = replace(made, documents=documents)
        assert filled.put(*documents).meaning is Meaning.DONE
        yield filled


def test_every_document_of_the_sample_comes_back_as_it_was_sent(searched: Searched) -> None:
    def plain(document: dict[str, Any]) -> dict[str, Any]:
        # Solr has no empty lists, its own _version_, and other texts for the same moment.
        return {key: value for key, value in document.items() if value != [] and not key.startswith(("_", "modified"))}

    returned = searched.select({"fl": "*", "sort": "id asc"})["response"]["docs"]
    assert [plain(each) for each in returned] == [plain(each) for each in searched.documents]
    assert len(returned) == LAYERS
    hidden = {"title_s", "abstract_s", "bbox_heatmap", "bbox__minX", "_text_"}
    assert not hidden.intersection(key for each in returned for key in each)


def test_text_is_searched(searched: Searched) -> None:
    for words in WORDS:
        found = searched.ids({"q": f"title:{words}"})
        expected = _titled(searched, words.strip('"'))
        assert expected, words
        assert found == expected, words


def test_case_and_accents_are_folded(searched: Searched) -> None:
    found = searched.ids({"q": "title:SENEGAL"})
    assert found == searched.where(lambda each: re.search("s[eé]n[eé]gal", each["title"].lower()) is not None)
    assert len(found) > 1


def test_the_default_field_holds_every_text(searched: Searched) -> None:
    sample = searched.documents[7]
    assert searched.ids({"q": _quoted(sample["name"])}) == {sample["id"]}
    for field in ("title", "category", "username", "keywords", "regions"):
        assert sample["id"] in searched.ids({"q": _quoted(_values(sample[field])[0])}), field
    assert searched.ids({"q": "tsunami"}) == searched.where(lambda each: "tsunami 🌊" in each["keywords"])


def test_fields_are_counted(searched: Searched) -> None:
    fields = ["category", "keywords", "regions", "username"]
    found = searched.facets({"facet.field": fields, "facet.limit": -1})["facet_fields"]
    assert found.keys() == set(fields)
    for field, flat in found.items():
        counted = Counter(value for each in searched.documents for value in set(_values(each.get(field))))
        assert dict(zip(flat[::2], flat[1::2], strict=True)) == counted, field


def test_titles_sort_by_their_first_characters(searched: Searched) -> None:
    found = searched.select({"sort": "title_s asc, id asc", "fl": "title"})["response"]["docs"]
    titles = [each["title"][:256] for each in found]
    assert titles == sorted(titles, key=str.encode)


@pytest.mark.parametrize("field", ["modified_date", "modified_range"])
def test_dates_are_counted_by_year(searched: Searched, field: str) -> None:
    decades: Params = {"facet.range.start": "2005-01-01T00:00:00Z", "facet.range.end": "2025-01-01T00:00:00Z"}
    gap: Params = {"facet.range": field, "facet.range.gap": "+1YEAR", "facet.range.other": "before"}
    found = searched.facets({**decades, **gap})["facet_ranges"][field]
    years = Counter(each[field][:4] for each in searched.documents if field in each)
    counted = {moment[:4]: count for moment, count in zip(found["counts"][::2], found["counts"][1::2], strict=True)}
    assert counted == {str(year): years[str(year)] for year in range(2005, 2025)}
    assert found["before"] == years["1850"]


@pytest.mark.parametrize(
    "condition", ["modified_date:[2017-01-01T00:00:00Z TO 2018-01-01T00:00:00Z}", "modified_range:2017"]
)
def test_dates_are_searched(searched: Searched, condition: str) -> None:
    found = searched.ids({"fq": condition})
    assert found == searched.where(lambda each: each.get("modified_date", "").startswith("2017"))
    assert found


def test_boxes_are_searched(searched: Searched) -> None:
    for box in (WORLD, EUROPE, PARIS, FIJI):
        west, east, south, north = box
        for predicate in ("Intersects", "IsWithin", "Contains"):
            found = searched.ids({"fq": f"{{!field f=bbox}}{predicate}(ENVELOPE({west},{east},{north},{south}))"})
            expected = _boxed(searched, predicate, box)
            assert found == expected, (predicate, box)
            assert expected, (predicate, box)


@pytest.mark.parametrize("geometry", ['["-180 -90" TO "180 90"]', '["-10 40" TO "20 60"]'])
def test_heatmaps_show_where_the_boxes_are(searched: Searched, geometry: str) -> None:
    params: Params = {"facet.heatmap.geom": geometry, "facet.heatmap.distErrPct": "0.1"}
    heatmap = searched.facets({"facet.heatmap": "bbox_heatmap", **params})["facet_heatmaps"]["bbox_heatmap"]
    counts = [count for row in heatmap["counts_ints2D"] for count in row or [0] * heatmap["columns"]]
    boxes = [edges(each["bbox"]) for each in searched.documents if "bbox" in each]
    truth = [sum(relates("Intersects", box, cell) for box in boxes) for cell in cells_of(heatmap)]
    assert len(truth) >= 100
    # The field is coarse: a cell counts boxes that only come near it. What lies on a cell's edge is in either.
    assert sum(truth) * 0.97 <= sum(counts) <= sum(truth) * 1.6
    assert {n for n, true in enumerate(truth) if true > 20} <= {n for n, count in enumerate(counts) if count}


def test_a_tombstone_is_hidden_and_what_is_not_newer_is_dropped(empty: Searched) -> None:
    def version(number: int, **rest: object) -> None:
        verdict = empty.put({"id": "a", "src_version": number, **rest})
        assert verdict.meaning is Meaning.DONE, verdict

    version(10, title="alive")
    assert empty.ids({}) == {"a"}
    version(11, deleted=True)
    assert empty.ids({}) == empty.ids({"q": "alive"}) == empty.ids({"q": "id:a", "fq": "deleted:true"}) == set()
    assert empty.ids({}, handler="/audit") == {"a"}
    for stale in (9, 11):
        version(stale, title="a zombie")
        assert empty.ids({}) == set()
        assert empty.solr.get(empty.name, ["a"])["a"]["deleted"] is True
    version(12, title="again")
    assert empty.ids({"q": "again"}) == {"a"}


def test_versions_are_found_by_number(empty: Searched) -> None:
    empty.put(*({"id": str(n), "src_version": n, "deleted": n < 23} for n in range(20, 25)))
    newest = empty.select({"sort": "src_version desc", "rows": 1, "fl": "src_version"}, handler="/audit")
    assert newest["response"]["docs"] == [{"src_version": 24}]
    old: Params = {"q": "deleted:true AND src_version:[1 TO 21]"}
    assert empty.ids(old, handler="/audit") == {"20", "21"}


def test_hashes_and_versions_come_from_real_time_get(empty: Searched) -> None:
    empty.solr.update(empty.name, b'[{"id": "a", "src_version": 5, "src_hash": "f00"}]', commit_within_ms=60_000)
    for _ in range(2):
        found = empty.solr.get(empty.name, ["a", "absent"], fields="id,src_version,src_hash")
        assert found == {"a": {"id": "a", "src_version": 5, "src_hash": "f00"}}
        empty.solr.commit(empty.name)  # first from the log, then from the index


def test_the_stamp_is_hidden(empty: Searched) -> None:
    collections.write_stamp(empty.solr, empty.name, "somebody's")
    empty.solr.commit(empty.name)
    assert collections.read_stamp(empty.solr, empty.name) == "somebody's"
    assert empty.ids({}) == set()
    assert empty.ids({"q": "outbox_stamp:[* TO *]"}, handler="/audit") == {collections.STAMP_ID}


def test_nothing_is_guessed(empty: Searched) -> None:
    verdict = empty.put({"id": "1", "src_version": 1, "colour": "red"})
    assert verdict.meaning is Meaning.INDEX
    assert "unknown field 'colour'" in verdict.words


def test_a_bad_document_is_named(empty: Searched) -> None:
    verdict = empty.put({"id": "x7", "src_version": 1, "bbox": "ENVELOPE(0, 1, 95, 0)"})
    assert verdict.meaning is Meaning.DOCUMENT
    assert "[doc=x7]" in verdict.words


def test_the_fields_of_one_collection_are_its_own(empty: Searched) -> None:
    with collection(empty.solr.url, "layers_other") as other:
        empty.solr.call("POST", f"/{empty.name}/schema", {}, body=b'{"add-field": {"name": "mine", "type": "string"}}')
        with pytest.raises(IndexRefused, match="undefined field"):
            other.select({"q": "mine:a"})


def _boxed(searched: Searched, predicate: str, box: Box) -> set[str]:
    return searched.where(lambda each: "bbox" in each and relates(predicate, edges(each["bbox"]), box))


def _titled(searched: Searched, words: str) -> set[str]:
    return searched.where(lambda each: words in each["title"].lower())


def _values(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
