"""`outbox dead`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from outbox.cli.render import as_json, note, table
from outbox.cli.session import Session
from outbox.errors import UsageError
from outbox.store import claims
from outbox.store import dead as events
from outbox.store.dead import Chosen

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group()
def dead() -> None:
    """Events that Solr or Postgres refuses for a reason that trying again cannot mend.

    A later change of the document that is indexed resolves them.
    """


@dead.command("list")
@click.option("--index", help="Only those of this index.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_dead(session: Session, index: str | None, wants_json: bool) -> None:
    """List them with the server's words."""
    with session.database() as connection:
        found = events.unresolved(connection, Chosen(index=index))
    if wants_json:
        as_json([asdict(event) for event in found])
        return
    if not found:
        click.echo("no dead events")
        return
    table(
        f"{len(found)} dead events",
        ("id", "index", "key", "died", "reason"),
        ((e.id, e.index, e.key or "(a fan-out)", f"{e.dead_at:%Y-%m-%d %H:%M:%S}", e.error) for e in found),
    )


@dead.command()
@click.argument("event", metavar="ID", type=int)
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(session: Session, event: int, wants_json: bool) -> None:
    """Show one event: where it came from, which claims tried it, and what the server said."""
    with session.database() as connection:
        found = events.story(connection, event)
    if found is None:
        raise UsageError(f"there is no event {event}: `outbox dead list` names those that are dead")
    if wants_json:
        as_json(found)
        return
    width = max(map(len, found))
    for name, value in found.items():
        if value is not None:
            click.echo(f"{name:{width}}  {value}")


def _choice(command: _Command) -> _Command:
    """The arguments that say which dead events are meant."""
    for decorate in (
        click.option("--all", "every", is_flag=True, help="All of them."),
        click.option("--index", help="All of this index."),
        click.argument("ids", metavar="[ID]...", type=int, nargs=-1),
    ):
        command = decorate(command)
    return command


def _chosen(ids: tuple[int, ...], index: str | None, every: bool) -> Chosen:
    if [bool(ids), index is not None, every].count(True) != 1:
        raise UsageError("say which dead events: their IDs, or --index NAME, or --all")
    return Chosen(ids or None, index)


@dead.command()
@_choice
@click.pass_obj
def retry(session: Session, ids: tuple[int, ...], index: str | None, every: bool) -> None:
    """Try them again: a new event for each, in the lane of replays."""
    chosen = _chosen(ids, index, every)
    with session.database() as connection, connection.transaction():
        appended = events.retry(connection, chosen)
        _demand(chosen, appended)
        claims.wake(connection)
    note(f"{len(appended)} dead events are tried again")


@dead.command()
@_choice
@click.pass_obj
def discard(session: Session, ids: tuple[int, ...], index: str | None, every: bool) -> None:
    """Forget them: their documents stay in Solr as they stand there."""
    chosen = _chosen(ids, index, every)
    with session.database() as connection, connection.transaction():
        discarded = events.discard(connection, chosen)
        _demand(chosen, discarded)
    note(f"{len(discarded)} dead events are discarded")


def _demand(chosen: Chosen, found: list[int]) -> None:
    """Ids that name no dead event are a mistake, and then nothing is done; an empty --all is none."""
    if chosen.ids is not None and len(found) < len(set(chosen.ids)):
        missing = len(set(chosen.ids)) - len(found)
        raise UsageError(f"{missing} of these IDs are no dead events (any more): see `outbox dead list`")
