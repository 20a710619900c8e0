"""The figures of a benchmark: values, intervals, targets, the table."""

from __future__ import annotations

import pytest

from bench.figures import TARGETS, Target, of_pairs, of_samples, of_two, percentile, table


@pytest.mark.parametrize(
    ("target", "interval", "reached"),
    [
        (Target("k", "", at_least=0.85), (0.7, 0.86), True),
        (Target("k", "", at_least=0.85), (0.7, 0.84), False),
        (Target("k", "", at_most=2), (1.9, 3.0), True),
        (Target("k", "", at_most=2), (2.1, 3.0), False),
        (Target("k", ""), (2.1, 3.0), None),
    ],
)
def test_a_target_is_reached_if_the_interval_touches_it(
    target: Target, interval: tuple[float, float], reached: bool | None
) -> None:
    assert target.reached(interval) is reached


def test_a_ratio_of_pairs_is_the_median_of_the_ratios() -> None:
    figure = of_pairs("k", [(1, 2), (3, 4), (8, 8)])
    assert figure.value == 0.75
    assert figure.interval == (0.5, 1.0)


def test_equal_samples_have_no_width() -> None:
    assert of_samples("k", [3.0] * 9).interval == (3.0, 3.0)
    assert of_two("k", [6.0] * 9, [2.0] * 9).interval == (3.0, 3.0)


def test_a_percentile_of_one_sample_is_that() -> None:
    assert percentile(99)([5.0]) == 5.0
    assert percentile(99)([float(number) for number in range(1, 101)]) == pytest.approx(99.99)


def test_the_table_names_every_key_and_what_was_not_measured() -> None:
    lines = table([of_samples("claim_1m_vs_1k", [1.0, 1.1, 1.2])])
    assert len(lines) == len(TARGETS) + 2
    (line,) = (line for line in lines if "claim_1m_vs_1k" in line)
    assert line.endswith("| 1.1 | 1 to 1.2 | ≤ 2 | yes |")
    assert sum("not measured" in line for line in lines) == len(TARGETS) - 1
