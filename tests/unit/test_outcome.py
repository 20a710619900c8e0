"""What a part of the benchmark prints."""

from __future__ import annotations

from bench.outcome import Table, spread


def test_a_table_is_one_of_markdown() -> None:
    table = Table("Latency", ("at", "ms"), [("idle", "3.1"), ("loaded", "20.0")])
    assert table.lines() == ["| at | ms |", "|---|---|", "| idle | 3.1 |", "| loaded | 20.0 |"]


def test_a_spread_names_the_median_and_two_percentiles() -> None:
    assert spread([float(number) for number in range(1, 101)]) == ("50.5", "96.0", "100.0")
