"""What the tests of `check` provoke problems with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from outbox.problems import Code, Problem
from outbox.settings import IndexSettings, Settings

Found = set[tuple[Code, str]]


@dataclass(frozen=True)
class Case:
    """What is done to a database, with which settings, and the problems that must be found with their objects.

    `select`: what the view `s.d` shows, which is made before the statements; "" for none.
    """

    expected: Found
    statements: tuple[str, ...] = ()
    select: str = ""
    name: str = "d"
    index: Mapping[str, Any] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    consumers: tuple[str, ...] = ("outbox.live", "outbox.bulk")


def settings(name: str, index: Mapping[str, Any], database: str, broker: str, solr: str) -> Settings:
    """The settings of one index."""
    return Settings(
        database=SecretStr(database),
        broker=SecretStr(broker),
        solr=SecretStr(solr),
        index={name: IndexSettings.model_validate({"view": "s.d", "collection": name, **index})},
        source="test",
    )


def said(problems: Iterable[Problem]) -> Found:
    """Codes and objects; every problem is a sentence with a cure."""
    found = list(problems)
    assert all(one.where and one.what.endswith(".") and one.cure.endswith(".") for one in found), found
    return {(one.code, one.where) for one in found}
