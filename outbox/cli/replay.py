"""`outbox replay`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TextIO

import click

from outbox import replay as replaying
from outbox.cli.progress import Show, progress
from outbox.cli.render import note
from outbox.cli.session import Session
from outbox.cli.wait import wait_for
from outbox.connection import Connection
from outbox.errors import UsageError
from outbox.store import events


@dataclass(frozen=True, slots=True)
class Choice:
    """Which documents: exactly one of these."""

    every: bool
    keys: tuple[str, ...]
    keys_from: TextIO | None
    where: str | None
    since: str | None

    def demand_one(self) -> None:
        """Raise UsageError unless one way of choosing is given."""
        given = (
            self.every,
            bool(self.keys),
            self.keys_from is not None,
            self.where is not None,
            self.since is not None,
        )
        if sum(given) != 1:
            raise UsageError("say which documents, in one way: --all, --key K, --keys-from -, --where SQL or --since T")

    def chunks(self, connection: Connection, index: str) -> Iterator[list[str]]:
        """The keys, where it is not all."""
        if self.where is not None:
            return replaying.matching(connection, index, self.where)
        if self.since is not None:
            at, found = replaying.since(connection, index, self.since)
            note(f"{index}: what was indexed since {at}")
            return found
        return replaying.listed(connection, index, self.keys if self.keys_from is None else _lines(self.keys_from))


@click.command()
@click.argument("index")
@click.option("--all", "every", is_flag=True, help="All documents of the view, and those that only Solr still has.")
@click.option("--key", "keys", multiple=True, metavar="K", help="This document; may be given several times.")
@click.option(
    "--keys-from", type=click.File(encoding="utf-8"), metavar="FILE", help="A key on each line; - reads stdin."
)
@click.option("--where", metavar="SQL", help="Those for which this condition over the view's columns holds.")
@click.option("--since", metavar="T", help="What was indexed since then: a time (UTC without a zone), or e.g. 2h.")
@click.option("--wait", "waits", is_flag=True, help="Wait until they are indexed; exits as `outbox wait` does.")
@click.option("--dry-run", is_flag=True, help="Only say how many documents it would be.")
@click.pass_obj
def replay(
    session: Session,
    index: str,
    every: bool,
    keys: tuple[str, ...],
    keys_from: TextIO | None,
    where: str | None,
    since: str | None,
    waits: bool,
    dry_run: bool,
) -> None:
    """Enqueue documents again, as if they had changed.

    Live changes overtake them. --all is enumerated by the relay and goes on where it was, whatever is killed. The
    others are enumerated by this command, with the rights of its user: if it is interrupted, run it again.
    """
    choice = Choice(every, keys, keys_from, where, since)
    choice.demand_one()
    with session.database() as connection:
        if dry_run:
            click.echo(f"{_count(connection, index, choice)} would be enqueued")
        elif choice.every:
            _all(session, connection, index, waits=waits)
        else:
            _some(session, connection, index, choice, waits=waits)


def _count(connection: Connection, index: str, choice: Choice) -> str:
    if choice.every:
        return f"{replaying.count_view(connection, index)} documents of the view, and those that only Solr has,"
    with progress(f"{index}: counting") as show:
        count = 0
        for keys in choice.chunks(connection, index):
            count += len(keys)
            show(count, None)
    return f"{count} documents"


def _all(session: Session, connection: Connection, index: str, *, waits: bool) -> None:
    total = replaying.count_view(connection, index) if waits else 0
    fanout = replaying.all_documents(connection, index)
    note(f"{index}: all documents are enqueued")
    if waits:
        with progress(index) as show:
            watch = Enumeration(connection, fanout, total, show)
            wait_for(session, connection, timeout_s=None, searchable=False, watch=watch.look)


@dataclass(slots=True)
class Enumeration:
    """A fan-out event that is watched; `total`: how many documents the view had when it began."""

    connection: Connection
    fanout: int
    total: int
    show: Show
    said: str | None = None

    def look(self, left: int) -> None:
        """Show how far it has come; `left`: events that wait."""
        found = events.enumerated(self.connection, self.fanout)
        if found is None:
            return
        if found.waits_for and found.waits_for != self.said:
            note(f"it waits: {found.waits_for}")
        self.said = found.waits_for
        total = found.keys if found.over else max(self.total, found.keys)
        self.show(max(0, found.keys - left), total)


def _some(session: Session, connection: Connection, index: str, choice: Choice, *, waits: bool) -> None:
    with progress(f"{index}: enqueuing") as show:
        chunks = choice.chunks(connection, index)
        count = replaying.enqueue(connection, index, chunks, lambda found: show(found, None))
    note(f"{index}: {count} documents are enqueued")
    if waits:
        with progress(index) as show:
            watch = partial(_watch, show, count)
            wait_for(session, connection, timeout_s=None, searchable=False, watch=watch)


def _watch(show: Show, count: int, left: int) -> None:
    show(max(0, count - left), count)


def _lines(file: TextIO) -> Iterator[str]:
    """The keys of a file, one a line; empty lines are none."""
    try:
        for line in file:
            if key := line.rstrip("\r\n"):
                yield key
    except UnicodeDecodeError as error:
        raise UsageError(f"{file.name} is not UTF-8 text: {error}") from error
