"""What the commands say and how they end, when something is wrong and when nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.conftest import Catalogue


def test_status_says_where_everything_stands(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    status = json.loads(catalogue.pipeline.run("status", "--json").stdout)
    (index,) = status["indexes"]
    assert {"name", "state", "pending_live", "pending_bulk", "oldest_s", "in_flight", "dead", "view_changed"} <= set(
        index
    )
    assert set(index["breaker"]) == {"state", "reason", "since"}
    assert (index["name"], index["state"], index["pending_bulk"]) == ("layers", "running", 1)
    assert status["relay"] == {"leader": None, "asleep": False}
    assert status["outbox"]["bytes"] > 0
    assert [queue["name"] for queue in status["queues"]] == ["outbox.live", "outbox.bulk"]
    said = catalogue.pipeline.run("status").stdout
    assert "none runs: start `relay`" in said
    assert "start `celery -A outbox.worker worker -Q outbox.live`" in said


def test_plan_shows_what_was_found_in_the_view(catalogue: Catalogue) -> None:
    said = catalogue.pipeline.run("plan").stdout
    assert 'root "catalogue"."layer", key uuid' in said
    for words in ("title_s", "bbox_heatmap", "layer_keyword", "gn_description", "make the collection layers_1"):
        assert words in said
    assert "catalogue.category: its most used row is on " in said
    ddl = catalogue.pipeline.run("plan", "--sql").stdout
    assert ddl.count("CREATE TRIGGER") == 21
    assert "popular_count" not in ddl


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["replay", "layers"], 2, "say which documents, in one way: --all, --key K"),
        (["replay", "nothing", "--all"], 1, "the index 'nothing' is not applied in this database"),
        (["apply", "nothing"], 1, "defines no index 'nothing'; it defines: layers"),
        (["wait", "--timeout", "soon"], 2, "'soon' is not a valid float range"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
    ],
)
def test_wrong_arguments_get_one_sentence(
    catalogue: Catalogue, arguments: list[str], exit_code: int, words: str
) -> None:
    assert words in catalogue.pipeline.run(*arguments, expect=exit_code).stderr


def test_a_replay_of_a_key_that_is_none_is_refused(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    said = catalogue.pipeline.run("replay", "layers", "--key", "seven", expect=2).stderr
    assert "is not of the index's key type uuid" in said


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("OUTBOX_DATABASE_URL", "postgresql://u:geheim@127.0.0.1:1/x", "Postgres at 127.0.0.1:1/x cannot be reached"),
        ("OUTBOX_SOLR_URL", "http://127.0.0.1:1/solr", "Connection refused"),
        ("OUTBOX_CONFIG", "absent.toml", "absent.toml does not exist"),
    ],
)
def test_a_server_or_file_that_is_not_there_gets_one_sentence_without_secrets(
    catalogue: Catalogue, variable: str, value: str, words: str
) -> None:
    catalogue.pipeline.environment[variable] = value
    said = catalogue.pipeline.run("apply", expect=1).stderr
    assert words in said
    assert "geheim" not in said
    assert "Traceback" not in said


def test_a_database_that_was_never_migrated_gets_the_cure(catalogue: Catalogue) -> None:
    catalogue.connection.execute("DROP SCHEMA outbox CASCADE")
    assert "run `outbox migrate`" in catalogue.pipeline.run("apply", expect=1).stderr


def test_a_view_that_cannot_be_captured_is_refused_with_every_problem_and_nothing_is_made(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    catalogue.connection.execute(
        "CREATE VIEW catalogue.bad AS SELECT layer.uuid AS id, now() AS at, to_jsonb(layer.title) AS title "
        "FROM catalogue.layer CROSS JOIN catalogue.region"
    )
    config = tmp_path / "bad.toml"
    config.write_text('[index.bad]\nview = "catalogue.bad"\n')
    catalogue.pipeline.environment["OUTBOX_CONFIG"] = str(config)
    said = catalogue.pipeline.run("apply", expect=1).stderr
    for code in ("[volatile-function]", "[column-type]", "[no-way]"):
        assert code in said
    made = catalogue.connection.execute("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'outbox%'").fetchone()
    assert made == (0,)


def test_a_collection_of_somebody_else_is_not_touched(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.connection.execute("DELETE FROM outbox.event")
    catalogue.connection.execute("DELETE FROM outbox.target")
    catalogue.connection.execute("DELETE FROM outbox.index")
    catalogue.pipeline.run("apply")  # the same database and index: the stamp is ours
    config = Path(catalogue.pipeline.environment["OUTBOX_CONFIG"]).read_text("utf-8")
    other = catalogue.pipeline.logs / "other.toml"
    other.write_text(config.replace("[index.layers]", '[index.other]\ncollection = "layers"'))
    catalogue.pipeline.environment["OUTBOX_CONFIG"] = str(other)
    said = catalogue.pipeline.run("apply", expect=1).stderr
    assert "give `collection` another name" in said


def test_dead_events_are_shown_tried_again_and_discarded(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.connection.execute("UPDATE outbox.event SET dead_at = now(), last_error = 'immense term' WHERE op = 'R'")
    (listed,) = json.loads(catalogue.pipeline.run("dead", "list", "--json").stdout)
    shown = catalogue.pipeline.run("dead", "show", str(listed["id"])).stdout
    assert "immense term" in shown
    assert "1 dead events are tried again" in catalogue.pipeline.run("dead", "retry", str(listed["id"])).stderr
    assert "no dead events" in catalogue.pipeline.run("dead", "list").stdout
    said = catalogue.pipeline.run("dead", "retry", str(listed["id"]), expect=2).stderr
    assert "1 of these IDs are no dead events" in said
    assert "say which dead events" in catalogue.pipeline.run("dead", "discard", expect=2).stderr
    assert "0 dead events are discarded" in catalogue.pipeline.run("dead", "discard", "--index", "layers").stderr
    assert "there is no event 99" in catalogue.pipeline.run("dead", "show", "99", expect=2).stderr
