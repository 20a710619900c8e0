"""From rows to bodies: what is spliced in, what becomes a tombstone, and how requests are cut."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.index import OwnFields
from outbox.worker.documents import Document, Row, assemble, delete_body, pieces, request_body

OWN = OwnFields(version="src_version", deleted="deleted", hash="src_hash")


def bodies(rows: list[Row], *, own: OwnFields = OWN, tombstones: bool = True) -> list[object]:
    """The documents that these rows become, as Solr reads them."""
    documents, _ = assemble(rows, version=42, own=own, tombstones=tombstones)
    parsed: list[object] = orjson.loads(request_body(documents))
    return parsed


@pytest.mark.parametrize(
    ("row", "own", "expected"),
    [
        (("7", '{"id": 7, "t": "é"}', "ab"), OWN, {"id": 7, "t": "é", "src_version": 42, "src_hash": "ab"}),
        (("7", '{"id": 7}', None), OWN, {"id": 7, "src_version": 42}),
        (("7", '{"id": 7}', "ab"), OwnFields("v", "d", ""), {"id": 7, "v": 42}),
        (("7", '{"id": 7}', "ab"), OwnFields("", "d", ""), {"id": 7}),
        (('a"b', None, None), OWN, {"id": 'a"b', "deleted": True, "src_version": 42}),
        (("7", None, None), OwnFields("", "gone", "h"), {"id": "7", "gone": True}),
    ],
)
def test_what_a_row_becomes(row: Row, own: OwnFields, expected: object) -> None:
    assert bodies([row], own=own) == [expected]


def test_a_plain_delete_has_no_body() -> None:
    documents, _ = assemble([("7", None, None), ("8", '{"id":8}', "h")], version=1, own=OWN, tombstones=False)
    assert orjson.loads(delete_body(documents)) == {"delete": ["7"]}
    assert [each["id"] for each in orjson.loads(request_body(documents))] == [8]


def test_nothing_to_delete_is_no_request() -> None:
    assert delete_body([Document("7", b"{}")]) == b""


def test_a_key_with_two_rows_is_refused_with_the_reason() -> None:
    rows: list[Row] = [("1", '{"id":1}', "a"), ("2", '{"id":2}', "b"), ("1", '{"id":1,"x":2}', "c")]
    documents, twice = assemble(rows, version=1, own=OWN, tombstones=True)
    assert [document.key for document in documents] == ["2"]
    assert twice == {"1": "the view returns 2 rows for this key"}


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ([], 10, []),
        ([3, 3, 3], 8, [[3, 3], [3]]),
        ([3, 3], 7, [[3], [3]]),
        ([100], 10, [[100]]),
        ([1, 100, 1], 10, [[1], [100], [1]]),
        ([0] * 5, 3, [[0, 0, 0], [0, 0]]),
    ],
)
def test_requests_are_cut_by_their_size(sizes: list[int], most: int, expected: list[list[int]]) -> None:
    documents = [Document(str(number), b"x" * size) for number, size in enumerate(sizes)]
    assert [[len(document.body) for document in piece] for piece in pieces(documents, most)] == expected


@given(st.lists(st.integers(0, 50)), st.integers(1, 100))
def test_cutting_loses_nothing_and_keeps_the_order(sizes: list[int], most: int) -> None:
    documents = [Document(str(number), b"x" * size) for number, size in enumerate(sizes)]
    cut = list(pieces(documents, most))
    assert [document for piece in cut for document in piece] == documents
    assert all(len(piece) == 1 or sum(len(each.body) + 1 for each in piece) <= most for piece in cut)


def test_of_twenty_megabytes_each_request_holds_four() -> None:
    documents = [Document(str(number), b"x" * 1_000_000) for number in range(20)]
    assert max(len(request_body(piece)) for piece in pieces(documents)) <= 4 * 1024 * 1024 + 2
