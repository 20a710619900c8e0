"""`outbox reindex`: a new collection takes the place of the old one while an application writes and searches go on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from outbox.solr import collections
from tests.acceptance.conftest import Catalogue, filled
from tests.acceptance.reindexing import PATIENCE_S, traffic
from tests.pipeline import until

LAYERS = 1000
MANY = 50_000
WORKING = ("command", "worker-bulk", "relay-0")
# One column added, one retyped, one removed.
OTHER = """CREATE VIEW catalogue.other_document AS
    SELECT layer.uuid AS id, layer.title::varchar AS title, upper(layer.title) AS shouted, layer.category_id
    FROM catalogue.layer"""


@pytest.fixture(params=[LAYERS, pytest.param(MANY, marks=pytest.mark.long)])
def ready(
    request: pytest.FixtureRequest, database_url: str, broker_url: str, solr_url: str, tmp_path: Path
) -> Iterator[Catalogue]:
    """A catalogue that is applied, piped and drained; the application and the reader are at work."""
    layers = int(request.param)
    with filled(database_url, broker_url, solr_url, tmp_path, layers=layers) as catalogue:
        catalogue.pipeline.run("apply")
        catalogue.pipeline.start(relays=2)
        until(lambda: catalogue.pipeline.run("wait", "--timeout", "200", expect=None).returncode == 0, "all", 900)
        catalogue.solr.commit("layers")
        with traffic(database_url, solr_url, "layers", layers=layers, rate=100.0):
            yield catalogue


def proven(catalogue: Catalogue) -> dict[str, Any]:
    """`verify` says that nothing differs."""
    found: dict[str, Any] = json.loads(catalogue.pipeline.run("verify", "layers", "--json").stdout)
    return found


def behind(catalogue: Catalogue) -> str:
    """The collection that the alias stands for."""
    (found,) = collections.look(catalogue.solr).behind("layers")
    return found


@pytest.mark.timeout(2 * PATIENCE_S + 1000)
def test_the_same_view_and_back_again(ready: Catalogue) -> None:
    first = behind(ready)
    said = ready.pipeline.run("reindex", "layers", timeout_s=PATIENCE_S).stderr
    assert "all equal" in said
    assert proven(ready)["compared"] > 0
    second = behind(ready)
    assert second != first
    assert "still kept" in ready.pipeline.run("reindex", "layers", expect=1).stderr  # it is kept, and in the way
    ready.pipeline.run("reindex", "layers", "--rollback")
    assert behind(ready) == first  # which was kept up to date
    proven(ready)
    ready.pipeline.run("reindex", "layers", "--drop-old")
    assert second not in collections.look(ready.solr).names
    assert [row["name"] for row in status(ready)] == ["layers"]


@pytest.mark.long
@pytest.mark.timeout(2 * PATIENCE_S + 1000)
def test_another_view(ready: Catalogue) -> None:
    ready.connection.execute(OTHER)
    ready.pipeline.run("reindex", "layers", "--view", "catalogue.other_document", timeout_s=PATIENCE_S)
    proven(ready)
    ready.pipeline.run("reindex", "layers", "--drop-old")
    (document,) = ready.solr.select("layers", {"q": "shouted:[* TO *]", "rows": 1})["response"]["docs"]
    assert document["shouted"] and "abstract" not in document


@pytest.mark.long
@pytest.mark.timeout(2 * PATIENCE_S + 1000)
@pytest.mark.parametrize("victim", WORKING)
def test_a_kill_in_the_middle(ready: Catalogue, victim: str) -> None:
    first = behind(ready)
    killed_in_the_middle(ready, victim, lambda: behind(ready) == first)
    assert behind(ready) != first
    proven(ready)


def killed_in_the_middle(ready: Catalogue, victim: str, is_first: Callable[[], bool]) -> None:
    """A reindex that goes on when one of those at work is killed; until then the first collection serves."""
    command = [str(ready.pipeline.programs / "outbox"), "reindex", "layers"]
    environment = {**os.environ, **ready.pipeline.environment}
    with subprocess.Popen(command, env=environment, cwd=ready.pipeline.logs, stderr=subprocess.PIPE) as process:
        until(lambda: half_way(ready), "the new one is being filled", 200)
        assert is_first()
        if victim == "command":
            process.kill()
        else:
            ready.pipeline.kill(victim)
            if victim == "worker-bulk":
                ready.pipeline.start(relays=0, live=0)
        process.communicate(timeout=PATIENCE_S)
    if victim == "command":
        ready.pipeline.run("reindex", "layers", timeout_s=PATIENCE_S)  # goes on
    assert victim == "command" or process.returncode == 0


def test_giving_up_leaves_nothing(catalogue: Catalogue) -> None:
    catalogue.pipeline.run("apply")
    catalogue.pipeline.start(bulk=0)  # nobody fills it
    catalogue.solr.commit("layers")
    before = behind(catalogue)
    command = [str(catalogue.pipeline.programs / "outbox"), "reindex", "layers"]
    environment = {**os.environ, **catalogue.pipeline.environment}
    with subprocess.Popen(command, env=environment, cwd=catalogue.pipeline.logs, stderr=subprocess.PIPE) as process:
        until(lambda: any(row["name"] == "layers~next" for row in status(catalogue)), "it is being built")
        process.kill()
    catalogue.pipeline.run("reindex", "layers", "--abort")
    assert (behind(catalogue), [row["name"] for row in status(catalogue)]) == (before, ["layers"])
    assert collections.look(catalogue.solr).names == {before}
    assert "nothing to drop" in catalogue.pipeline.run("reindex", "layers", "--abort", expect=1).stderr


def status(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The indexes."""
    found: list[dict[str, Any]] = json.loads(catalogue.pipeline.run("status", "--json").stdout)["indexes"]
    return found


def half_way(catalogue: Catalogue) -> bool:
    """Whether some documents of the successor are indexed, and some are not."""
    count = """SELECT count(*) FILTER (WHERE e.done_at IS NOT NULL), count(*) FILTER (WHERE e.done_at IS NULL)
        FROM outbox.event AS e JOIN outbox.index AS i ON i.id = e.index
        WHERE i.name = 'layers~next' AND e.key IS NOT NULL"""
    ((done, left),) = catalogue.connection.execute(count).fetchall()
    return bool(done and left)
