"""The world with the whole pipeline behind it: applied, relay and workers as processes, each as its plain role."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from outbox.solr.client import Address, Solr
from tests import oracle
from tests.acceptance.statements.entries import EVERYTHING, INDEXES
from tests.acceptance.statements.world import ROLES_SQL, VIEWS, World, settings_of
from tests.pipeline import Pipeline, until


@dataclass(frozen=True, slots=True)
class Piped:
    """`reader` is of the superuser; `collections` are those that serve, by index."""

    world: World
    pipelines: Mapping[str, Pipeline]
    solr: Solr
    reader: psycopg.Connection[TupleRow]
    collections: Mapping[str, str]

    def number(self, query: str) -> int:
        """The one number that a query gives."""
        row = self.world.admin.execute(ROLES_SQL[query]).fetchone()
        assert row is not None
        return int(row[0])

    def drained(self) -> None:
        """Wait until every event is done."""

        def done() -> bool:
            self.world.admin.execute(ROLES_SQL["again"])
            return self.number("waiting") == 0

        until(done, "every event is done or dead")

    def refill(self, touched: Mapping[str, frozenset[str]]) -> None:
        """The rows as every statement finds them, unseen; then the documents of these keys."""
        self.world.refill_unseen()
        for index, keys in touched.items():
            every = self._all(index) if EVERYTHING in keys else frozenset()
            wanted = sorted((keys | every) - {EVERYTHING})
            self.world.admin.execute(ROLES_SQL["enqueue"], {"index": index, "keys": wanted})
        self.drained()

    def _all(self, index: str) -> frozenset[str]:
        """Every key of a view, and of its collection."""
        answer = self.solr.select(self.collections[index], {"q": "*:*", "fl": "id", "rows": 1000})
        return frozenset(self._of_view(index, "keys")) | {one["id"] for one in answer["response"]["docs"]}

    def digest(self, index: str) -> list[str]:
        """Another one means that some document of the view is another."""
        return self._of_view(index, "digest")

    def _of_view(self, index: str, query: str) -> list[str]:
        view = sql.Identifier(*VIEWS[index].split("."))
        return [row[0] for row in self.world.admin.execute(sql.SQL(ROLES_SQL[query]).format(view=view))]

    def differences(self, index: str) -> list[str]:
        """What in Solr is otherwise than in the view."""
        return oracle.differences(self.reader, self.solr, self.collections[index], VIEWS[index])

    def now(self) -> datetime:
        """The server's time."""
        row = self.world.admin.execute(ROLES_SQL["now"]).fetchone()
        assert row is not None and isinstance(row[0], datetime)
        return row[0]

    def keys(self, since: datetime) -> dict[str, frozenset[str]]:
        """The keys that the relay made of the events since then, by index; EVERYTHING alone where all was meant."""
        found: dict[str, set[str]] = {name: set() for name in INDEXES}
        for name, _, key, way, _ in self.world.admin.execute(ROLES_SQL["events"], {"since": since}).fetchall():
            if key is not None:
                found[name].add(key)
            elif way is None:
                found[name].add(EVERYTHING)
        everything = frozenset({EVERYTHING})
        return {name: everything if EVERYTHING in keys else frozenset(keys) for name, keys in found.items()}


def configuration() -> str:
    """The outbox.toml of the three indexes."""
    lines = []
    for index in INDEXES:
        given = settings_of(index)
        lines += [f"[index.{index}]", f"view = {json.dumps(given['view'])}"]
        ways = given["ways"]
        assert isinstance(ways, dict)
        lines += [f"[index.{index}.ways]", *(f"{json.dumps(table)} = {json.dumps(way)}" for table, way in ways.items())]
    return "\n".join(lines) + "\n"


@contextmanager
def piped(world: World, *, broker_url: str, solr_url: str, folder: Path) -> Iterator[Piped]:
    """Applied by the applier, and drained."""
    config = folder / "outbox.toml"
    config.write_text(configuration(), "utf-8")
    given = {"OUTBOX_BROKER_URL": broker_url, "OUTBOX_SOLR_URL": solr_url, "OUTBOX_CONFIG": str(config)}
    pipelines = {
        role: Pipeline({**given, "OUTBOX_DATABASE_URL": world.url_of(role)}, folder) for role in ("applier", "relay")
    }
    pipelines["applier"].run("apply")
    running = pipelines["relay"]
    try:
        running.start(live=1, bulk=1)
        running.run("wait", "--timeout", "60")
        collections: dict[str, str] = dict(world.admin.execute(ROLES_SQL["applied"]).fetchall())
        with psycopg.connect(world.url) as reader:
            yield Piped(world, pipelines, Solr(Address(solr_url)), reader, collections)
    finally:
        running.stop_all()
