"""Plots of the report, as SVG files whose text stays text."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "solr-outbox"  # the same ids in each run
mpl.rcParams["svg.fonttype"] = "none"

from matplotlib import pyplot  # noqa: E402 - the backend is chosen first

from bench.outcome import Plot  # noqa: E402 - the same


def draw(plot: Plot, folder: Path) -> Path:
    """Write the plot into the folder; its file."""
    figure, axes = pyplot.subplots(figsize=(7, 0.6 + 0.45 * len(plot.bars) if plot.bars else 3.6))
    if plot.bars:
        _bars(axes, plot)
    for label, points in plot.lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    if plot.lines:
        axes.set(xscale="log", ylabel=plot.y)
        axes.set_ylim(bottom=0)
        axes.legend()
    axes.set(title=plot.title, xlabel=plot.x)
    axes.grid(axis="x" if plot.bars else "both", alpha=0.3)
    to = folder / f"{plot.name}.svg"
    figure.savefig(to, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    return to


def _bars(axes: mpl.axes.Axes, plot: Plot) -> None:
    names, figures = list(plot.bars), list(plot.bars.values())
    below = [max(0.0, one.value - one.interval[0]) for one in figures]
    above = [max(0.0, one.interval[1] - one.value) for one in figures]
    drawn = axes.barh(names, [one.value for one in figures], xerr=[below, above], capsize=3, color="#4477aa")
    axes.bar_label(drawn, [f"{one.value:,.4g}" for one in figures], padding=6)
    axes.invert_yaxis()
    axes.margins(x=0.15)
