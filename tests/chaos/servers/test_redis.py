"""Redis as broker: an edit arrives, and `check` says which guarantees it lacks. No more is promised."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.endpoints import Endpoints
from services.state import write_private
from tests.chaos.servers.daemon import found, free_port, needed, running
from tests.chaos.servers.piped import applied, edited, settled
from tests.conftest import cloned

pytestmark = needed("redis-server", "redis-server")
CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
dir {folder}
"""


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own."""
    folder, port, password = tmp_path / "redis", free_port(), secrets.token_hex(16)
    folder.mkdir(mode=0o700)
    write_private(folder / "redis.conf", CONFIGURATION.format(port=port, password=password, folder=folder))
    with running([found("redis-server"), folder / "redis.conf"], folder, port):
        yield f"redis://:{password}@127.0.0.1:{port}/0"


@pytest.mark.long
def test_redis_as_broker(endpoints: Endpoints, template: str, redis_url: str, tmp_path: Path) -> None:
    with (
        cloned(endpoints.database_url, template) as url,
        applied(url, endpoints, tmp_path, broker_url=redis_url) as catalogue,
    ):
        catalogue.pipeline.start()
        settled(catalogue)
        with edited(catalogue):
            problems = json.loads(catalogue.pipeline.run("check", "--json", expect=3).stdout)
            queues = json.loads(catalogue.pipeline.run("status", "--json").stdout)["queues"]
        assert [problem["severity"] for problem in problems if problem["code"] == "broker-guarantees"] == ["warning"]
        assert not [problem for problem in problems if problem["code"] in ("broker-unavailable", "no-consumer")]
        assert [queue["consumers"] for queue in queues] == [None, None]
