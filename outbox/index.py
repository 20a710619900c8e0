"""The definition of an index: what `apply` found in the view, and the SQL composed from it.

`apply` writes it to `outbox.index.definition`; relay and workers read it there and nowhere else, so that a view or a
settings file edited since then changes nothing until the next `apply`. All SQL in it is composed by `outbox.capture`
from Postgres' own catalogue, with every identifier quoted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from outbox.errors import IndexRefused

LIVE_MOST = 500
"""Documents of a fan-out that live changes may wait for; a larger one goes to the bulk queue."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the document view and the Solr field that it becomes.

    `expression` is SQL over the row alias `d` of the view and gives what JSON shall show, e.g. a UTC time with `Z`.
    """

    name: str
    postgres_type: str
    solr_type: str
    multivalued: bool
    expression: str


@dataclass(frozen=True, slots=True)
class Tracked:
    """A column whose change alters documents.

    `as_text`: its text is compared, since its type has no equality, or one that is coarser than what the document shows
    (citext, numeric's trailing zeros, a box's area).
    """

    name: str
    as_text: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """A column whose value the trigger writes into `event.route`, as text, in the order of `Way.carried`.

    `required`: a row that has null there touches no document on this way, and writes no event for it.
    """

    name: str
    postgres_type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Way:
    """How a changed row of one occurrence of a table leads to the keys of the documents that show it.

    `number` is stored in `event.way`. `is_key`: the one carried value is the document's key itself, so that the trigger
    writes `event.key` and nothing has to be expanded; then `expand` and `enumerate` are empty.
    `expand` is a SELECT of (event id, key) with the parameters `ids` (bigint[]), `routes` (jsonb[]) and `most` (rows of
    one event at the most): of an event that has fewer rows the keys are distinct, and all are there; of one that gives
    `most` rows some may be twice, and more may be missing. `enumerate` is a SELECT of (key) with the parameters `route`
    (jsonb), `after` (text or null) and `most`, in the order of the key, for a way that leads to many documents.
    A route is a JSON array of one or two tuples (the old row's and the new row's), each an array of texts; of a
    `declared` way (SQL in the settings) always two, null where there was or is no row.
    """

    number: int
    table: str
    occurrence: str
    carried: tuple[Carried, ...]
    is_key: bool
    expand: str
    enumerate: str
    description: str
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table that the view reads: its tracked columns and the numbers of the ways from its occurrences.

    `relation` is quoted and qualified; `tracked` is empty where only insert and delete matter (`count(*)`).
    `root`: its rows are the documents. `everything`: any change of it re-indexes all documents. `partition`: its row
    triggers come from its parent, and only TRUNCATE needs one of its own.
    """

    relation: str
    oid: int
    tracked: tuple[Tracked, ...]
    ways: tuple[int, ...]
    root: bool = False
    everything: bool = False
    partition: bool = False


@dataclass(frozen=True, slots=True)
class OwnFields:
    """The names in Solr of the fields that are ours."""

    version: str
    deleted: str
    hash: str


@dataclass(frozen=True, slots=True)
class Target:
    """How documents are written: what of the settings relay and workers need to know.

    `adopt`: the collection may carry another database's stamp, or none.
    """

    commit_within_ms: int
    settle_ms: int
    deletes: str
    fence: bool
    scope: str
    own_fields: OwnFields
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """One index as it is applied.

    `view`, `root` are quoted and qualified, `key` is the root's column, `key_type` the type of the view's `id`.
    `read` is the worker's statement: one row (key, document, hash) for each key of the claim `number`, document (JSON
    as text) and hash null where the view does not return the key, the document alone null where it has more than 64 MB;
    a key that the view returns twice comes twice.
    `enumerate` gives the view's keys as text with the parameters `after` (text or null) and `most`, in key order.
    `fingerprint` is that of the view's text and of its nested views'.
    """

    name: str
    view: str
    root: str
    key: str
    key_type: str
    fields: tuple[Field, ...]
    tables: tuple[Table, ...]
    ways: tuple[Way, ...]
    read: str
    enumerate: str
    capture: str
    target: Target
    fingerprint: str

    def as_json(self) -> dict[str, Any]:
        """The definition as it stands in `outbox.index.definition`."""
        return asdict(self)

    def way(self, number: int) -> Way:
        """The way of that number; KeyError when the index has none."""
        for way in self.ways:
            if way.number == number:
                return way
        raise KeyError(number)


def from_json(raw: dict[str, Any]) -> Definition:
    """The inverse of `Definition.as_json`. IndexRefused if another version of this program wrote it."""
    try:
        return _definition(raw)
    except (KeyError, TypeError) as error:
        raise unreadable(str(raw.get("name"))) from error


def unreadable(name: str) -> IndexRefused:
    """What is said of a definition that this program cannot read."""
    return IndexRefused(
        f"the definition of the index {name} was written by another version of solr-outbox: run `outbox apply`"
    )


def _definition(raw: dict[str, Any]) -> Definition:
    target = dict(raw["target"])
    target["own_fields"] = OwnFields(**target["own_fields"])
    return Definition(
        **{
            **raw,
            "fields": tuple(Field(**field) for field in raw["fields"]),
            "tables": tuple(_table(table) for table in raw["tables"]),
            "ways": tuple(_way(way) for way in raw["ways"]),
            "target": Target(**target),
        }
    )


def _table(raw: dict[str, Any]) -> Table:
    tracked = tuple(Tracked(**column) for column in raw["tracked"])
    return Table(**{**raw, "tracked": tracked, "ways": tuple(raw["ways"])})


def _way(raw: dict[str, Any]) -> Way:
    return Way(**{**raw, "carried": tuple(Carried(**column) for column in raw["carried"])})
