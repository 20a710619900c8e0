"""What `check` decides without asking anybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from outbox.check.applied import changed_settings
from outbox.check.collection import Seen, problems
from outbox.index import OwnFields, Table, Way
from outbox.problems import Code, Severity
from outbox.settings import IndexSettings
from outbox.solr.client import Address, Solr
from outbox.solr.collections import Collections
from tests.integration.hand_made import DEFINITION

NOWHERE = Solr(Address("http://127.0.0.1:1/solr"))
TARGET = DEFINITION.target
DECLARED = Way(1, "s.acl", "s.acl", (), False, "SELECT 1", "SELECT 1", "declared", declared=True)
EVERYTHING = Table("s.acl", 1, (), (), everything=True)
TEXT = tuple(replace(field, solr_type="string") for field in DEFINITION.fields)

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"

CHANGES = {
    "view": replace(DEFINITION, view="shop.other"),
    "capture": replace(DEFINITION, capture="always"),
    "commit_within": replace(DEFINITION, target=replace(TARGET, commit_within_ms=1)),
    "settle": replace(DEFINITION, target=replace(TARGET, settle_ms=1)),
    "deletes": replace(DEFINITION, target=replace(TARGET, deletes="plain")),
    "fence": replace(DEFINITION, target=replace(TARGET, fence=False)),
    "scope": replace(DEFINITION, target=replace(TARGET, scope="type:x")),
    "own_fields": replace(DEFINITION, target=replace(TARGET, own_fields=OwnFields("v", "d", "h"))),
    "fields": replace(DEFINITION, fields=TEXT),
    "ways": replace(DEFINITION, ways=(DECLARED,)),
}


@pytest.mark.parametrize("key", CHANGES)
def test_names_the_setting_that_changed(key: str) -> None:
    assert changed_settings(DEFINITION, CHANGES[key]) == [key]


def test_names_a_table_that_is_declared_with_all_and_nothing_where_nothing_changed() -> None:
    assert changed_settings(DEFINITION, replace(DEFINITION, tables=(EVERYTHING,))) == ["ways"]
    assert changed_settings(DEFINITION, replace(DEFINITION, ways=(replace(DECLARED, declared=False),))) == []


def found(collections: Collections) -> list[tuple[Code, Severity, str]]:
    """Of an index that was never applied; Solr is not asked."""
    settings = IndexSettings(view="s.d", collection="layers")
    seen = Seen(NOWHERE, collections)
    return [(one.code, one.severity, one.where) for one in problems(seen, "owner", settings, None, None)]


def test_a_standalone_solr_needs_the_core_before_apply() -> None:
    wrong = [(Code.COLLECTION_MISSING, Severity.ERROR, "layers")]
    assert found(Collections(cloud=False, names=frozenset({"other"}), aliases={})) == wrong


def test_a_solrcloud_needs_nothing_before_apply() -> None:
    assert found(Collections(cloud=True, names=frozenset(), aliases={})) == []


def test_an_alias_of_several_collections_cannot_be_written_to() -> None:
    several = Collections(cloud=True, names=frozenset({"a", "b"}), aliases={"layers": ("a", "b")})
    assert found(several) == [(Code.COLLECTION_FOREIGN, Severity.ERROR, "layers")]


def test_a_collection_that_does_not_answer_is_a_problem_among_others() -> None:
    there = Collections(cloud=True, names=frozenset({"layers"}), aliases={})
    assert found(there) == [(Code.SOLR_UNAVAILABLE, Severity.ERROR, "layers")]


def test_every_code_is_documented() -> None:
    text = OPERATIONS.read_text("utf-8")
    assert [code for code in Code if f"`{code}`" not in text] == []
