"""A fixed piece of work costs as many statements, WAL records, NOTIFYs, events, tasks and requests as it did."""

from __future__ import annotations

from dataclasses import replace

from bench.counters import Counts, baseline, differences, measured
from services.endpoints import Endpoints


def test_the_counts_are_those_of_the_baseline(
    empty_database_url: str, broker_url: str, solr_url: str, endpoints: Endpoints
) -> None:
    own = replace(endpoints, database_url=empty_database_url, broker_url=broker_url, solr_url=solr_url)
    assert differences(measured(own), baseline()) == []


def test_a_statement_more_is_told_and_some_wal_records_are_not() -> None:
    stored = {"work": Counts(statements=5, wal_records=100, notifies=0, events=1, tasks=1, solr_requests=1)}
    assert differences({"work": replace(stored["work"], wal_records=109)}, stored) == []
    assert differences({"work": replace(stored["work"], wal_records=111)}, stored) == [
        "work: wal_records: 111, not 100"
    ]
    assert differences({"work": replace(stored["work"], statements=6)}, stored) == ["work: statements: 6, not 5"]
    assert len(differences({}, stored)) == 1
