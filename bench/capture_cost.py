"""What capture costs the application's transactions: microseconds and WAL bytes for each row, beside no capture at all.

    python -m bench.capture_cost [--json] [--rounds 15] [--rows 2000] [--database-url URL …]

Each case is one statement over many rows of equal tables, with and without capture, in turns (ABBA), rolled back;
medians of the rounds. The microseconds are those that the backend was on a processor, by /proc of this machine, so that
other load counts little. Without addresses it starts a private Postgres 18 and, where there is one, 15; on a server
that others use, their WAL is counted too. The relay is awake, as under load: asleep it costs a transaction one NOTIFY.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import click
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from outbox import migrate
from outbox.capture.install import install
from outbox.capture.plan import analyse
from outbox.connection import Connection, connect
from outbox.errors import ViewRefused
from outbox.settings import IndexSettings
from outbox.sql import queries
from services.stack import Stack

_SQL = queries("bench", "capture_cost.sql")
CASES = {
    "document updated": ("document", "one"),
    "document updated, three indexes": ("document", "three"),
    "document inserted": ("inserted", "one"),
    "link inserted": ("link", "one"),
    "reference updated": ("reference", "one"),
    "untracked column updated": ("untracked", "one"),
    "untracked, three indexes": ("untracked", "three"),
}


# By schema the numbers of the indexes; each captured one has a twin that lives through the same.
_WORLDS: dict[str, tuple[int, ...]] = {"no_one": (), "one": (1,), "no_three": (), "three": (2, 3, 4)}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one row, without and with capture: microseconds, bytes of WAL, and events written by capture."""

    server: str
    case: str
    plain_us: float
    captured_us: float
    plain_wal: float
    captured_wal: float
    events: float

    @property
    def line(self) -> str:
        """One row of a Markdown table."""
        added, wal = self.captured_us - self.plain_us, self.captured_wal - self.plain_wal
        ratios = self.captured_us / self.plain_us, self.captured_wal / self.plain_wal
        return (
            f"| {self.server} | {self.case} | {self.plain_us:.1f} | {added:+.1f} | {ratios[0]:.1f} "
            f"| {self.plain_wal:.0f} | {wal:+.0f} | {ratios[1]:.1f} | {self.events:g} |"
        )


HEAD = (
    "| Postgres | each row | µs | capture µs | ratio | WAL bytes | capture WAL | ratio | events |\n" + "|---" * 9 + "|"
)


@contextmanager
def worlds(server_url: str, rows: int) -> Iterator[Connection]:
    """A database of its own with the tables without capture, with one index and with three; dropped in the end."""
    name = f"bench_{time.time_ns()}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = make_conninfo(server_url, dbname=name)
        try:
            migrate.upgrade(url)
            with connect(url, application="bench", autocommit=True) as connection:
                for schema, indexes in _WORLDS.items():
                    _make(connection, url, schema, (rows, indexes))
                yield connection
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def as_users_connect(ours: Connection) -> Connection:
    """A session in the same database without our settings: those keep no plan, and each row would pay for planning."""
    return psycopg.connect(ours.info.dsn, password=ours.info.password, options="", autocommit=True)


def _make(connection: Connection, url: str, schema: str, how: tuple[int, Sequence[int]]) -> None:
    rows, indexes = how
    parts = {"schema": sql.Identifier(schema), "rows": sql.Literal(rows)}
    connection.execute(sql.SQL(_SQL["tables"]).format(**parts), prepare=False)
    connection.execute(sql.SQL(_SQL["view"]).format(**parts))
    settings = IndexSettings(view=f"{schema}.search", collection="bench")
    for index in indexes:
        analysis = analyse(connection, settings, "bench")
        if analysis.definition is None:
            raise ViewRefused("\n".join(map(str, analysis.problems)))
        install(url, index, analysis.definition, lambda _: None)


def measure(connection: Connection, *, rows: int, rounds: int) -> list[Cost]:
    """Every case, in turns of without and with, with and without capture."""
    (server,) = connection.execute(_SQL["server"]).fetchone() or ("",)
    seen: dict[tuple[str, bool], list[tuple[float, float, int]]] = {}
    for turn in range(-1, rounds):  # the first one warms
        for schema in _WORLDS:
            connection.execute(sql.SQL(_SQL["clean"]).format(schema=sql.Identifier(schema)), prepare=False)
        for case, (statement, schema) in CASES.items():
            for captured in (False, True) if turn % 2 else (True, False):
                one = _run(connection, statement, schema if captured else f"no_{schema}", rows)
                if turn >= 0:
                    seen.setdefault((case, captured), []).append(one)
    return [_cost(server, case, seen[case, False], seen[case, True], rows) for case in CASES]


def _run(connection: Connection, statement: str, schema: str, rows: int) -> tuple[float, float, int]:
    """Seconds, bytes of WAL and events of one statement, which is rolled back."""
    text = sql.SQL(_SQL[statement]).format(schema=sql.Identifier(schema), rows=sql.Literal(rows))
    with connection.transaction(force_rollback=True):
        before = _number(connection, "lsn")
        begin = _on_processor_s(connection)
        connection.execute(text)
        seconds = _on_processor_s(connection) - begin
        return seconds, _number(connection, "lsn") - before, _number(connection, "events")


def _on_processor_s(connection: Connection) -> float:
    """How long the backend of the connection has computed; it runs on this machine."""
    return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text("ascii").split()[0]) / 1e9


def _number(connection: Connection, query: str) -> int:
    row = connection.execute(_SQL[query]).fetchone()
    return int(row[0]) if row else 0


def _cost(
    server: str,
    case: str,
    plain: Sequence[tuple[float, float, int]],
    captured: Sequence[tuple[float, float, int]],
    rows: int,
) -> Cost:
    def middle(place: int, of: Sequence[tuple[float, float, int]]) -> float:
        return median(one[place] for one in of) / rows

    return Cost(
        server=server,
        case=case,
        plain_us=middle(0, plain) * 1e6,
        captured_us=middle(0, captured) * 1e6,
        plain_wal=middle(1, plain),
        captured_wal=middle(1, captured),
        events=middle(2, captured),
    )


@contextmanager
def servers(given: Sequence[str]) -> Iterator[list[str]]:
    """The addresses that were given, or those of private servers."""
    if given:
        yield list(given)
        return
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        running = stack.enter_context(Stack(Path(folder), with_pg15=True, without=("rabbitmq", "solr")))
        found = running.endpoints()
        yield [url for url in (found.database_url, found.pg15_url) if url]


@click.command(help=__doc__.partition("\n")[0])
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of a Markdown table.")
@click.option("--rounds", default=15, show_default=True, help="How often each case runs, with and without.")
@click.option("--rows", default=2000, show_default=True, help="Rows of each statement.")
@click.option("--database-url", multiple=True, help="A superuser's address of a server; may be given several times.")
def main(*, as_json: bool, rounds: int, rows: int, database_url: tuple[str, ...]) -> None:
    """The command."""
    costs: list[Cost] = []
    with servers(database_url) as urls:
        for url in urls:
            with worlds(url, rows) as ours, as_users_connect(ours) as connection:
                costs += measure(connection, rows=rows, rounds=rounds)
    click.echo(
        json.dumps([asdict(one) for one in costs]) if as_json else "\n".join([HEAD, *(one.line for one in costs)])
    )


if __name__ == "__main__":
    main()
