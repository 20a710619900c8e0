"""`python -m services`: start, stop and look at the local services, and the pipeline that runs on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from outbox.errors import OutboxError
from services import pipeline
from services.stack import SERVICES, Stack
from services.state import SolrMode
from services.supervisor import Seen

_FOUND_DOWN = 3
_PATH = click.Path(path_type=Path)
_directory = click.option(
    "--dir", "directory", type=_PATH, default=".services", show_default=True, help="Folder of data, logs and state."
)


@click.group()
def services() -> None:
    """A local Postgres, RabbitMQ, Solr and Flower, without Docker, on loopback alone."""


@services.command()
@_directory
@click.option("--solr", "solr_mode", type=click.Choice(["cloud", "standalone"]), default="cloud", show_default=True)
@click.option("--without", multiple=True, type=click.Choice(SERVICES), help="Leave a service out; may be repeated.")
@click.option("--pg15", is_flag=True, help="Also Debian's Postgres 15, where it is installed.")
def start(directory: Path, solr_mode: SolrMode, without: tuple[str, ...], pg15: bool) -> None:
    """Start what does not run, and wait until each service truly answers."""
    stack = Stack(directory, solr_mode=solr_mode, with_pg15=pg15, without=without)
    stack.start(click.echo)
    click.echo(f"addresses are in {stack.folder.env}")


@services.command()
@_directory
def stop(directory: Path) -> None:
    """End all that was started here, and only that; data and logs stay."""
    Stack(directory).stop(click.echo)


@services.command()
@_directory
def status(directory: Path) -> None:
    """Show every program; exit code 3 if a service is down."""
    _show(seen for seen in Stack(directory).status() if seen.name not in pipeline.NAMES)


def _show(programs: Iterable[Seen]) -> None:
    programs = list(programs)
    for seen in programs:
        click.echo(f"{seen.name:12} {seen.state:9} {seen.pid or ''}".rstrip())
    if not programs:
        click.echo("nothing runs")
    if not programs or any(seen.down for seen in programs):
        sys.exit(_FOUND_DOWN)


@services.group("pipeline")
def of_pipeline() -> None:
    """Relay and workers, on the services that run."""


@of_pipeline.command("start")
@_directory
@click.option("--config", type=_PATH, default=None, help="Default: $OUTBOX_CONFIG or ./outbox.toml")
def start_pipeline(directory: Path, config: Path | None) -> None:
    """Start relay and workers; wait until a relay leads and both queues have a consumer."""
    Stack(directory).start_pipeline(config or Path(os.environ.get("OUTBOX_CONFIG") or "outbox.toml"), click.echo)


@of_pipeline.command("stop")
@_directory
def stop_pipeline(directory: Path) -> None:
    """Stop relay and workers; a worker ends its task first."""
    Stack(directory).stop_pipeline(click.echo)


@of_pipeline.command("status")
@_directory
def pipeline_status(directory: Path) -> None:
    """Show relay and workers; exit code 3 if one is down."""
    _show(seen for seen in Stack(directory).status() if seen.name in pipeline.NAMES)


@services.command()
@_directory
@click.argument("action", type=click.Choice(["start", "stop", "kill"]))
@click.argument("name")
def service(directory: Path, action: str, name: str) -> None:
    """Start, stop or kill one service or program by NAME."""
    one = Stack(directory).service(name)
    {"start": one.start, "stop": one.stop, "kill": one.kill}[action]()
    click.echo(f"{name}: {one.seen().state.lower()}")


def main() -> None:
    """Run a command; an error that has a name is one message on stderr and its exit code."""
    try:
        services()
    except OutboxError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
