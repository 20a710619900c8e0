"""The loader of named queries, and every file of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from outbox.sql import parse, queries

ROOT = Path(__file__).resolve().parents[2]
FILES = [path for folder in ("outbox/store", "relay") for path in sorted((ROOT / folder).glob("*.sql"))]
# What psycopg takes for a placeholder, or refuses as a bad one, in a query with parameters; comments travel too.
BAD_PERCENT = re.compile(r"%(?!\(\w+\)s|%)")


def test_a_query_begins_at_its_name_and_keeps_its_reason() -> None:
    found = parse("lost\n-- name: one\n-- why\nSELECT 1;\n\n-- name: two\nSELECT 2;\n", "x.sql")
    assert dict(found) == {"one": "-- one\n-- why\nSELECT 1;\n", "two": "-- two\nSELECT 2;\n"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n", "x.sql has two queries named one"),
        ("-- name: one\n-- only a comment\n-- name: two\nSELECT 2;\n", "x.sql: the query one is empty"),
        ("-- name: one\n", "x.sql: the query one is empty"),
    ],
)
def test_a_bad_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text, "x.sql")


def test_the_queries_cannot_be_changed() -> None:
    found: object = queries("outbox.store", "claims.sql")
    with pytest.raises(TypeError):
        found["claim"] = ""  # type: ignore[index] # what is tested


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_queries_parses(path: Path) -> None:
    found = queries(".".join(path.parent.relative_to(ROOT).parts), path.name)
    assert found
    assert not [name for name, query in found.items() if BAD_PERCENT.search(query.replace("%%", ""))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_query_is_used(path: Path) -> None:
    code = "".join(each.read_text("utf-8") for folder in ("outbox", "relay") for each in (ROOT / folder).rglob("*.py"))
    names = re.findall(r"^-- name: (\w+)", path.read_text("utf-8"), re.MULTILINE)
    assert not [name for name in names if f'"{name}"' not in code]
