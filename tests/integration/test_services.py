"""The local services: each answers, on loopback alone, to those who know the password."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import kombu
import psycopg
import pytest
import requests

from services import process
from services.endpoints import Endpoints
from services.ports import ZOOKEEPER_OFFSET
from services.stack import Stack
from services.waiting import wait_until
from tests.integration.sockets import Listener, listeners

_WORKER = """
import celery
app = celery.Celery("failing", broker_connection_retry_on_startup=True)

@app.task(name="fails")
def fails():
    raise ValueError("no such layer")
"""


def _processes(stack: Stack) -> set[process.Identity]:
    """Everything that runs of a stack: all in supervisord's session, and the families of those that left it."""
    records = (process.read_record(path) for path in stack.folder.run.glob("*.process"))
    return process.relatives(identity for identity in records if identity is not None)


def test_postgres_answers_as_the_version_asked_for(endpoints: Endpoints) -> None:
    with psycopg.connect(endpoints.database_url) as connection:
        settings = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in ("server_version_num", "fsync", "max_connections", "log_lock_waits", "deadlock_timeout")
        }

    assert settings["server_version_num"] is not None and settings["server_version_num"][0].startswith("18")
    assert [settings[name] for name in list(settings)[1:]] == [("off",), ("100",), ("on",), ("200ms",)]


def test_postgres_15_answers_where_there_is_one(endpoints: Endpoints) -> None:
    if not endpoints.pg15_url:
        pytest.skip("no Postgres 15 on this machine")
    with psycopg.connect(endpoints.pg15_url) as connection:
        assert connection.info.server_version // 10_000 == 15


def test_the_superuser_needs_the_password(endpoints: Endpoints) -> None:
    parts = urlsplit(endpoints.database_url)

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{parts.port}/postgres", connect_timeout=5)


def test_rabbitmq_carries_a_message(endpoints: Endpoints) -> None:
    with kombu.Connection(endpoints.broker_url) as connection:
        queue = connection.SimpleQueue("test.services", no_ack=True, queue_opts={"auto_delete": True})
        queue.put({"claim": 42})
        message = queue.get(timeout=10)
        queue.close()

    assert message.payload == {"claim": 42}


def test_rabbitmq_has_our_user_and_vhost_and_no_other(stack: Stack) -> None:
    assert stack.rabbitmqctl("list_users", "--no-table-headers").split() == ["outbox", "[]"]
    assert stack.rabbitmqctl("list_vhosts", "--no-table-headers").split() == ["outbox"]


def test_solr_is_a_cloud_without_collections(endpoints: Endpoints) -> None:
    answer = requests.get(f"{endpoints.solr_url}/admin/collections?action=CLUSTERSTATUS", timeout=10).json()

    assert len(answer["cluster"]["live_nodes"]) == 1
    assert endpoints.solr_url.endswith("/solr")


def test_flower_needs_its_password(endpoints: Endpoints) -> None:
    parts = urlsplit(endpoints.flower_url)
    address = f"http://127.0.0.1:{parts.port}/api/tasks"

    assert requests.get(address, timeout=10).status_code == 401
    assert requests.get(f"{endpoints.flower_url}/api/tasks", timeout=10).status_code == 200


@pytest.fixture
def failing_worker(endpoints: Endpoints, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Celery worker whose one task fails; gives the environment in which to send it."""
    (tmp_path / "failing.py").write_text(_WORKER)
    environment = {"CELERY_BROKER_URL": endpoints.broker_url, "PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "celery", "-A", "failing", "worker", "-P", "solo", "-E", "-Q", "failing"]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
    try:
        yield environment
    finally:
        worker.terminate()
        worker.wait(20)


def test_flower_shows_a_failed_task_with_its_exception(failing_worker: dict[str, str], endpoints: Endpoints) -> None:
    command = [sys.executable, "-m", "celery", "-A", "failing", "call", "fails", "--queue", "failing"]
    subprocess.run(command, env=failing_worker, cwd=failing_worker["PYTHONPATH"], check=True, capture_output=True)

    def shown() -> tuple[bool, str]:
        tasks = requests.get(f"{endpoints.flower_url}/api/tasks?state=FAILURE", timeout=10).json()
        return False, "" if [t for t in tasks.values() if t["exception"] == "ValueError('no such layer')"] else str(
            tasks
        )

    assert not wait_until(shown, seconds=30)


def test_nothing_listens_beyond_loopback(stack: Stack, endpoints: Endpoints) -> None:
    ours = {identity.pid for identity in _processes(stack)}
    found = {socket for socket in listeners() if socket.pid in ours}
    ports = {urlsplit(url).port for url in endpoints.environment().values()}
    solr = urlsplit(endpoints.solr_url).port
    assert solr is not None

    assert {socket for socket in found if not socket.loopback} == set()
    assert {socket.port for socket in found} > ports | {solr + ZOOKEEPER_OFFSET}


def test_the_look_at_listeners_would_see_one_that_is_not_on_loopback() -> None:
    assert not Listener(pid=1, address="00000000", port=80).loopback
    assert not Listener(pid=1, address="0" * 32, port=80).loopback
    assert Listener(pid=1, address="0100007F", port=80).loopback


def test_no_secret_is_in_a_command_line_or_open_to_others(stack: Stack, endpoints: Endpoints) -> None:
    secrets = [urlsplit(url).password for url in endpoints.environment().values()]
    lines = [Path(f"/proc/{identity.pid}/cmdline").read_text("utf-8", "replace") for identity in _processes(stack)]

    assert not [line for line in lines for secret in secrets if secret and secret in line]
    for path in (stack.folder.env, stack.folder.state, stack.folder.configuration):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    folders = [path for path in stack.folder.path.iterdir() if path.is_dir()]
    assert [path for path in folders if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_the_env_file_carries_the_addresses(stack: Stack, endpoints: Endpoints) -> None:
    assert stack.folder.env.read_text() == endpoints.text()


def test_starting_again_changes_nothing(stack: Stack, endpoints: Endpoints) -> None:
    before, said = stack.status(), list[str]()
    again = Stack(stack.folder.path, with_pg15=bool(endpoints.pg15_url), fsync=False).start(said.append)

    assert again == endpoints
    assert stack.status() == before
    assert [line for line in said if not line.endswith("runs already")] == []
