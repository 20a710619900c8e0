"""What an instance writes: the env file, its state, and the settings of each service."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from services import pipeline, ports, state
from services.account import Account
from services.endpoints import Endpoints
from services.errors import StackError
from services.flower import Flower
from services.pipeline import Relay, Worker
from services.postgres import Postgres
from services.provision import Need, nothing_starts, refusal
from services.rabbitmq import RabbitMQ, definitions, password_hash
from services.solr.jdk import java_version
from services.stack import Stack
from services.state import Folder, State
from services.units import Units

PORTS = {name: 20_000 + place for place, name in enumerate(ports.NAMES)}
STATE = State(ports=PORTS, services=("postgres", "rabbitmq", "solr", "flower"), postgres_programs={"postgres": "/bin"})
ENDPOINTS = Endpoints("postgresql://postgres:p@127.0.0.1:1/d", "amqp://outbox:p@127.0.0.1:2/outbox", "http://h:3/solr")


def test_a_shell_reads_the_env_file_back(tmp_path: Path) -> None:
    endpoints = replace(ENDPOINTS, flower_url="http://u:a b$'c@127.0.0.1:4")
    (tmp_path / "env").write_text(endpoints.text())
    script = f'set -a; . {tmp_path}/env; printf "%s\\n" "$OUTBOX_DATABASE_URL" "$OUTBOX_FLOWER_URL"'
    said = subprocess.check_output(["/bin/sh", "-c", script], text=True)

    assert said.splitlines() == [endpoints.database_url, endpoints.flower_url]


def test_addresses_need_no_quotes_and_missing_ones_no_line() -> None:
    assert ENDPOINTS.text().splitlines() == [
        "OUTBOX_DATABASE_URL=postgresql://postgres:p@127.0.0.1:1/d",
        "OUTBOX_BROKER_URL=amqp://outbox:p@127.0.0.1:2/outbox",
        "OUTBOX_SOLR_URL=http://h:3/solr",
    ]


def test_a_service_that_is_left_out_has_no_address(tmp_path: Path) -> None:
    endpoints = Units(Folder(tmp_path), replace(STATE, services=("rabbitmq",))).endpoints()

    assert list(endpoints.environment()) == ["OUTBOX_BROKER_URL"]


def test_the_state_comes_back_as_it_was_and_is_private(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    state.save(folder, STATE)

    assert state.load(folder) == STATE
    assert stat.S_IMODE(folder.state.stat().st_mode) == 0o600


def test_a_new_folder_has_no_state(tmp_path: Path) -> None:
    assert state.load(Folder(tmp_path)) is None


def test_lost_passwords_of_existing_data_are_said(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()

    with pytest.raises(StackError, match=r"state\.json is gone, and with it the passwords: delete"):
        state.load(Folder(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"services": [], "postgres_prefix": [], "unknown": 1}'])
def test_a_damaged_state_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)

    with pytest.raises(StackError, match=r"state\.json is damaged"):
        state.load(Folder(tmp_path))


def test_two_instances_share_no_secret_and_no_name() -> None:
    one, two = State(), State()
    secrets = {
        getattr(each, name)
        for each in (one, two)
        for name in ("name", "postgres_password", "broker_password", "flower_password", "erlang_cookie")
    }

    assert len(secrets) == 10


def test_a_long_path_gets_a_short_folder_for_its_socket(tmp_path: Path) -> None:
    near, far = Folder(Path("/x")), Folder(tmp_path / ("deep" * 30))
    short = state.short_folder(far)

    assert state.short_folder(near) == ""
    assert len(str(State(short=short).socket(far))) < 90
    assert stat.S_IMODE(Path(short).stat().st_mode) == 0o700
    state.remove([short, "", short])
    assert not Path(short).exists()


def test_no_secret_stands_on_a_command_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    known = replace(STATE, config="/x/outbox.toml")
    words = " ".join(word for unit in Units(folder, known).all() for word in unit.program().command)

    for secret in (known.postgres_password, known.broker_password, known.flower_password, known.erlang_cookie):
        assert secret not in words


def test_everything_listens_on_loopback(tmp_path: Path) -> None:
    folder, home = Folder(tmp_path), tmp_path / "rabbitmq"
    RabbitMQ(folder, STATE).prepare()
    server = Postgres(folder, STATE, Account(), Path("/bin"))
    server.data.mkdir(parents=True)
    server.prepare()

    assert f"listeners.tcp.local = 127.0.0.1:{PORTS['amqp']}\n" in (home / "rabbitmq.conf").read_text()
    assert "inet_dist_use_interface {127,0,0,1}" in RabbitMQ(folder, STATE).environment()["ERL_ZFLAGS"]
    assert "listen_addresses = '127.0.0.1'\n" in (server.data / "postgresql.conf").read_text()
    assert "fsync = on\n" in (server.data / "postgresql.conf").read_text()
    assert "--address=127.0.0.1" in Flower(folder, STATE, "").program().command


def test_a_stale_pid_file_is_removed(tmp_path: Path) -> None:
    server = Postgres(Folder(tmp_path), STATE, Account(), Path("/bin"))
    server.data.mkdir(parents=True)
    (server.data / "postmaster.pid").write_text("1\n")
    server.prepare()

    assert not (server.data / "postmaster.pid").exists()


def test_the_broker_knows_one_user_for_one_vhost_by_a_salted_hash() -> None:
    salt = b"abcd"
    known = json.loads(definitions("secret", salt))

    assert base64.b64decode(password_hash("secret", salt)) == salt + hashlib.sha256(b"abcdsecret").digest()
    assert [user["name"] for user in known["users"]] == ["outbox"]
    assert [(right["user"], right["vhost"]) for right in known["permissions"]] == [("outbox", "outbox")]
    assert "secret" not in json.dumps(known)


def test_the_pipelines_programs_have_their_commands_and_addresses() -> None:
    live, bulk = (
        Worker(ENDPOINTS, "/x/o.toml", "live", 2).program(),
        Worker(ENDPOINTS, "/x/o.toml", "bulk", 1).program(),
    )
    line = "-A outbox.worker worker -Q outbox.live -n live@%h -c 2 --without-mingle --without-gossip -E"

    assert (" ".join(live.command[1:]), live.name) == (line, "worker-live")
    assert (" ".join(bulk.command[1:]), bulk.name) == (
        line.replace("live", "bulk").replace("-c 2", "-c 1"),
        "worker-bulk",
    )
    assert Relay(ENDPOINTS, "/x/o.toml").program().command == (str(pipeline.script("relay")),)
    assert live.environment == {**ENDPOINTS.environment(), "OUTBOX_CONFIG": "/x/o.toml"}
    assert live.stop_seconds > 50


def test_a_missing_settings_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"o\.toml does not exist: name another with --config"):
        pipeline.require(tmp_path / "o.toml")


@pytest.mark.parametrize(
    ("said", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 8), ('version "21"', 21), ("", 0)],
)
def test_java_versions(said: str, major: int) -> None:
    assert java_version(said) == major


def test_what_is_missing_is_named_with_the_command() -> None:
    missing = [Need("mvn", "maven", False), Need("erl", "erlang-base", False)]

    assert refusal(missing) == (
        "missing: mvn, erl; install it with `sudo apt-get install --no-install-recommends erlang-base maven`"
    )


def test_while_packages_are_installed_nothing_may_start(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with nothing_starts(policy):
        assert subprocess.run([policy, "rabbitmq-server", "start"], check=False).returncode == 101
    assert not policy.exists()


def test_a_policy_that_was_there_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")
    with nothing_starts(policy):
        assert policy.read_text() == "theirs"
    assert policy.read_text() == "theirs"


def test_an_unknown_service_is_said(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="there is no service redis: choose from postgres, rabbitmq, solr, flower"):
        Stack(tmp_path, without=["redis"])


def test_nothing_to_stop_is_no_error(tmp_path: Path) -> None:
    said: list[str] = []
    Stack(tmp_path / "never").stop(said.append)

    assert said == ["nothing runs"]
    assert not (tmp_path / "never").exists()


def test_what_does_not_run_has_no_endpoints(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"no services run in .*: start them with `make services`"):
        Stack(tmp_path).endpoints()
