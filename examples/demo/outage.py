"""Solr is stopped; an edit is made all the same; the failing task is seen in Flower; Solr comes back; all is well."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from examples.demo import screen
from services.stack import Stack

PATIENCE_S = 60.0


def run(stack: Stack, edit: Callable[[], str], arrived: Callable[[str], bool], drained: Callable[[], None]) -> None:
    """`edit` makes a change and returns its document's key; `arrived` says whether Solr has it; `drained` waits."""
    flower = stack.endpoints().flower_url
    seen = set(failures(flower))
    screen.line("Solr is stopped.")
    stack.service("solr").stop()
    key = edit()
    screen.line(f"A layer's title is edited while Solr is down: {key}. The user's statement has returned.")
    task = _failing(flower, seen)
    screen.line("Flower shows the failing task, with the reason:")
    screen.line(f"  task {task['uuid']} {task['name']} {task['kwargs']} {task['state']} on {task['worker']}")
    screen.line(f"  {screen.shortened(task['exception'], 200)}")
    screen.line("Solr is started again.")
    started = time.perf_counter()
    stack.service("solr").start()
    answered = time.perf_counter()
    drained()
    if not arrived(key):
        raise RuntimeError(f"the edit of {key} is not in Solr though the outbox is empty")
    drained_s = time.perf_counter() - answered
    screen.line(f"Solr answered after {answered - started:.1f} s; everything was in it {drained_s:.1f} s later.")


def failures(flower_url: str) -> dict[str, dict[str, Any]]:
    """The failed tasks that Flower knows, by uuid."""
    parts = urlsplit(flower_url)
    answer = requests.get(
        f"{parts.scheme}://{parts.hostname}:{parts.port}/api/tasks",
        params={"state": "FAILURE"},
        auth=(parts.username or "", parts.password or ""),
        timeout=10,
    )
    answer.raise_for_status()
    tasks: dict[str, dict[str, Any]] = answer.json()
    return tasks


def _failing(flower_url: str, seen: set[str]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for uuid, task in failures(flower_url).items():
            if uuid not in seen:
                return task
        time.sleep(0.1)  # Flower tells nobody: it has to be asked
    raise TimeoutError(f"Flower showed no failing task within {PATIENCE_S:.0f} s")
