"""Relay and workers under supervisord, on a stack of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from outbox import migrate
from services import pipeline
from services.errors import StackError
from services.stack import Stack
from services.waiting import wait_until

pytestmark = pytest.mark.skipif(
    not os.access(pipeline.script("relay"), os.X_OK), reason="the project is not installed beside this interpreter"
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Postgres and RabbitMQ: relay and workers start without Solr."""
    with Stack(tmp_path_factory.mktemp("pipeline") / "s", without=("solr", "flower")) as stack:
        yield stack


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An outbox.toml without any index, and a Solr that nobody will ask for anything."""
    path = tmp_path / "outbox.toml"
    path.write_text('solr_url = "http://127.0.0.1:1/solr"\n')
    return path


def _states(stack: Stack) -> dict[str, str]:
    return {seen.name: seen.state for seen in stack.status() if seen.name in pipeline.NAMES}


def test_a_relay_without_its_schema_is_named_with_its_words(stack: Stack, config: Path) -> None:
    with pytest.raises(StackError, match=r"(?s)relay does not answer: .*the schema outbox is missing"):
        stack.start_pipeline(config)
    stack.stop_pipeline()

    assert set(_states(stack).values()) == {"STOPPED"}


def test_the_pipeline_starts_and_what_dies_of_it_is_started_again(stack: Stack, config: Path) -> None:
    migrate.upgrade(stack.endpoints().database_url)
    stack.start_pipeline(config)
    assert _states(stack) == dict.fromkeys(pipeline.NAMES, "RUNNING")
    first = stack.service("relay").pid
    stack.service("relay").kill()
    again = wait_until(lambda: (False, "" if stack.service("relay").pid not in (0, first) else "down"), seconds=20)
    stack.service("relay").wait()
    stack.stop_pipeline()

    assert again == ""
    assert _states(stack) == dict.fromkeys(pipeline.NAMES, "STOPPED")
