"""`make bench`: measure all parts over one set of services, and print which targets are reached.

python -m bench [--quick] [--parts replay,idle,…] [--dir FOLDER]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from bench import growth, idle, replay, schemas, writers
from bench.figures import TARGETS, Figure, table
from bench.world import FOLDER, FULL, QUICK, World, say, world

RESULTS = Path(__file__).with_name("results") / "latest.json"
PARTS: Mapping[str, Callable[[World], list[Figure]]] = {
    "replay": replay.measure,
    "schemas": schemas.measure,
    "idle": idle.measure,
    "growth": growth.measure,
    "writers": writers.measure,
}


def write(figures: list[Figure], to: Path) -> None:
    """Keep what was measured, by key."""
    known = {figure.key: figure for figure in figures}
    found = {target.key: known[target.key].as_json(target) for target in TARGETS if target.key in known}
    to.parent.mkdir(exist_ok=True)
    to.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


@click.command(help=__doc__.partition("\n")[0])
@click.option("--quick", is_flag=True, help="Less of everything: for a look.")
@click.option("--parts", default=",".join(PARTS), show_default=True, help="What to measure.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=FOLDER, help="Of the services; emptied first."
)
def main(*, quick: bool, parts: str, folder: Path) -> None:
    """The command; exits with 1 where a target is not reached."""
    chosen = parts.split(",")
    if unknown := set(chosen) - set(PARTS):
        raise click.UsageError(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    figures: list[Figure] = []
    with world(folder, QUICK if quick else FULL) as found:
        for part in chosen:
            say(f"--- {part}")
            figures += PARTS[part](found)
            found.drain()
    write(figures, RESULTS)
    click.echo("\n".join(table(figures)))
    missed = [t.key for t in TARGETS for f in figures if f.key == t.key and t.reached(f.interval) is False]
    if missed:
        click.echo(f"\nnot reached: {', '.join(missed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
