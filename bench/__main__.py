"""`make bench`: measure all parts over one set of services, and print which targets are reached.

The full run writes docs/benchmarks.md.

python -m bench [--quick] [--parts replay,idle,…] [--dir FOLDER]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from bench import fanout, growth, haystack, idle, replay, report, schemas, sizes, workers, writers
from bench.figures import TARGETS, Figure, table
from bench.outcome import Outcome
from bench.world import FOLDER, FULL, QUICK, ROOT, World, say, world

RESULTS = Path(__file__).with_name("results") / "latest.json"
PARTS: Mapping[str, Callable[[World], Outcome]] = {
    "replay": replay.measure,
    "schemas": schemas.measure,
    "idle": idle.measure,
    "growth": growth.measure,
    "fanout": fanout.measure,
    "sizes": sizes.measure,
    "workers": workers.measure,
    "writers": writers.measure,
    "haystack": haystack.measure,  # the last: it adds an index
}


UNTARGETED = ("fanout", "sizes", "workers")
"""They give tables alone: a quick run leaves them out."""


def write(figures: list[Figure], to: Path) -> None:
    """Keep what was measured, by key."""
    known = {figure.key: figure for figure in figures}
    found = {target.key: known[target.key].as_json(target) for target in TARGETS if target.key in known}
    to.parent.mkdir(exist_ok=True)
    to.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


@click.command(help=__doc__.partition("\n")[0])
@click.option("--quick", is_flag=True, help="Less of everything: for a look.")
@click.option("--parts", default="", help=f"What to measure, of {','.join(PARTS)}; else all, quickly what has targets.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=FOLDER, help="Of the services; emptied first."
)
def main(*, quick: bool, parts: str, folder: Path) -> None:
    """The command; exits with 1 where a target is not reached."""
    chosen = parts.split(",") if parts else [part for part in PARTS if not (quick and part in UNTARGETED)]
    if unknown := set(chosen) - set(PARTS):
        raise click.UsageError(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    outcomes: dict[str, Outcome] = {}
    began = time.monotonic()
    with world(folder, QUICK if quick else FULL) as found:
        for part in chosen:
            say(f"--- {part}, after {(time.monotonic() - began) / 60:.1f} minutes")
            outcomes[part] = PARTS[part](found)
            found.drain()
        if not quick and chosen == list(PARTS):
            say(f"written: {report.write(found, outcomes, (time.monotonic() - began) / 60).relative_to(ROOT)}")
    figures = [figure for outcome in outcomes.values() for figure in outcome.figures]
    write(figures, RESULTS)
    for one in (each for outcome in outcomes.values() for each in outcome.tables):
        click.echo("\n".join([f"### {one.title}", "", *one.lines(), ""]))
    click.echo("\n".join(table(figures)))
    missed = [t.key for t in TARGETS for f in figures if f.key == t.key and t.reached(f.interval) is False]
    if missed:
        click.echo(f"\nnot reached: {', '.join(missed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
