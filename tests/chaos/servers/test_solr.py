"""Solr is set back to an older state while the application writes: noticed, and mended without a hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.endpoints import Endpoints
from services.stack import Stack
from tests.acceptance.conftest import Catalogue
from tests.chaos.servers.application import Application
from tests.chaos.servers.piped import applied, arrives, settled, start
from tests.pipeline import until

EDITED = 50  # the layers that the application edits; those that Solr loses are others
LOSE = (
    "UPDATE catalogue.layer SET title = 'lost' WHERE id = 151",
    "DELETE FROM catalogue.layer_keyword WHERE layer_id = 152",
    "DELETE FROM catalogue.layer_region WHERE layer_id = 152",
    "DELETE FROM catalogue.layer WHERE id = 152",
    "INSERT INTO catalogue.layer (name, title, owner_id) VALUES ('new', 'new', 1)",
)
FOUND = "SELECT rewound FROM outbox.target WHERE rewound IS NOT NULL"


@pytest.fixture
def catalogue(database_url: str, endpoints: Endpoints, tmp_path: Path) -> Iterator[Catalogue]:
    """A pipeline at work."""
    with applied(database_url, endpoints, tmp_path) as found:
        start(found)
        yield found


@pytest.mark.long
def test_an_older_solr(catalogue: Catalogue, database_url: str, stack: Stack, tmp_path: Path) -> None:
    solr, backup = stack.service("solr"), tmp_path / "backup"
    (data,) = stack.folder.path.rglob("layers_1_shard1_replica_n1/data")
    with Application(database_url, EDITED) as application:
        solr.stop()
        shutil.copytree(data, backup)
        solr.start()
        arrives(catalogue)
        for statement in LOSE:
            catalogue.connection.execute(statement.encode())
        catalogue.drained()
        solr.kill()
        shutil.rmtree(data)
        shutil.copytree(backup, data)
        solr.start()
        commits = application.commits
        until(lambda: application.commits > commits + 10, "the application goes on")
        ((found,),) = until(lambda: catalogue.connection.execute(FOUND).fetchall(), "it is noticed", 120)
    assert application.broken == 0
    settled(catalogue)
    print(found)
    assert "lacked what was written" in catalogue.pipeline.run("status").stdout
