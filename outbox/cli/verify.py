"""`outbox verify`."""

from __future__ import annotations

import sys

import click

from outbox import replay
from outbox.apply import solr_of
from outbox.cli.progress import progress
from outbox.cli.render import as_json, note
from outbox.cli.session import Session
from outbox.cli.wait import wait_for
from outbox.connection import Connection, connect
from outbox.errors import NotApplied
from outbox.store import indexes
from outbox.verify import Proof, prove

_DRIFT = 3


@click.command()
@click.argument("index")
@click.option("--repair", is_flag=True, help="Replay what differs, wait until it is indexed, and compare again.")
@click.option("--fields", "values", is_flag=True, help="Compare values too: sees what was edited in Solr.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Only N documents of the view, by chance.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def verify(session: Session, index: str, repair: bool, values: bool, sample: int | None, wants_json: bool) -> None:
    """Prove that the index equals the view, or name what differs.

    View and collection are read in key order and compared by the hash that Postgres makes of each document and the
    document carries. What changes meanwhile is looked at again. Exits with 3 where documents differ.
    """
    with session.database() as connection:
        proof = _compare(session, connection, index, values=values, sample=sample, repair=repair)
        if repair and proof.drift:
            note(f"{index}: {proof.drift} documents are replayed")
            wait_for(session, connection, timeout_s=None, searchable=True, dead_ends=False)
            proof = _compare(session, connection, index, values=values, sample=sample, repair=False)
    if wants_json:
        as_json(proof.as_json())
    else:
        _print(index, proof)
    if proof.drift:
        sys.exit(_DRIFT)


def _compare(
    session: Session, connection: Connection, index: str, *, values: bool, sample: int | None, repair: bool
) -> Proof:
    applied, definition = indexes.demand(connection, index)
    if applied.target is None or applied.collection is None:
        raise NotApplied(f"the index {index} has no collection: run `outbox apply`")

    def drifting(keys: list[str]) -> None:
        if repair:
            replay.enqueue(connection, index, [keys], lambda _: None)

    with (
        connect(session.settings.database_url, application="outbox verify", autocommit=True) as reading,
        progress(index) as show,
    ):
        return prove(
            connection,
            reading,
            solr_of(session.settings),
            definition=definition,
            index=applied.id,
            target=applied.target,
            queue=0,
            collection=applied.collection,
            values=values,
            sample=sample,
            drifting=drifting,
            seen=lambda count: show(count, None),
        )


def _print(index: str, proof: Proof) -> None:
    if not proof.drift:
        click.echo(f"{index}: {proof.compared} documents compared, all equal")
    for name in ("missing", "extra", "different", "in_flight"):
        side = getattr(proof, name)
        if side.count:
            more = ", …" if side.count > len(side.ids) else ""
            click.echo(f"{index}: {side.count} {name.replace('_', ' ')}: {', '.join(side.ids)}{more}")
