"""The figures of a run: medians with their intervals, ratios, targets, and the table that says which are reached. Pure.

A ratio is reached if its 95 % interval touches the target. The interval is that of the median, by resampling: a ratio's
two sides are resampled independently, except where they are pairs that were measured one after the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

RESAMPLES = 2000
_SEED = 7  # resampling is the same for the same samples


@dataclass(frozen=True, slots=True)
class Target:
    """What a key must reach: `at_least` or `at_most`, or neither where it is only printed."""

    key: str
    meaning: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def words(self) -> str:
        """For the table."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return f"≤ {self.at_most:g}" if self.at_most is not None else ""

    def reached(self, interval: tuple[float, float]) -> bool | None:
        """Whether the interval touches the target; None where there is none."""
        if self.at_least is not None:
            return interval[1] >= self.at_least
        return interval[0] <= self.at_most if self.at_most is not None else None


TARGETS = (
    Target("replay_vs_limit", "documents a second of a replay, of 1/(1/raw Solr + 1/view read)", at_least=0.85),
    Target("replay_vs_raw", "of bodies built beforehand, posted by two connections"),
    Target("replay_vs_script", "of a plain script: read 500, post 500"),
    Target("replay_vs_haystack", "of django-haystack's update_index, without the spatial field", at_least=3),
    Target("replay_vs_haystack_tuned", "the same, with one commit in the end"),
    Target("replay_vs_tutorial", "of the tutorial's way: one task and one POST a layer", at_least=20),
    Target("replay_vs_tutorial_tuned", "the same, its queries in SQL over a connection that is kept"),
    Target("configset_vs_tutorial", "raw rate with our configset, of that with the tutorial's schema", at_least=2.5),
    Target("idle_p50_vs_floor", "COMMIT to Solr, of the floor's steps in a row after a pause", at_most=1.5),
    Target("idle_p99_vs_floor", "the same, the slowest percent", at_most=4),
    Target("idle_p50_vs_warm_floor", "the median, of the steps each again and again without a pause"),
    Target("p99_200_vs_idle_p50", "at 200 edits a second, of an idle edit's median", at_most=8),
    Target("p99_500_ms", "at 500 edits a second, milliseconds"),
    Target("writers_32_with_vs_without", "32 writers, of those without capture; a flush takes 2 ms", at_least=0.7),
    Target("writers_32_fast_disk", "the same, with the disk as it is", at_least=0.5),
    Target("untracked_with_vs_without", "updates that no document shows", at_least=0.97),
    Target("untracked_slow_disk", "the same, where a flush takes 2 ms"),
    Target("claim_1m_vs_1k", "time of a claim with a million events waiting, of that with a thousand", at_most=2),
    Target("rss_relay_mb", "the relay's memory at its highest", at_most=120),
    Target("rss_worker_mb", "a worker process' memory at its highest", at_most=200),
    Target("fanout_statement_vs_without", "a statement that is on 100,000 documents", at_most=1.5),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One key's value with its interval; `samples`: what it was made of."""

    key: str
    value: float
    interval: tuple[float, float]
    samples: list[float]

    def as_json(self, target: Target) -> dict[str, Any]:
        """As bench/results/latest.json has it."""
        return {
            "value": self.value,
            "target": target.words,
            "reached": target.reached(self.interval),
            "interval": list(self.interval),
            "samples": self.samples,
        }


def of_pairs(key: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    """The median of the ratios of what was measured one after the other: first / second."""
    return of_samples(key, [one / other for one, other in pairs])


def of_samples(key: str, samples: Sequence[float], value: Callable[[Sequence[float]], float] = median) -> Figure:
    """The median of the samples, or another value of them."""
    return Figure(key, value(samples), _interval([samples], lambda drawn: value(drawn[0])), list(samples))


def of_two(
    key: str,
    one: Sequence[float],
    other: Sequence[float],
    value: Callable[[Sequence[float]], float] = median,
) -> Figure:
    """A value of the ones, as a ratio of the median of the others."""

    def ratio(drawn: Sequence[Sequence[float]]) -> float:
        return value(drawn[0]) / median(drawn[1])

    return Figure(key, ratio([one, other]), _interval([one, other], ratio), list(one))


def percentile(percent: int) -> Callable[[Sequence[float]], float]:
    """The function that gives it; of a single sample that one."""
    return lambda samples: quantiles(samples, n=100)[percent - 1] if len(samples) > 1 else samples[0]


def _interval(
    samples: Sequence[Sequence[float]], value: Callable[[Sequence[Sequence[float]]], float]
) -> tuple[float, float]:
    draw = random.Random(_SEED)  # noqa: S311 - no secret
    found = sorted(value([draw.choices(one, k=len(one)) for one in samples]) for _ in range(RESAMPLES))
    return found[round(0.025 * RESAMPLES)], found[round(0.975 * RESAMPLES) - 1]


def table(figures: Iterable[Figure]) -> list[str]:
    """The lines of a Markdown table, in the order of the targets; it says which keys were not measured."""
    known = {figure.key: figure for figure in figures}
    lines = ["| key | what | value | 95 % | target | reached |", "|---|---|---|---|---|---|"]
    for target in TARGETS:
        figure = known.get(target.key)
        if figure is None:
            lines.append(f"| `{target.key}` | {target.meaning} | not measured | | {target.words} | no |")
            continue
        reached = {True: "yes", False: "no", None: ""}[target.reached(figure.interval)]
        low, high = figure.interval
        interval = f"{low:.3g} to {high:.3g}"
        lines.append(
            f"| `{target.key}` | {target.meaning} | {figure.value:.3g} | {interval} | {target.words} | {reached} |"
        )
    return lines
