"""Random tables: many types, few values, so that joins hit and nulls occur; with and without keys between them.

Each table has a column `spare` that no view reads, and at least one integer, one text and one of digits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

UUIDS = tuple(f"'0000000{number}-0000-0000-0000-000000000000'" for number in range(1, 7))
NULL = "NULL"
IDS = tuple(map(str, range(1, 7)))


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of columns: its SQL type and the literals that it is filled with. `exact`: equal values have one text."""

    sql: str
    values: tuple[str, ...]
    exact: bool = True


KINDS = {
    "n": Kind("integer", ("1", "2", "3", NULL)),
    "big": Kind("bigint", ("1", "2", "3", NULL)),
    "t": Kind("text", ("'1'", "'2'", "'a'", "'A'", "'b'", "''", NULL)),
    "vc": Kind("varchar(9)", ("'a'", "'B'", "'2'", NULL)),
    "dig": Kind("text", ("'1'", "'2'", "'02'", "'3'", NULL)),
    "num": Kind("numeric", ("1", "1.0", "1.00", "2", NULL), exact=False),
    "ts": Kind("timestamptz", ("'2024-01-01 00:00Z'", "'2024-05-05 12:00Z'", "'infinity'", NULL)),
    "d": Kind("date", ("'2024-01-01'", "'2024-05-05'", NULL)),
    "b": Kind("boolean", ("true", "false", NULL)),
    "en": Kind("s.mood", ("'a'", "'b'", "'2'", NULL)),
    "js": Kind("json", ("'{\"k\": 1}'", "'{\"k\":1}'", "'[1]'", NULL), exact=False),
    "jb": Kind("jsonb", ("'{\"k\": 1}'", '\'{"k": "a"}\'', "'[1]'", NULL)),
    "na": Kind("integer[]", ("'{1,2}'", "'{3}'", "'{}'", "'{NULL,1}'", NULL)),
    "ta": Kind("text[]", ("'{a,b}'", "'{1,2}'", "'{}'", "'{NULL,a}'", NULL)),
    "pt": Kind("point", ("'(1,2)'", "'(1,3)'", NULL), exact=False),
}
ALWAYS = ("n", "t", "dig")
FORMS = ("", "", "", "partitions", "children")
ACTIONS = ("", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE ON DELETE CASCADE")


@dataclass(slots=True)
class Table:
    """One table. `columns`: name to kind, without keys; `refs`: column to the table whose `id` it may be."""

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ddl: str = ""
    children: tuple[str, ...] = ()

    def of(self, *kinds: str) -> list[str]:
        """Its columns of these kinds."""
        return [name for name, kind in self.columns.items() if kind in kinds]

    def values(self, column: str) -> tuple[str, ...]:
        """The literals that a column is filled with."""
        if column == "spare":
            return KINDS["t"].values
        if column in self.keys:
            return self.keys[column]
        return KINDS["n"].values if column in self.refs else KINDS[self.columns[column]].values

    def value(self, dice: Random, column: str) -> str:
        """One of them; null in a sixth of the draws."""
        values = [one for one in self.values(column) if one != NULL]
        return NULL if dice.random() < 1 / 6 and column not in self.keys else dice.choice(values)

    @property
    def written(self) -> list[str]:
        """All columns."""
        return [*self.keys, *self.refs, *self.columns, "spare"]


@dataclass(slots=True)
class World:
    """The tables by name, in an order in which they can be filled; `key` is the root's column that views show."""

    tables: dict[str, Table]
    key: str

    @property
    def ddl(self) -> list[str]:
        """The statements that make it."""
        return ["CREATE SCHEMA s", "CREATE TYPE s.mood AS ENUM ('a', 'b', '2')", *(t.ddl for t in self.tables.values())]


REFS: dict[str, dict[str, str]] = {
    "pair": {},
    "c": {},
    "b": {"c_id": "c"},
    "a": {"b_id": "b", "a_id": "a"},
    "doc": {"a_id": "a", "b_id": "b", "doc_id": "doc"},
    "link": {"doc_id": "doc", "c_id": "c", "a_id": "a"},
}


def make(dice: Random, *, split: bool = False) -> World:
    """A world; `doc` holds the documents. `split`: every table has partitions or children."""
    uuid = not split and dice.random() < 0.4
    tables = {name: _table(dice, name, refs, uuid=uuid) for name, refs in REFS.items()}
    world = World(tables, "uuid" if uuid else "id")
    for table in tables.values():
        table.ddl = _ddl(dice, world, table, FORMS[3:] if split else FORMS)
    return world


def _table(dice: Random, name: str, refs: dict[str, str], *, uuid: bool) -> Table:
    kinds = [*ALWAYS, *dice.sample([kind for kind in KINDS if kind not in ALWAYS], 4)]
    if dice.random() < 0.3:
        kinds.append(dice.choice(ALWAYS))
    columns = {f"{kind}{number}": kind for number, kind in enumerate(kinds, 1)}
    keys: dict[str, tuple[str, ...]] = {"x": ("1", "2"), "y": ("1", "2", "3")} if name == "pair" else {"id": IDS}
    if name == "doc":
        columns |= {"px": "n", "py": "n"}
        if uuid:
            keys["uuid"] = UUIDS
    return Table(name, columns, dict(refs), keys)


def _ddl(dice: Random, world: World, table: Table, forms: tuple[str, ...]) -> str:
    primary = f"PRIMARY KEY ({'x, y' if table.name == 'pair' else 'id'})"
    rest = [f"{name} {'uuid' if name == 'uuid' else 'integer'} NOT NULL" for name in table.keys]
    rest += [f"{column} integer" for column in table.refs]
    rest += [f"{name} {KINDS[kind].sql}" for name, kind in table.columns.items()]
    rest += ["spare text"]
    form = dice.choice(forms) if table.name != "doc" or world.key == "id" else ""
    if form != "children":
        rest += [primary]
        rest += ["UNIQUE (uuid)"] if "uuid" in table.keys else []
    else:
        rest += [primary] if table.name == "doc" or dice.random() < 0.5 else []
        rest += ["CHECK (id < 5) NO INHERIT"] if table.name == "doc" else []  # no two documents of one id
    if form != "children":  # Postgres would look for the key in the parent alone
        rest += [one for column, other in table.refs.items() if (one := _foreign(dice, world, column, other))]
    text = f"CREATE TABLE s.{table.name} ({', '.join(rest)})"
    return text + _split(table, form)


def _foreign(dice: Random, world: World, column: str, other: str) -> str:
    plain = "INHERITS" not in world.tables[other].ddl and (world.tables[other].ddl or column == "doc_id")
    if not plain or dice.random() < 0.5:
        return ""
    deferred = dice.choice(("", " DEFERRABLE INITIALLY DEFERRED"))
    return f"FOREIGN KEY ({column}) REFERENCES s.{other} (id){dice.choice(ACTIONS)}{deferred}"


def _split(table: Table, form: str) -> str:
    if not form:
        return ""
    table.children = (f"{table.name}_1", f"{table.name}_2")
    one, two = (f"CREATE TABLE s.{child}" for child in table.children)
    if form == "partitions":
        key = "y" if table.name == "pair" else "id"
        part = f"PARTITION OF s.{table.name}"
        return f" PARTITION BY LIST ({key}); {one} {part} FOR VALUES IN (1, 3, 5); {two} {part} DEFAULT"
    ids = ("", "")
    if table.name == "doc":
        ids = "PRIMARY KEY (id), CHECK (id = 5) NO INHERIT", ", PRIMARY KEY (id), CHECK (id = 6)"
    return f"; {one} ({ids[0]}) INHERITS (s.{table.name}); {two} (more text{ids[1]}) INHERITS (s.{table.name}_1)"
