"""Every step of relay and worker that writes stands in the table of points: a new one cannot be forgotten."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from outbox.sql import parse
from tests.chaos.points.provoke import WAYS
from tests.chaos.points.stepped import resolve
from tests.chaos.points.steps import POINTS, STEPS, Point

ROOT = Path(__file__).resolve().parents[2]
OURS = [path for folder in ("relay", "outbox/worker") for path in sorted((ROOT / folder).glob("*.py"))]
WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|setval|nextval|pg_notify)\b")
READS = re.compile(
    r"--.*|FOR (NO KEY )?UPDATE"
)  # a lock alone is no step; those that are walked stand in the table too
# What acts on another server than Postgres.
ACTS = {"relay.publish:Publisher.publish", "outbox.solr.client:Solr.update"}
# Not walked: it starts a session, before anything is at stake.
ELSEWHERE = {"relay.wakeup:Wakeup._heard_ourselves"}


def callers() -> list[Path]:
    """The modules of relay and worker, and those of outbox that they use beside the store."""
    trees = [ast.parse(path.read_text("utf-8")) for path in OURS]
    used = {
        alias.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "outbox"
        for alias in node.names
    }
    return [*OURS, *(path for name in sorted(used) if (path := ROOT / "outbox" / f"{name}.py").exists())]


CALLERS = callers()


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function and method of a module, by its name there."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            yield from ((f"{node.name}.{method.name}", method) for method in methods)


def writing(path: Path) -> set[str]:
    """The functions of a module that use a query which writes, as steps."""
    text = path.with_suffix(".sql").read_text("utf-8") if path.with_suffix(".sql").exists() else ""
    found = parse(text, path.name).items()
    queries = {name for name, query in found if WRITES.search(READS.sub("", query))}
    return {
        f"{module_of(path)}:{name}"
        for name, node in functions(path)
        if any(isinstance(each, ast.Constant) and each.value in queries for each in ast.walk(node))
    }


def used() -> set[str]:
    """The functions of outbox.store that relay and workers call, or hand on to be called."""
    return {
        f"outbox.store.{node.value.id}:{node.attr}"
        for path in CALLERS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_every_step_that_writes_is_walked() -> None:
    stored = {step for path in (ROOT / "outbox" / "store").glob("*.py") for step in writing(path)} & used()
    own = {step for path in CALLERS for step in writing(path)}
    assert len(stored) > 20 and len(own) > 3  # the look itself sees something
    assert (stored | own | ACTS) - ELSEWHERE - set(STEPS) == set()


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_point_is_a_function_of_ours_and_something_leads_to_it(point: Point) -> None:
    owner, name = resolve(point.step)
    assert callable(getattr(owner, name))
    assert point.provoked in WAYS
