"""`check` of an applied index: each thing that can go wrong afterwards, and each server that can be away.

One applied index, one collection that somebody else made; what a case does to the database is rolled back.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection as Broker
from kombu import Consumer

from outbox import resources
from outbox.apply import apply
from outbox.check import everything
from outbox.connection import Connection, connect
from outbox.errors import OutboxError
from outbox.problems import Code, errors
from outbox.settings import Settings
from outbox.solr import collections
from outbox.solr.client import Address, Solr
from outbox.store.claims import BULK_QUEUE, LIVE_QUEUE
from outbox.worker.configuration import configuration
from services.endpoints import Endpoints
from tests.conftest import cloned
from tests.integration.captured import SQL
from tests.integration.checked import Case, said, settings

BEFORE = """CREATE TYPE s.mood AS ENUM ('good', 'bad'); ALTER TABLE s.layer ADD mood s.mood;
CREATE TABLE s.tag (layer_id integer, kind integer) PARTITION BY LIST (kind);
CREATE TABLE s.tag_1 PARTITION OF s.tag FOR VALUES IN (1);
CREATE INDEX ON s.layer (cat);
CREATE VIEW s.d AS SELECT l.uuid AS id, l.title, c.name, l.mood,
    (SELECT count(*) FROM s.tag t WHERE t.layer_id = l.id) AS tags
FROM s.layer l LEFT JOIN s.category c ON c.id = l.cat"""
WIDER = """CREATE OR REPLACE VIEW s.d AS SELECT l.uuid AS id, l.title, c.name, l.mood,
    (SELECT count(*) FROM s.tag t WHERE t.layer_id = l.id) AS tags, l.cat
FROM s.layer l LEFT JOIN s.category c ON c.id = l.cat"""
DROPPED = """DO $$ DECLARE t name; BEGIN
SELECT tgname INTO t FROM pg_trigger WHERE tgrelid = 's.category'::regclass AND tgname LIKE 'outbox%' LIMIT 1;
EXECUTE format('DROP TRIGGER %I ON s.category', t); END $$"""
ALTERED = """DO $$ DECLARE f name; BEGIN
SELECT proname INTO f FROM pg_proc WHERE proname LIKE 'capture%' AND pronamespace = 'outbox'::regnamespace LIMIT 1;
EXECUTE format('CREATE OR REPLACE FUNCTION outbox.%I() RETURNS trigger LANGUAGE plpgsql AS %L', f, 'BEGIN END');
END $$"""
NEVER = "DELETE FROM outbox.target; DELETE FROM outbox.event; DELETE FROM outbox.index"
READER = ("CREATE ROLE {role}", "GRANT UPDATE ON outbox.claim TO {role}")
NOBODY = "127.0.0.1:1"
VIEW = "s.d"

CASES = {
    "as it was applied": Case(set()),
    "never applied, nothing runs": Case(set(), (NEVER,), index={"collection": "{new}"}, consumers=()),
    "the view shows more": Case({(Code.VIEW_CHANGED, VIEW), (Code.FIELD_MISSING, "{serving}.cat")}, (WIDER,)),
    "a label renamed": Case({(Code.VIEW_CHANGED, VIEW)}, ("ALTER TYPE s.mood RENAME VALUE 'bad' TO 'evil'",)),
    "the view is gone": Case({(Code.VIEW_MISSING, "s.d")}, ("DROP VIEW s.d",)),
    "other settings": Case({(Code.SETTINGS_CHANGED, "s.d")}, index={"commit_within": "5s"}),
    "a type given": Case(
        {(Code.SETTINGS_CHANGED, "s.d"), (Code.FIELD_KIND, "{serving}.title")}, index={"fields": {"title": "string"}}
    ),
    "applied by another version": Case(
        {(Code.SETTINGS_CHANGED, "s.d")}, ("UPDATE outbox.index SET definition = definition - 'read'",)
    ),
    "another text of a statement": Case(
        {(Code.SETTINGS_CHANGED, "s.d")},
        ("UPDATE outbox.index SET definition = jsonb_set(definition, '{{enumerate}}', '\"SELECT 1\"')",),
    ),
    "detached": Case({(Code.DETACHED, "s.d")}, ("UPDATE outbox.index SET detached_at = now()",), consumers=()),
    "a trigger dropped": Case({(Code.TRIGGER_MISSING, "s.category")}, (DROPPED,)),
    "triggers disabled": Case(
        {(Code.TRIGGER_DISABLED, "s.category")}, ("ALTER TABLE s.category DISABLE TRIGGER USER",)
    ),
    "a partition's triggers disabled": Case(
        {(Code.TRIGGER_DISABLED, "s.tag_1")}, ("ALTER TABLE s.tag_1 DISABLE TRIGGER USER",)
    ),
    "a new partition": Case(
        {(Code.TRIGGER_MISSING, "s.tag_2")}, ("CREATE TABLE s.tag_2 PARTITION OF s.tag FOR VALUES IN (2)",)
    ),
    "a function altered": Case({(Code.TRIGGER_CHANGED, "outbox")}, (ALTERED,)),
    "a role that may not read": Case({(Code.RIGHTS, VIEW)}, READER),
    "policies for that role": Case(
        {(Code.RIGHTS, VIEW), (Code.ROW_SECURITY, "s.layer")},
        (*READER, "ALTER TABLE s.layer ENABLE ROW LEVEL SECURITY"),
    ),
    "no collection": Case({(Code.COLLECTION_MISSING, "gone_9")}, ("UPDATE outbox.target SET collection = 'gone_9'",)),
    "no alias": Case({(Code.COLLECTION_MISSING, "{new}")}, index={"collection": "{new}"}),
    "searches go elsewhere": Case({(Code.COLLECTION_FOREIGN, "{bare}")}, index={"collection": "{bare}"}),
    "stamped by another": Case({(Code.COLLECTION_FOREIGN, "{serving}")}, name="other"),
    "somebody else's": Case(
        {
            (Code.COLLECTION_FOREIGN, "{bare}"),
            *((Code.FIELD_MISSING, f"{{bare}}.{name}") for name in ("src_version", "deleted")),
            *((Code.FIELD_KIND, f"{{bare}}.{name}") for name in ("src_hash", "title")),
            (Code.NO_FENCE, "{bare}"),
            (Code.NO_TOMBSTONES, "{bare}"),
        },
        (NEVER,),
        index={"collection": "{bare}"},
    ),
    "somebody else's, adopted, without what it lacks": Case(
        {
            (Code.FIELD_KIND, "{bare}.title"),
            *((Code.FIELD_MISSING, f"{{bare}}.{name}") for name in ("name", "tags", "mood")),
            (Code.NO_FENCE, "{bare}"),
            (Code.NO_TOMBSTONES, "{bare}"),
        },
        (NEVER,),
        index={
            "collection": "{bare}",
            "adopt": True,
            "fence": False,
            "deletes": "plain",
            "scope": "title:1",
            "own_fields": {"version": "", "deleted": "", "hash": ""},
        },
    ),
    "Solr is away": Case({(Code.SOLR_UNAVAILABLE, "Solr")}, addresses={"solr": f"http://{NOBODY}/solr"}),
    "RabbitMQ is away": Case(
        {(Code.BROKER_UNAVAILABLE, "RabbitMQ")}, addresses={"broker": f"amqp://u:geheim@{NOBODY}//"}
    ),
    "both are away, and the view was altered": Case(
        {(Code.SOLR_UNAVAILABLE, "Solr"), (Code.BROKER_UNAVAILABLE, "RabbitMQ"), (Code.VIEW_CHANGED, VIEW)},
        (WIDER,),
        addresses={"solr": "", "broker": ""},
    ),
    "no worker for the bulk queue": Case({(Code.NO_CONSUMER, BULK_QUEUE)}, consumers=(LIVE_QUEUE,)),
    "no worker": Case({(Code.NO_CONSUMER, LIVE_QUEUE), (Code.NO_CONSUMER, BULK_QUEUE)}, consumers=()),
    "no relay": Case({(Code.NO_RELAY, "relay")}, ("UPDATE outbox.leader SET renewed_at = '-infinity'",)),
}


@dataclass(frozen=True)
class World:
    """An applied index and what belongs to it; `names` are those of its collections, and of a role to be made."""

    connection: Connection
    addresses: dict[str, str]
    names: dict[str, str]


@pytest.fixture(scope="module")
def world(endpoints: Endpoints, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The index `d`, applied; and a collection that was made from another configset."""
    solr, alias = Solr(Address(endpoints.solr_url)), f"check_{secrets.token_hex(4)}"
    bare = f"{alias}_bare"
    with (
        cloned(endpoints.database_url, template) as url,
        connect(url, application="test", autocommit=True) as connection,
    ):
        addresses = {"database": url, "broker": endpoints.broker_url, "solr": endpoints.solr_url}
        connection.execute(SQL["tables"])
        connection.execute(BEFORE)
        apply(settings("d", {"collection": alias}, **addresses), "d", lambda _: None)
        collections.create(solr, bare, bare_configset(tmp_path_factory.mktemp("bare")))
        names = {"alias": alias, "serving": f"{alias}_1", "bare": bare, "new": f"{alias}_new", "role": alias}
        yield World(connection, addresses, names)
    solr.admin("/admin/collections", {"action": "DELETEALIAS", "name": alias})
    for name in (names["serving"], bare):
        solr.admin("/admin/collections", {"action": "DELETE", "name": name})
        solr.admin("/admin/configs", {"action": "DELETE", "name": name})


def bare_configset(folder: Path) -> Path:
    """Ours without version constraint, hiding filter and fields of our own, and with a title that is a number."""
    shutil.copytree(resources.configset(), folder, dirs_exist_ok=True)
    configuration, schema = folder / "solrconfig.xml", folder / "managed-schema.xml"
    text = re.sub(r"(?s)<processor class=\"solr.DocBased.*?</processor>", "", configuration.read_text("utf-8"))
    configuration.write_text(re.sub(r'(?s)<lst name="appends">.*?</lst>', "", text))
    text = re.sub(r'<field name="(src_version|deleted|outbox_stamp)".*?/>', "", schema.read_text("utf-8"))
    text = re.sub(
        r'<field name="src_hash" type="string"',
        '<field name="title" type="plong"/>\n<field name="src_hash" type="plong"',
        text,
    )
    schema.write_text(text)
    return folder


@contextmanager
def consumers(world: World, names: tuple[str, ...]) -> Iterator[None]:
    """A consumer for each of these queues; both queues are deleted afterwards."""
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(world.addresses["broker"]))
        channel: Any = broker.channel()
        for queue in configuration(settings("d", {}, **world.addresses))["task_queues"]:
            queue(channel).declare()
            stack.callback(channel.queue_delete, queue.name)
            if queue.name in names:
                stack.enter_context(Consumer(channel, [queue], accept=["json"]))
        yield


def settings_of(world: World, case: Case) -> Settings:
    """The settings of a case, with the names of this world in them."""
    index = {"collection": "{alias}", **case.index}
    named = {key: value.format(**world.names) if isinstance(value, str) else value for key, value in index.items()}
    return settings(case.name, named, **{**world.addresses, **case.addresses})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_finds_exactly_these(world: World, case: Case) -> None:
    connection = world.connection
    with consumers(world, case.consumers), connection.transaction(force_rollback=True):
        connection.execute("UPDATE outbox.leader SET holder = 'test', renewed_at = clock_timestamp() + interval '1 h'")
        for statement in case.statements:
            connection.execute(statement.format(**world.names).encode())
        groups = everything(connection, settings_of(world, case), [case.name])
    found = [problem for group in groups.values() for problem in group]
    assert said(found) == {(code, where.format(**world.names)) for code, where in case.expected}
    assert "geheim" not in str(found)


@pytest.mark.parametrize("case", ["a type given", "stamped by another", "Solr is away"])
def test_an_error_stops_apply(world: World, case: str) -> None:
    wanted, name = settings_of(world, CASES[case]), CASES[case].name
    groups = everything(world.connection, wanted, [name])
    assert errors([problem for group in groups.values() for problem in group])
    with pytest.raises(OutboxError):
        apply(wanted, name, lambda _: None)


def test_changes_nothing(world: World) -> None:
    solr = Solr(Address(world.addresses["solr"]))

    def state() -> list[Any]:
        names = [world.names["serving"], world.names["bare"]]
        tables = "SELECT (SELECT json_agg(i) FROM outbox.index AS i)::text, (SELECT count(*) FROM outbox.event)"
        return [
            *(solr.call("GET", f"/{name}/schema", {})["schema"] for name in names),
            world.connection.execute(tables).fetchall(),
        ]

    before = state()
    wanted = settings("d", {"collection": world.names["bare"]}, **world.addresses)
    assert everything(world.connection, wanted, ["d"])
    assert state() == before
