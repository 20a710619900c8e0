"""compose.yaml keeps to the Compose specification and to what is promised of it; it is not run here."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import pytest
from compose_spec import PyCompose, PyOptions
from compose_spec.models import Service

from outbox import __version__

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "compose.yaml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")
ONE_SHOTS = {"migrate", "sample", "apply"}
OURS = ONE_SHOTS | {"relay", "worker-live", "worker-bulk", "flower"}


def _with_defaults(text: str) -> str:
    """As compose would fill in the variables that have a default; those that must be set stay as they are."""
    return VARIABLE.sub(lambda found: found["rest"] if found["kind"] == "-" else found[0], text)


COMPOSE: PyCompose = PyOptions(apply_merge=True).from_yaml(_with_defaults(TEXT))
SERVICES = COMPOSE.services or {}


def _environment(service: Service) -> dict[str, str]:
    environment: object = service.environment or {}
    assert isinstance(environment, dict), "write environment as a mapping"
    return {str(name): str(value) for name, value in environment.items()}


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _seconds(duration: object) -> int:
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", str(duration))
    assert found, f"{duration} is no duration"
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def _is_one_shot(service: Service) -> bool:
    return service.restart == "no"


def test_every_reference_is_defined() -> None:
    COMPOSE.validate()
    assert set(SERVICES) == OURS | {"postgres", "rabbitmq", "solr"}
    for service in SERVICES.values():
        assert isinstance(service.depends_on or {}, dict)
        assert set(service.depends_on or {}) <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_bound_to_loopback(name: str) -> None:
    for port in SERVICES[name].ports or ():
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", str(port)), f"{name} opens {port} to the network"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched_or_runs_once(name: str) -> None:
    service = SERVICES[name]
    assert _is_one_shot(service) == (name in ONE_SHOTS)
    assert (service.healthcheck is None) == _is_one_shot(service)
    assert service.restart in ("no", "unless-stopped")


@pytest.mark.parametrize("name", SERVICES)
def test_services_wait_until_what_they_need_is_ready(name: str) -> None:
    needed = SERVICES[name].depends_on or {}
    assert isinstance(needed, dict)
    for other, condition in needed.items():
        ready = "service_completed_successfully" if _is_one_shot(SERVICES[other]) else "service_healthy"
        assert condition.condition.value == ready, f"{name} waits for {other}"


@pytest.mark.parametrize("name", ["relay", "worker-live", "worker-bulk"])
def test_nothing_claims_or_writes_before_apply(name: str) -> None:
    assert set(SERVICES[name].depends_on or ()) == {"apply", "postgres", "rabbitmq", "solr"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image, _, tag = (SERVICES[name].image or "").partition(":")
    assert image
    assert re.match(r"\d+", tag), f"{name} runs {image}:{tag or 'latest'}"


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_image_is_the_version_at_hand_and_not_root(name: str) -> None:
    service = SERVICES[name]
    assert service.image == f"solr-outbox:{__version__}"
    assert service.user == "10001:10001"
    assert service.read_only is True
    assert service.init is True
    assert "./examples/catalogue/outbox.toml:/etc/outbox/outbox.toml:ro" in (service.volumes or ())
    assert _environment(service)["OUTBOX_CONFIG"] == "/etc/outbox/outbox.toml"


def test_passwords_come_from_the_environment_and_have_no_default() -> None:
    from_dotenv = r"\$\{\w+_PASSWORD:\?[^}]+\}"
    found = 0
    variables = [item for service in SERVICES.values() for item in _environment(service).items()]
    for name, value in variables:
        in_url = re.search(r"://[^/@:\s]*:(.*)@", value)
        if in_url or re.search("PASS|AUTH|SECRET", name):
            password = in_url[1] if in_url else value.removeprefix("outbox:")
            assert re.fullmatch(from_dotenv, password), f"{name} holds a password as it stands"
            found += 1
    assert found >= len(OURS) * 2 + 3


@pytest.mark.parametrize("name", SERVICES)
def test_data_lies_in_named_volumes(name: str) -> None:
    for volume in SERVICES[name].volumes or ():
        assert isinstance(volume, str)
        source, _, target = volume.partition(":")
        assert source in (COMPOSE.volumes or {}) or target.endswith(":ro"), f"{name} writes to {source}"


def test_postgres_18_keeps_its_data_above_the_folder_of_its_version() -> None:
    assert "postgres-data:/var/lib/postgresql" in (SERVICES["postgres"].volumes or ())


@pytest.mark.parametrize("queue", ["live", "bulk"])
def test_each_queue_has_its_own_worker_with_time_to_end(queue: str) -> None:
    service = SERVICES[f"worker-{queue}"]
    command = service.command
    assert isinstance(command, list)
    assert command[command.index("-Q") + 1] == f"outbox.{queue}"
    assert {"--without-mingle", "--without-gossip"} <= set(command)
    assert _seconds(service.stop_grace_period) > 50


def test_every_variable_is_in_the_example_with_its_default() -> None:
    used = {found["name"]: found["rest"] if found["kind"] == "-" else "" for found in VARIABLE.finditer(TEXT)}
    assert used == _example()


def test_every_variable_of_the_example_has_a_comment() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        assert line.startswith("#") or before.startswith("# "), f"{line} has no comment"


def test_the_dockerfile_ends_as_a_plain_user() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert all(stage.startswith("python:3.12-slim") for stage in stages)
    assert re.findall(r"^USER (.*)$", stages[-1], re.MULTILINE) == ["10001:10001"]


def test_the_dockerfile_copies_only_what_is_there_and_let_in() -> None:
    sources = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for source in " ".join(sources).split():
        assert (ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in let_in), f".dockerignore keeps {source} out"
