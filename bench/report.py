"""docs/benchmarks.md: written by a full run of `make bench`, whole, with its plots."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import table
from bench.outcome import Outcome
from bench.plots import draw
from bench.world import ROOT, World
from outbox.version import __version__

PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "benchmarks"
_HEAD = """# Benchmarks

Written by `make bench`; not by hand. Ratios are of one run, sides measured in turns; absolute times are those of this
machine, which does everything: Postgres, RabbitMQ, Solr, relay, workers, and whoever writes. Medians, with 95 %
intervals by resampling. A target is reached if the interval touches it.
"""


def write(world: World, outcomes: Mapping[str, Outcome], minutes: float) -> Path:
    """Draw the plots and write the page."""
    PLOTS.mkdir(exist_ok=True)
    figures = [figure for outcome in outcomes.values() for figure in outcome.figures]
    lines = [_HEAD, *_machine(world, minutes), "", "## Targets", "", *table(figures), ""]
    for name, outcome in outcomes.items():
        for found in outcome.tables:
            lines += [f"## {found.title}", "", *([found.note, ""] if found.note else []), *found.lines(), ""]
        for plot in outcome.plots:
            lines += [f'![{plot.title}]({draw(plot, PLOTS).relative_to(PAGE.parent)} "{name}")', ""]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    return PAGE


def _machine(world: World, minutes: float) -> list[str]:
    postgres = (world.connection.info.parameter_status("server_version") or "?").split()[0]
    solr = world.solr.call("GET", "/admin/info/system", {"wt": "json"})
    versions = f"solr-outbox {__version__}, Python {platform.python_version()}, Postgres {postgres}"
    solr_version, java = solr["lucene"]["solr-spec-version"], solr["jvm"]["version"].split()[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        f"Measured {datetime.now(UTC):%Y-%m-%d} in {minutes:.0f} minutes: {versions}, Solr {solr_version} on "
        f"Java {java}; "
        f"{os.cpu_count()} processors ({platform.machine()}), {memory:.0f} GiB, {world.scale.layers:,} layers."
    ]
