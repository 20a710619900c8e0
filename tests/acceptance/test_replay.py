"""Replays, and TRUNCATE, which names no rows: whatever Solr has wrong, it equals the view afterwards."""

from __future__ import annotations

import subprocess
from functools import partial

import orjson

from tests.acceptance.conftest import LAYERS, MANY, Catalogue
from tests.pipeline import until

FANOUT = "SELECT id, done_at IS NOT NULL, coalesce((progress ->> 'keys')::int, 0) FROM outbox.event WHERE key IS NULL"
EXPANDED = "SELECT count(*), count(DISTINCT key) FROM outbox.event WHERE cause = %s"
LOST = "SELECT uuid::text FROM catalogue.layer WHERE id = 3"


def test_a_replay_mends_what_solr_lacks_what_it_has_too_much_and_what_is_old(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    row = catalogue.connection.execute(LOST).fetchone()
    assert row is not None
    lost, ghost = str(row[0]), "00000000-0000-4000-8000-000000000000"
    _post(catalogue, {"delete": [lost]}, [{"id": ghost, "title": "gone long ago", "src_version": 1}])
    catalogue.connection.execute("ALTER TABLE catalogue.layer DISABLE TRIGGER USER")
    catalogue.connection.execute("UPDATE catalogue.layer SET title = 'unseen' WHERE id IN (1, 2)")
    catalogue.connection.execute("ALTER TABLE catalogue.layer ENABLE TRIGGER USER")
    wrong = {line.split(":")[0].split(".")[0] for line in catalogue.differences()}
    assert len(wrong) == 4
    assert {lost, ghost} < wrong

    assert f"{LAYERS} documents" in catalogue.pipeline.run("replay", "layers", "--all", "--dry-run").stdout
    catalogue.pipeline.run("replay", "layers", "--all", "--wait")
    assert catalogue.differences() == []

    _post(catalogue, {"delete": [lost]})
    catalogue.pipeline.run("replay", "layers", "--key", lost.upper(), "--wait")
    assert catalogue.differences() == []


def test_after_a_truncate_of_the_root_no_document_is_left_and_of_a_link_table_none_is_wrong(
    catalogue: Catalogue,
) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    catalogue.connection.execute("TRUNCATE catalogue.layer_keyword")
    catalogue.drained()
    assert catalogue.differences() == []
    # One that no searcher shows yet, and one that is deleted in the same breath.
    catalogue.connection.execute("INSERT INTO catalogue.layer (name, title, owner_id) VALUES ('new', 'new', 1)")
    catalogue.connection.execute("TRUNCATE catalogue.layer CASCADE")
    catalogue.drained()
    assert catalogue.differences() == []
    answer = catalogue.solr.select(catalogue.collection, {"q": "*:*", "rows": 0})
    assert answer["response"]["numFound"] == 0


def _post(catalogue: Catalogue, *bodies: object) -> None:
    for body in bodies:
        verdict = catalogue.solr.update(catalogue.collection, orjson.dumps(body), commit_within_ms=1000)
        assert not verdict.words


def test_a_replay_whose_relay_is_killed_goes_on_where_it_was(large: Catalogue) -> None:
    large.pipeline.run("apply")
    large.pipeline.start(relays=0)
    killed_at = []
    for turn, keys in enumerate((MANY // 5, MANY // 2)):
        large.pipeline.spawn(f"relay-{turn}", "relay")
        until(partial(reached, large, keys), f"{keys} keys are enumerated")
        large.pipeline.kill(f"relay-{turn}")
        over, done = enumerated(large)
        assert not over
        killed_at.append(done)
    large.pipeline.spawn("relay", "relay")
    large.drained()
    (event, *_) = large.connection.execute(FANOUT).fetchone() or (0,)
    print(f"killed at {killed_at} of {MANY} keys")
    assert enumerated(large) == (True, MANY)
    assert large.connection.execute(EXPANDED, [event]).fetchone() == (MANY, MANY), "a chunk was enumerated twice"
    assert large.differences() == []


def reached(catalogue: Catalogue, keys: int) -> bool:
    """Whether so many keys are enumerated."""
    return enumerated(catalogue)[1] >= keys


def enumerated(catalogue: Catalogue) -> tuple[bool, int]:
    """Of the one fan-out: whether it is over, and how many keys it has become."""
    (row,) = catalogue.connection.execute(FANOUT).fetchall()
    return row[1], row[2]


def test_a_choice_of_documents_is_replayed_and_no_other(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start()
    catalogue.drained()
    rows = catalogue.connection.execute("SELECT uuid::text FROM catalogue.layer WHERE id <= 5 ORDER BY id").fetchall()
    keys = [row[0] for row in rows]
    assert replayed(catalogue, "--where", "id = ANY (SELECT uuid FROM catalogue.layer WHERE id <= 2)") == set(keys[:2])
    assert replayed(catalogue, "--keys-from", "-", stdin="\n".join(key.upper() for key in keys) + "\n\n") == set(keys)
    assert len(replayed(catalogue, "--since", "1h")) == LAYERS
    assert catalogue.differences() == []


def replayed(catalogue: Catalogue, *choice: str, stdin: str = "") -> set[str]:
    """What a replay enqueues and waits for; a dry run names the same number before."""
    (newest,) = catalogue.connection.execute("SELECT max(id) FROM outbox.event").fetchone() or (0,)
    dry = command(catalogue, "replay", "layers", *choice, "--dry-run", stdin=stdin)
    done = command(catalogue, "replay", "layers", *choice, "--wait", stdin=stdin)
    assert (dry.returncode, done.returncode) == (0, 0), dry.stderr + done.stderr
    found = catalogue.connection.execute("SELECT key, done_at FROM outbox.event WHERE id > %s", [newest]).fetchall()
    assert dry.stdout == f"{len(found)} documents would be enqueued\n"
    assert f"{len(found)} documents are enqueued" in done.stderr
    assert all(done_at for _, done_at in found)
    return {key for key, _ in found}


def command(catalogue: Catalogue, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`outbox` with something on its standard input."""
    pipeline = catalogue.pipeline
    program = [str(pipeline.programs / "outbox"), *arguments]
    environment = {"PATH": str(pipeline.programs), **pipeline.environment}
    return subprocess.run(program, env=environment, input=stdin, capture_output=True, text=True, timeout=300)


REFUSED = (
    (["--all", "--key", "7"], "say which documents, in one way: --all, --key K, --keys-from -"),
    (["--where", "nothing"], 'the condition is refused: column "nothing" does not exist'),
    (["--since", "soon"], "--since 'soon' is no time"),
    (["--keys-from", "-"], "among the keys 1 to 1, a key is not of the index's key type uuid"),
)


def test_a_choice_that_is_none_gets_one_sentence(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    for choice, words in REFUSED:
        refused = command(catalogue, "replay", "layers", *choice, stdin="seven\n")
        assert refused.returncode == 2
        assert words in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
