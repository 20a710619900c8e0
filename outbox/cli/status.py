"""`outbox status`."""

from __future__ import annotations

import time
from typing import Any

import click
from rich.console import Console

from outbox.broker import queues
from outbox.cli.render import as_json, note, table
from outbox.cli.session import Session
from outbox.errors import BrokerUnavailable, ConfigError
from outbox.store import indexes, retention

_AGAIN_S = 2.0


@click.command()
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.option("--watch", is_flag=True, help="Again every two seconds, until interrupted.")
@click.pass_obj
def status(session: Session, wants_json: bool, watch: bool) -> None:
    """Show what waits, what is in flight, what is dead, who leads, and whether the queues have consumers."""
    while True:
        found = look(session)
        if wants_json:
            as_json(found)
        else:
            if watch:
                Console().clear()  # does nothing where there is no terminal
            _print(found)
        if not watch:
            return
        time.sleep(_AGAIN_S)  # the pace of --watch


def look(session: Session) -> dict[str, Any]:
    """The status as --json prints it; `queues` is None when the broker cannot be asked."""
    with session.database() as connection:
        found: dict[str, Any] = {"indexes": indexes.status(connection), "relay": indexes.relay(connection)}
        found["outbox"] = {"bytes": retention.size(connection)}
    try:
        found["queues"] = queues(session.settings.broker_url)
    except (BrokerUnavailable, ConfigError) as error:
        note(f"outbox: {error}")
        found["queues"] = None
    return found


def _proven(proof: dict[str, Any]) -> str:
    drift = sum(proof[side]["count"] for side in ("missing", "extra", "different"))
    said = f"{drift} of {proof['compared']} differed" if drift else f"all {proof['compared']} equal"
    return f"verified at {proof['at']}: {said}"


def _rewound(found: dict[str, Any]) -> str:
    said = "all documents" if found["documents"] is None else f"{found['documents']} documents"
    return f"at {found['at']} Solr lacked what was written to it: {said} were enqueued again"


def _print(found: dict[str, Any]) -> None:
    columns = ("index", "state", "live", "bulk", "oldest", "in flight", "dead", "collection")
    table(
        "indexes",
        columns,
        (
            (
                row["name"],
                row["state"],
                row["pending_live"],
                row["pending_bulk"],
                "" if row["oldest_s"] is None else f"{row['oldest_s']:.1f} s",
                row["in_flight"],
                row["dead"],
                row["collection"],
            )
            for row in found["indexes"]
        ),
    )
    for row in found["indexes"]:
        if row["breaker"]["state"] == "open":
            click.echo(f"{row['name']}: suspended since {row['breaker']['since']:%H:%M:%S}: {row['breaker']['reason']}")
        if row["proof"]:
            click.echo(f"{row['name']}: {_proven(row['proof'])}")
        if row["rewound"]:
            click.echo(f"{row['name']}: {_rewound(row['rewound'])}")
        for notice in row["notices"]:
            click.echo(f"{row['name']}: {notice}")
        if row["state"] == "detached":
            click.echo(f"{row['name']}: no change is captured: `outbox apply` puts the triggers back and replays")
    leader = found["relay"]["leader"]
    click.echo(f"\nrelay: {f'{leader} leads' if leader else 'none runs: start `relay`'}")
    click.echo(f"outbox: {found['outbox']['bytes'] / 2**20:.1f} MB on disk")
    for queue in found["queues"] or ():
        silent = f": start `celery -A outbox.worker worker -Q {queue['name']}`" if queue["consumers"] == 0 else ""
        consumers = "unknown" if queue["consumers"] is None else queue["consumers"]
        click.echo(f"queue {queue['name']}: {consumers} consumers, {queue['messages']} messages{silent}")
