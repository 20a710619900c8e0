"""The tables of the schema `outbox`, as SQLAlchemy knows them: for Alembic's comparison and the queries of the CLI.

The migrations' SQL is the original; a test lets Alembic compare the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REGCLASS
from sqlalchemy.types import UserDefinedType

SCHEMA = "outbox"
metadata = MetaData(schema=SCHEMA)
_timestamp = DateTime(timezone=True)
_FAILED = "the claim that failed last; a probe takes none of its keys while others wait"
_CHECKED = "the start of the server under which it was compared with the ledger"
_RECHECK = "when versions above recheck_above, to recheck_to, are looked for again"
_SUSPECTS = "its keys are suspects: one such claim of a target is in flight at the most"
lane = Enum("live", "fanout", "replay", name="lane", schema=SCHEMA, metadata=metadata)


class InternalChar(UserDefinedType[str]):
    """Postgres' one-byte type `"char"`."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in DDL."""
        return '"char"'


index = Table(
    "index",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("applied_at", _timestamp),
    Column("view_changed_at", _timestamp),
    Column("paused_until", _timestamp),
    Column("name", Text, nullable=False, unique=True),
    Column("definition", JSONB),
    Column("detached_at", _timestamp),
    Column("baseline", JSONB),
    Column("notices", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    comment="the applied document views, each with the SQL composed from it",
)

target = Table(
    "target",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("index", SmallInteger, ForeignKey(index.c.id), nullable=False),
    Column("batch", Integer),
    Column("failed", BigInteger, comment=_FAILED),
    Column("checked_server", _timestamp, comment=_CHECKED),
    Column("recheck_at", _timestamp, comment=_RECHECK),
    Column("recheck_above", BigInteger),
    Column("recheck_to", BigInteger),
    Column("retry_at", _timestamp),
    Column("failing_since", _timestamp),
    Column("collection", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("proof", JSONB),
    Column("swapped", Text),
    Column("rewound", JSONB),
    comment="the collections of each index, and whether writing to them is suspended",
)
Index("target_serving", target.c.index, unique=True, postgresql_where=text("state = 'serving'"))

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(always=True, cache=32), primary_key=True),
    Column("created_at", _timestamp, nullable=False, server_default=text("clock_timestamp()")),
    Column("available_at", _timestamp, nullable=False, server_default=text("now()")),
    Column("claim", BigInteger),
    Column("done_at", _timestamp),
    Column("dead_at", _timestamp),
    Column("cause", BigInteger, comment="the fan-out event that this one was expanded from"),
    Column("source", REGCLASS),
    Column("lane", lane, nullable=False, server_default=text("'live'::outbox.lane")),
    Column("index", SmallInteger, nullable=False),
    Column(
        "target",
        SmallInteger,
        nullable=False,
        server_default=text("0"),
        comment="0: whichever target serves; else the building or standby target of that id",
    ),
    Column("suspect", SmallInteger, nullable=False, server_default=text("0")),
    Column("way", SmallInteger),
    Column("op", InternalChar(), nullable=False, comment="I, U, D, T: what the statement did; R: a replay"),
    Column("key", Text, comment="of the document; null for a fan-out event, which the relay expands"),
    Column("route", JSONB),
    Column("progress", JSONB),
    Column("last_error", Text),
)
_pending = "key IS NOT NULL AND suspect = 0 AND done_at IS NULL AND dead_at IS NULL"
Index(
    "event_pending",
    *(event.c[name] for name in ("index", "target", "lane", "available_at", "id")),
    postgresql_where=text(_pending),
)
Index(
    "event_fanout",
    *(event.c[name] for name in ("index", "available_at", "id")),
    postgresql_where=text("key IS NULL AND done_at IS NULL AND dead_at IS NULL"),
)
_key = ("index", "target", "key")
Index("event_suspect", *(event.c[n] for n in _key), postgresql_where=text("suspect > 0 AND done_at IS NULL"))
Index("event_dead", *(event.c[n] for n in _key), postgresql_where=text("dead_at IS NOT NULL AND done_at IS NULL"))

claim = Table(
    "claim",
    metadata,
    Column("number", BigInteger, primary_key=True, comment="fencing token, and the documents' version in Solr"),
    Column("server", _timestamp, nullable=False, server_default=text("pg_postmaster_start_time()")),
    Column("created_at", _timestamp, nullable=False, server_default=text("clock_timestamp()")),
    Column("leased_until", _timestamp, nullable=False),
    Column("work_lease", Interval, nullable=False),
    Column("published_at", _timestamp),
    Column("begun_at", _timestamp),
    Column("ended_at", _timestamp),
    Column("lane", lane, nullable=False),
    Column("documents", Integer),
    Column("index", SmallInteger, nullable=False),
    Column("target", SmallInteger, nullable=False),
    Column("keys", ARRAY(Text), nullable=False),
    Column("events", ARRAY(BigInteger), nullable=False),
    Column("worker", Text),
    Column("outcome", Text),
    Column("error", Text),
    Column("suspects", Boolean, nullable=False, server_default=text("false"), comment=_SUSPECTS),
)
Index("claim_in_flight", claim.c.target, claim.c.number, postgresql_where=text("ended_at IS NULL"))
Index("claim_ended", claim.c.target, claim.c.ended_at)

relay = Table(
    "relay",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("asleep_until", _timestamp, nullable=False, server_default=text("'-infinity'::timestamptz")),
)

leader = Table(
    "leader",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("renewed_at", _timestamp, nullable=False, server_default=text("'-infinity'::timestamptz")),
    Column("holder", Text),
)
pruned = Table(
    "pruned",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column(
        "claims_before",
        _timestamp,
        nullable=False,
        server_default=text("'-infinity'::timestamptz"),
        comment="claims that ended before this may be gone",
    ),
)
# Set by SQL alone: Sequence objects of the metadata would be created for columns that do not use them.
CLAIM_NUMBER = f"{SCHEMA}.claim_number"
