"""`outbox explain`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
import orjson

from outbox.apply import solr_of
from outbox.cli.render import as_json, table
from outbox.cli.session import Session
from outbox.explain import Story
from outbox.explain import explain as tell

_DIFFERS = 3
_MOST = 60


@click.command()
@click.argument("index")
@click.argument("key")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(session: Session, index: str, key: str, wants_json: bool) -> None:
    """Tell one document's whole story: in the view, in Solr, its events and claims, and why the two differ.

    Exits with 3 where they differ.
    """
    with session.database() as connection:
        story = tell(connection, solr_of(session.settings), index, key)
    if wants_json:
        as_json(story.as_json())
    else:
        _print(story)
    if not story.same:
        sys.exit(_DIFFERS)


def _print(story: Story) -> None:
    for sentence in story.why:
        click.echo(f"{story.key}: {sentence}")
    click.echo()
    table("document", ("", "field", "view", "Solr"), _sides(story))
    _listed(
        "events",
        story.events,
        ("id", "source", "op", "lane", "created_at", "claim", "done_at", "dead_at", "last_error"),
    )
    _listed("claims", story.claims, ("number", "lane", "keys", "begun_at", "ended_at", "worker", "outcome", "error"))


def _sides(story: Story) -> list[tuple[str, str, str, str]]:
    view, solr = story.view[0] if story.view else {}, story.solr or {}
    names = [*view, *(name for name in solr if name not in view and not name.startswith("_"))]
    return [("≠" if name in story.differing else "", name, _short(view, name), _short(solr, name)) for name in names]


def _short(values: dict[str, Any], name: str) -> str:
    if values.get(name) is None:
        return ""
    text = values[name] if isinstance(values[name], str) else orjson.dumps(values[name]).decode()
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def _listed(title: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    click.echo()
    table(title, columns, ([_cell(row[name]) for name in columns] for row in rows))


def _cell(value: Any) -> str:
    return f"{value:%m-%d %H:%M:%S}" if hasattr(value, "strftime") else "" if value is None else str(value)[:_MOST]
