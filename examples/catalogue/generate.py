"""Fill the catalogue: `python -m examples.catalogue.generate --layers 2000`, into OUTBOX_DATABASE_URL.

The rows go in through COPY, some thousands at a time, so memory does not grow with their number. One transaction: a
load that fails leaves nothing.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import attrgetter

from psycopg import sql

from examples.catalogue.layer import Layer, plain_layer
from examples.catalogue.oddities import with_oddity
from examples.catalogue.reference import Reference, reference
from outbox.connection import Connection, connect, where
from outbox.errors import OutboxError
from outbox.settings import load as load_settings
from outbox.sql import queries

_CHUNK = 5_000
_SCHEMA = queries("examples.catalogue", "schema.sql")
_LOAD = queries("examples.catalogue", "generate.sql")
_COLUMNS = tuple(name for name in Layer.__slots__ if name not in ("keywords", "regions"))
_as_row: Callable[[Layer], tuple[object, ...]] = attrgetter(*_COLUMNS)


class CatalogueNotEmpty(OutboxError):
    """There are layers already, which nobody said may go."""


def rows(count: int, seed: int) -> Iterator[Layer]:
    """The layers 1 to `count`, made one at a time as they are asked for."""
    for number in range(1, count + 1):
        yield with_oddity(plain_layer(number, seed))


def load(connection: Connection, *, layers: int, seed: int = 7, replace: bool = False) -> None:
    """Make the schema `catalogue` if it is missing, and fill it with that many layers of that seed.

    The same seed gives the same rows, ids and uuids. In its own transaction, unless one is open. With `replace` the
    rows that are there go first; the tables, their triggers and the view stay, so a capture sees it all. Raises
    CatalogueNotEmpty if there are layers and not `replace`; OutboxError where `outbox.envelope` is missing.
    """
    with connection.transaction():
        fresh = not _one(connection, "exists")
        if fresh:
            connection.execute(_SCHEMA["tables"])
        else:
            _empty(connection, replace=replace)
        _copy_reference(connection, reference())
        _copy_layers(connection, layers, seed)
        connection.execute(_LOAD["set_sequences"])
        if fresh:
            connection.execute(_SCHEMA["keys"])
        if not _one(connection, "has_view"):
            _make_view(connection)
        connection.execute(_LOAD["check_links"])
        connection.execute(_LOAD["analyze"])


def _one(connection: Connection, query: str) -> object:
    row = connection.execute(_LOAD[query]).fetchone()
    return row[0] if row else None


def _make_view(connection: Connection) -> None:
    if not _one(connection, "has_envelope"):
        database = connection.info.dbname
        raise OutboxError(f"the database {database} lacks outbox.envelope, which the view uses: run `outbox migrate`")
    connection.execute(queries("examples.catalogue", "view.sql")["layer_document"])


def _empty(connection: Connection, *, replace: bool) -> None:
    if _one(connection, "has_layers") and not replace:
        raise CatalogueNotEmpty(
            f"catalogue.layer in the database {connection.info.dbname} has rows already: "
            "give --replace to delete them, or name another database in OUTBOX_DATABASE_URL"
        )
    connection.execute(_LOAD["empty"])


def _copy_reference(connection: Connection, known: Reference) -> None:
    _copy(connection, "category", ("identifier", "gn_description", "description", "fa_class"), known.categories)
    _copy(connection, "person", ("username", "first_name", "last_name", "email"), known.people)
    _copy(connection, "keyword", ("name", "slug"), ((name, f"keyword-{n}") for n, name in enumerate(known.keywords, 1)))
    _copy(connection, "region", ("code", "name"), known.regions)


def _copy_layers(connection: Connection, count: int, seed: int) -> None:
    made = rows(count, seed)
    while chunk := list(islice(made, _CHUNK)):
        _copy(connection, "layer", _COLUMNS, map(_as_row, chunk))
        keywords = ((layer.id, keyword) for layer in chunk for keyword in layer.keywords)
        _copy(connection, "layer_keyword", ("layer_id", "keyword_id"), keywords)
        regions = ((layer.id, region) for layer in chunk for region in layer.regions)
        _copy(connection, "layer_region", ("layer_id", "region_id"), regions)


def _copy(connection: Connection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier("catalogue", table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text} is no number of layers: give 1 or more")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = ArgumentParser(prog="python -m examples.catalogue.generate", description="Fill the sample catalogue.")
    parser.add_argument("--layers", type=_positive, default=2000, help="how many layers (2000)")
    parser.add_argument("--seed", type=int, default=7, help="another seed gives other rows (7)")
    parser.add_argument("--replace", action="store_true", help="delete the layers that are there")
    parser.add_argument("--unless-there", action="store_true", help="if there are layers, leave them and do nothing")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        url = load_settings().database_url
        with connect(url, application="catalogue", statement_timeout_s=0) as connection:
            load(connection, layers=given.layers, seed=given.seed, replace=given.replace)
    except CatalogueNotEmpty as error:
        print(error, file=sys.stderr)
        return 0 if given.unless_there else error.exit_code
    except OutboxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{given.layers} layers in {where(url)}, schema catalogue, {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
