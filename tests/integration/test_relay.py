"""Relay and workers as processes of their own, over an index that is made by hand: from an event to a document."""

from __future__ import annotations

from typing import Any

from kombu import Connection as Broker

from outbox.store import claims, indexes, targets
from outbox.store.claims import BULK_QUEUE, Lane, Outcome
from tests.integration.desk import Desk
from tests.integration.hand_made import add, insert_items, states, take
from tests.pipeline import Pipeline, until


def test_an_event_becomes_a_document_and_a_refused_one_holds_up_nothing(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, range(1, 9))
    desk.connection.execute("UPDATE shop.item SET code = 'none' WHERE id = 5")
    add(desk.connection, desk.place, "1", "2")
    add(desk.connection, desk.place, "3", "4", lane=Lane.REPLAY)
    pipeline.start(live=1, bulk=1)
    add(desk.connection, desk.place, "5", "6", "404")
    claims.wake(desk.connection)
    keys = {"1", "2", "3", "4", "5", "6", "404"}
    until(lambda: all("waits" not in found for found in states(desk.connection).values()), "all is done or dead")
    assert states(desk.connection)["5"] == ["dead"]
    assert set(desk.solr.get("items_1", keys, fields="id")) == keys - {"5"}
    assert pipeline.stop("relay-0") == 0


def test_one_index_of_another_version_holds_up_no_other_and_what_changed_beneath_is_noticed(
    desk: Desk, pipeline: Pipeline
) -> None:
    other = indexes.register(desk.connection, "other")
    indexes.serve(desk.connection, other, "other_1")
    desk.connection.execute("UPDATE outbox.index SET definition = '{}', applied_at = now() WHERE id = %s", [other])
    insert_items(desk.connection, [1])
    pipeline.start(live=1, bulk=0)
    add(desk.connection, desk.place, "1")
    until(lambda: states(desk.connection) == {"1": ["done"]}, "the other index goes on", 20)
    assert pipeline.log("relay-0").count("index left alone") == 1
    (items, _) = until(lambda: (found := indexes.status(desk.connection))[0]["notices"] and found, "the look", 20)
    assert items["view_changed"]  # its fingerprint was made by hand
    assert pipeline.log("relay-0").count("changed beneath") == len(items["notices"])


def test_nothing_is_claimed_for_nobody_and_one_bulk_claim_waits_at_a_time(
    desk: Desk, pipeline: Pipeline, broker_url: str
) -> None:
    with Broker(broker_url) as broker:
        channel: Any = broker.channel()
        channel.queue_declare(BULK_QUEUE, durable=True, auto_delete=False)
        channel.basic_consume(BULK_QUEUE, callback=lambda _: None)  # one that is there, and begins nothing
        for lane in Lane:
            add(desk.connection, desk.place, lane.value, lane=lane)
        pipeline.start(live=0, bulk=0)
        until(lambda: indexes.relay(desk.connection)["asleep"], "the relay has nothing more to do")
        (survey,) = targets.survey(desk.connection)
        assert (survey.live, survey.live_in_flight, survey.bulk_unbegun) == (True, 0, 1)
        pipeline.stop_all()


def test_what_a_dead_relay_had_not_published_is_taken_back_at_once(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, [1])
    add(desk.connection, desk.place, "1")
    orphan = take(desk.connection, desk.place)
    assert orphan is not None
    pipeline.start(live=1, bulk=0)
    until(lambda: states(desk.connection) == {"1": ["done"]}, "it is claimed anew", 20)
    assert desk.outcome(orphan.number) == Outcome.NOT_PUBLISHED


def test_a_database_without_the_schema_is_one_sentence_and_exit_code_1(pipeline: Pipeline, empty_url: str) -> None:
    pipeline.environment["OUTBOX_DATABASE_URL"] = empty_url
    pipeline.start(live=0, bulk=0)
    assert pipeline.processes.pop("relay-0").wait(timeout=20) == 1
    last = pipeline.log("relay-0").splitlines()[-1]
    assert last == "relay: the schema outbox is missing in this database: run `outbox migrate`"
    assert "Traceback" not in pipeline.log("relay-0")


def test_a_relay_outlives_its_connection(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, [1, 2])
    pipeline.start(live=1, bulk=0)
    add(desk.connection, desk.place, "1")
    until(lambda: states(desk.connection).get("1") == ["done"], "the first is done")
    desk.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'outbox relay' AND datname = current_database()"
    )
    add(desk.connection, desk.place, "2")
    until(lambda: states(desk.connection)["2"] == ["done"], "the second is done", 20)
    assert "Postgres unavailable" in pipeline.log("relay-0")
