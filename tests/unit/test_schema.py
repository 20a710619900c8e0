"""The fields that a collection needs, what it lacks, and the Schema API's commands for it."""

from __future__ import annotations

from typing import Any

import pytest

from outbox.index import Field
from outbox.solr.schema import Changes, CopyField, Mismatch, SolrField, compare, wanted


def column(name: str, solr_type: str, multivalued: bool = False) -> Field:
    """A column of the view; only what Solr's schema depends on matters here."""
    return Field(name, "text", solr_type, multivalued, f"d.{name}")


@pytest.mark.parametrize(
    ("given", "fields", "copies"),
    [
        (column("id", "string"), [], []),
        (column("n", "plong"), [SolrField("n", "plong", False)], []),
        (column("n", "plong", True), [SolrField("n", "plong", True)], []),
        (column("code", "string"), [SolrField("code", "string", False)], [CopyField("code", "_text_")]),
        (
            column("title", "text_general", True),
            [SolrField("title", "text_general", True), SolrField("title_s", "string", True, stored=False)],
            [CopyField("title", "title_s", 256), CopyField("title", "_text_")],
        ),
        (
            column("box", "bbox"),
            [SolrField("box", "bbox", False), SolrField("box_heatmap", "heatmap", False, stored=False)],
            [CopyField("box", "box_heatmap")],
        ),
    ],
)
def test_what_a_column_needs(given: Field, fields: list[SolrField], copies: list[CopyField]) -> None:
    assert wanted([given]) == (fields, copies)


SCHEMA: dict[str, Any] = {
    "fieldTypes": [{"name": "tags", "class": "solr.StrField", "multiValued": True}, {"name": "plong"}],
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "n", "type": "plong"},
        {"name": "many", "type": "plong", "multiValued": True},
        {"name": "tags", "type": "tags"},
        {"name": "code", "type": "string"},
    ],
    "copyFields": [{"source": "code", "dest": "_text_"}],
}


def test_nothing_lacks() -> None:
    columns = [column("id", "string"), column("n", "plong"), column("many", "plong", True), column("code", "string")]
    assert compare(SCHEMA, columns) == Changes((), (), ())
    assert compare(SCHEMA, columns).commands() == {}


def test_multivalued_may_come_from_the_type() -> None:
    assert compare(SCHEMA, [column("tags", "tags", True)]).mismatches == ()


@pytest.mark.parametrize(
    ("given", "mismatch"),
    [
        (column("n", "pdouble"), Mismatch("n", "pdouble", "plong")),
        (column("n", "plong", True), Mismatch("n", "plong, multiValued", "plong")),
        (column("many", "plong"), Mismatch("many", "plong", "plong, multiValued")),
        (column("tags", "tags"), Mismatch("tags", "tags", "tags, multiValued")),
    ],
)
def test_a_field_of_another_kind_is_told_and_not_added(given: Field, mismatch: Mismatch) -> None:
    assert compare(SCHEMA, [given]) == Changes((), (), (mismatch,))


def test_what_lacks_is_added_by_one_body() -> None:
    assert compare({}, [column("title", "text_general")]).commands() == {
        "add-field": [
            {"name": "title", "type": "text_general", "multiValued": False},
            {
                "name": "title_s",
                "type": "string",
                "multiValued": False,
                "stored": False,
                "useDocValuesAsStored": False,
            },
        ],
        "add-copy-field": [
            {"source": "title", "dest": "title_s", "maxChars": 256},
            {"source": "title", "dest": "_text_"},
        ],
    }


def test_only_the_copy_that_lacks_is_added() -> None:
    schema = {**SCHEMA, "copyFields": []}
    assert compare(schema, [column("code", "string")]).copies == (CopyField("code", "_text_"),)
