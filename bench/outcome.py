"""What a part of `make bench` gives back: figures that have targets, tables, and what is drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.figures import Figure, percentile


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words; `note` says how they were measured."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""

    def lines(self) -> list[str]:
        """In Markdown, without the title."""
        ruler = "|" + "---|" * len(self.head)
        return [_row(self.head), ruler, *map(_row, self.rows)]


@dataclass(frozen=True, slots=True)
class Plot:
    """`lines`: by name, points of x and y. `bars`: by name, a value with its interval. One of the two."""

    name: str
    title: str
    x: str = ""
    y: str = ""
    lines: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    bars: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one part."""

    figures: list[Figure]
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)


def spread(samples: Sequence[float]) -> tuple[str, str, str]:
    """p50, p95 and p99, as words."""
    return (f"{median(samples):.1f}", f"{percentile(95)(samples):.1f}", f"{percentile(99)(samples):.1f}")


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
