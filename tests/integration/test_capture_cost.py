"""What capture costs, by what does not depend on the machine: bytes of WAL and numbers of events; on both servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.capture_cost import CASES, Cost, measure, worlds

ROWS = 40
ROUNDS = 9
MOST_WAL = 450  # bytes of an event with its index entries; some 290 were measured


@pytest.fixture(scope="module")
def costs(server_url: str) -> Iterator[dict[str, Cost]]:
    """By case."""
    with worlds(server_url, ROWS) as connection:
        yield {one.case: one for one in measure(connection, rows=ROWS, rounds=ROUNDS)}


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("untracked")])
def test_a_row_whose_tracked_columns_stay_writes_nothing_more(costs: dict[str, Cost], case: str) -> None:
    cost = costs[case]
    assert cost.events == 0
    assert cost.captured_wal == pytest.approx(cost.plain_wal, abs=1)  # ends of pages, in other places
    assert cost.plain_wal > 0


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("untracked")])
def test_a_captured_row_writes_one_event_for_each_index(costs: dict[str, Cost], case: str) -> None:
    cost = costs[case]
    events = 3 if "three" in case else 1
    assert cost.events == events
    assert 0 < cost.captured_wal - cost.plain_wal < MOST_WAL * events
