"""How far something has come: a bar on a terminal, a plain line now and then elsewhere; on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from outbox.cli.render import note

EVERY_S = 5.0
Show = Callable[[int, int | None], None]
"""Called with how many are done, and of how many, where that is known."""


@contextmanager
def progress(what: str) -> Iterator[Show]:
    """Show it while the block runs."""
    began = time.monotonic()
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what, began)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=None, said="")

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, said=words(done, total, time.monotonic() - began))

        yield show


def words(done: int, total: int | None, seconds: float) -> str:
    """E.g. "12,000 of 50,000 documents, 950/s, 40 s left"; the rate is that since the beginning."""
    said = f"{done:,} documents" if total is None else f"{done:,} of {total:,} documents"
    rate = done / seconds if seconds > 0 else 0.0
    if rate < 1:
        return said
    said += f", {rate:,.0f}/s"
    return f"{said}, {_duration((total - done) / rate)} left" if total is not None and done < total else said


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _lines(what: str, began: float) -> Show:
    said_at = began

    def show(done: int, total: int | None) -> None:
        nonlocal said_at
        now = time.monotonic()
        if now - said_at >= EVERY_S:
            said_at = now
            note(f"{what}: {words(done, total, now - began)}")

    return show
