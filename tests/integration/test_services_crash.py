"""Crashes of the local services and of supervisord: the next start or stop cleans up, and touches nothing else."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services import broker, process, state
from services.errors import StackError
from services.process import Identity
from services.stack import Stack
from services.waiting import wait_until

ROOT = Path(__file__).parents[2]
SMALL = ("solr", "flower")  # left out: what is tested here is the same for all, and these take longest


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Stack]:
    """Postgres and RabbitMQ, in a folder with a space, a per cent sign, and a path too long for a unix socket."""
    stack = Stack(tmp_path / "100% private" / ("deep" * 20), without=SMALL)
    with stack:
        yield stack
    _leaves_nothing(stack)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Stack]:
    """Postgres alone."""
    with Stack(tmp_path / "tiny", without=("rabbitmq", *SMALL)) as stack:
        yield stack
    _leaves_nothing(stack)


def _processes(stack: Stack) -> set[Identity]:
    records = (process.read_record(path) for path in stack.folder.run.glob("*.process"))
    return process.relatives(identity for identity in records if identity is not None)


def _supervisord(stack: Stack) -> Identity:
    identity = process.read_record(stack.folder.record("supervisord"))
    assert identity is not None
    return identity


def _state(stack: Stack) -> state.State:
    known = state.load(stack.folder)
    assert known is not None
    return known


def _leaves_nothing(stack: Stack) -> None:
    """After a stop: no process, no record, no socket, no address, no port, no temporary folder."""
    known = _state(stack)
    folder = str(stack.folder.path)
    running = [pid for pid in process.table() if folder in _command_line(pid)]

    assert running == []
    assert list(stack.folder.run.iterdir()) == []
    assert not stack.folder.env.exists()
    assert (known.short, known.postgres_folder) == ("", "")
    assert [name for name, port in known.ports.items() if _listens(port)] == []


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _write(stack: Stack) -> None:
    with psycopg.connect(stack.endpoints().database_url) as connection:
        connection.execute("CREATE TABLE kept (id int)")


def _answers(stack: Stack) -> None:
    endpoints = stack.endpoints()
    with psycopg.connect(endpoints.database_url) as connection:
        connection.execute("SELECT FROM kept")
    assert not endpoints.broker_url or broker.log_in(endpoints.broker_url) == ""


def _kill(identities: set[Identity]) -> None:
    process.send(identities, signal.SIGKILL)
    assert process.wait_gone(identities, 10)


@pytest.mark.long
def test_a_start_recovers_when_supervisord_was_killed(small: Stack) -> None:
    _write(small)
    before, ports = _processes(small), _state(small).ports
    _kill({_supervisord(small)})
    said: list[str] = []
    small.start(said.append)

    assert not [identity for identity in before if process.alive(identity)]
    assert [line for line in said if line.startswith("ended ")]
    assert _state(small).ports == ports
    _answers(small)


def test_a_stop_ends_what_a_killed_supervisord_left(small: Stack) -> None:
    before, short = _processes(small), _state(small).short
    _kill({_supervisord(small)})
    assert len([identity for identity in before if process.alive(identity)]) > 5
    small.stop()

    assert not [identity for identity in before if process.alive(identity)]
    assert short and not Path(short).exists()
    _leaves_nothing(small)


def test_a_start_recovers_when_everything_was_killed(small: Stack) -> None:
    _write(small)
    _kill(_processes(small))
    assert (small.folder.path / "postgres" / "data" / "postmaster.pid").exists()
    small.start()

    _answers(small)


def test_a_backend_that_outlives_its_postmaster_is_ended(tiny: Stack) -> None:
    """A busy backend notices the death of the postmaster late, and holds the shared memory that a new one needs."""
    _write(tiny)
    with psycopg.connect(tiny.endpoints().database_url, autocommit=True) as busy:
        backend = process.identify(busy.info.backend_pid)
        assert backend is not None
        process.send([backend], signal.SIGSTOP)
        postmaster = process.identify(tiny.service("postgres").pid)
        assert postmaster is not None
        _kill({postmaster, _supervisord(tiny)})
        assert process.alive(backend)
        tiny.start()

    assert not process.alive(backend)
    _answers(tiny)


def test_a_stranger_with_a_recorded_pid_is_left_alone(tiny: Stack) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        identity = process.identify(stranger.pid)
        assert identity is not None
        tiny.stop()
        line = f"{identity.boot}\n{Path(f'/proc/{stranger.pid}/stat').read_text()}"
        aged = line.replace(f" {identity.started} ", f" {identity.started - 1} ")
        tiny.folder.record("flower").write_text(aged)
        tiny.stop()
        survived = process.alive(identity)
        stranger.kill()

    assert survived


def test_stopping_twice_is_no_error(tiny: Stack) -> None:
    tiny.stop()
    said: list[str] = []
    tiny.stop(said.append)

    assert said == ["nothing runs"]


def test_services_are_killed_frozen_and_started_one_by_one(small: Stack) -> None:
    _write(small)
    postgres, rabbitmq = small.service("postgres"), small.service("rabbitmq")
    postgres.kill()
    assert postgres.pid == 0
    assert broker.log_in(small.endpoints().broker_url) == ""
    postgres.start()
    rabbitmq.freeze()
    assert broker.log_in(small.endpoints().broker_url) != ""
    rabbitmq.thaw()
    rabbitmq.wait()
    _answers(small)
    small.service("epmd").stop()
    rabbitmq.stop()
    rabbitmq.start()
    _answers(small)


def test_a_frozen_service_is_stopped_cleanly(tiny: Stack) -> None:
    tiny.service("postgres").freeze()
    tiny.stop()

    assert tiny.folder.log("postgres").read_text().endswith("database system is shut down\n")
    _leaves_nothing(tiny)


@pytest.mark.long
def test_a_port_that_somebody_took_meanwhile_is_replaced(small: Stack) -> None:
    _write(small)
    small.stop()
    taken = _state(small).ports["amqp"]
    with socket.create_server(("127.0.0.1", taken)):
        small.start()

    assert _state(small).ports["amqp"] != taken
    _answers(small)


@pytest.mark.long
def test_two_stacks_do_not_meet(small: Stack, tmp_path: Path) -> None:
    _write(small)
    with Stack(tmp_path / "other", without=SMALL) as other:
        assert not set(_state(small).ports.values()) & set(_state(other).ports.values())
        assert small.rabbitmqctl("cluster_status") != other.rabbitmqctl("cluster_status")
    _leaves_nothing(other)
    _answers(small)


def test_a_service_that_cannot_start_is_named_with_its_log(tiny: Stack) -> None:
    tiny.stop()
    pid_file = tiny.folder.path / "postgres" / "data" / "PG_VERSION"
    pid_file.write_text("9.6\n")

    with pytest.raises(
        StackError, match=r"(?s)postgres does not answer: its process has ended.*postgres\.log ends:.*9\.6"
    ):
        tiny.start()
    pid_file.write_text("18\n")


def test_the_command_line_speaks_in_exit_codes(tiny: Stack) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services", *arguments, "--dir", str(tiny.folder.path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run("status").returncode == 0
    assert run("service", "kill", "postgres").stdout == "postgres: exited\n"
    assert run("status").returncode == 3
    assert run("service", "start", "nothing").returncode == 1
    assert run("service", "restart", "postgres").returncode == 2
    assert run("pipeline", "start", "--config", "none.toml").stderr.startswith("error: the settings file none.toml")
    assert run("stop").returncode == 0
    assert run("service", "stop", "postgres").stderr.startswith("error: no services run in ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
def test_without_user_namespaces_root_runs_postgres_as_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the kernel forbids them: a path on which there is no `unshare`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("setpriv", "setsid", "sh", "cat", "mv"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    said: list[str] = []
    stack = Stack(tmp_path / "s", without=("rabbitmq", *SMALL))
    stack.start(said.append)
    owner = Path(f"/proc/{stack.service('postgres').pid}").stat().st_uid
    folder = Path(_state(stack).postgres_folder)
    _write(stack)
    stack.stop()

    assert pwd.getpwuid(owner).pw_name in ("postgres", "nobody")
    assert said[0].startswith("postgres: runs as another user, with data in ")
    assert folder.name.startswith("solr-outbox-postgres-") and not folder.exists()
    _leaves_nothing(stack)


def test_solr_standalone_survives_a_kill(tmp_path: Path) -> None:
    with Stack(tmp_path / "solr", solr_mode="standalone", without=("postgres", "rabbitmq")) as stack:
        solr = stack.service("solr")
        solr.kill()
        assert solr.pid == 0
        solr.start()
        assert not wait_until(solr.check, seconds=5)
    _leaves_nothing(stack)
