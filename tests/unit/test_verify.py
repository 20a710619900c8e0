"""The pure parts of a proof: two streams side by side, and two documents field by field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.index import Field
from outbox.verify.merge import Pair, merge
from outbox.verify.values import differing

KEYS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=12)


@given(KEYS, KEYS)
def test_every_key_of_either_stream_comes_once_with_all_it_has(left: list[str], right: list[str]) -> None:
    streams = [[(key, key) for key in sorted(side, key=str.encode)] for side in (left, right)]
    pairs = list(merge(*streams))
    assert [pair.key for pair in pairs] == sorted({*left, *right}, key=str.encode)
    for pair in pairs:
        assert pair == Pair(pair.key, [pair.key] * left.count(pair.key), [pair.key] * right.count(pair.key))


def test_the_order_is_that_of_the_bytes() -> None:
    """Python and UTF-16 order U+FFFD and U+10000 otherwise than each other; Postgres' C and Lucene go by bytes."""
    ordered = ["10", "2", "B", "a", "ä", "\ufffd", "\U00010000"]
    stream = [(key, 0) for key in ordered]
    assert [pair.key for pair in merge(stream, stream)] == ordered


@pytest.mark.parametrize("streams", [(["b", "a"], []), ([], ["b", "a"])])
def test_a_stream_that_does_not_ascend_is_refused(streams: tuple[list[str], list[str]]) -> None:
    with pytest.raises(ValueError, match="'a' after 'b'"):
        list(merge(*([(key, 0) for key in side] for side in streams)))


def made(name: str, solr_type: str, *, many: bool = False) -> Field:
    """A field of the view."""
    return Field(name, "text", solr_type, many, f"d.{name}")


FIELDS = (
    made("title", "text_general"),
    made("n", "plong"),
    made("x", "pdouble"),
    made("at", "pdate"),
    made("tags", "string", many=True),
    made("box", "BBoxField"),
)
ROW: dict[str, Any] = {
    "title": "Rivers",
    "n": 3,
    "x": 2,
    "at": "2020-01-02T03:04:05.120Z",
    "tags": ["b", None, "a"],
    "box": "ENVELOPE(1, 2, 4, 3)",
}
DOCUMENT = {**ROW, "x": 2.0, "at": "2020-01-02T03:04:05.12Z", "tags": ["b", "a"], "box": "otherwise"}


def test_a_document_is_as_solr_stores_it() -> None:
    assert differing(FIELDS, ROW, DOCUMENT) == []
    whole = {**ROW, "at": "2020-01-02T03:04:05.000Z"}
    assert differing(FIELDS, whole, {**DOCUMENT, "at": "2020-01-02T03:04:05Z"}) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "rivers"), ("n", 4), ("x", 2.5), ("at", "2020-01-02T03:04:05.121Z"), ("tags", ["a", "b"]), ("n", None)],
)
def test_a_field_that_was_altered_is_named(field: str, value: object) -> None:
    assert differing(FIELDS, ROW, {**DOCUMENT, field: value}) == [field]


def test_nothing_is_null_or_an_empty_list() -> None:
    nothing = {"title": None, "n": None, "x": None, "at": None, "tags": [None], "box": None}
    assert differing(FIELDS, nothing, {}) == []
    assert differing(FIELDS, {**nothing, "title": ""}, {}) == ["title"]
