"""What the demo prints."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

_console = Console(highlight=False, soft_wrap=False)
if not _console.is_terminal:
    _console.width = 150


def chapter(title: str) -> None:
    """A heading."""
    _console.print(f"\n[bold]{title}[/bold]")


def line(text: str) -> None:
    """One line, as it stands."""
    _console.print(text, markup=False)


def command(text: str) -> None:
    """A command as one would type it."""
    _console.print(f"$ {text}", markup=False, style="cyan")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; numbers to the right."""
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for number, column in enumerate(columns):
        right = bool(rows) and isinstance(rows[0][number], int | float)
        drawn.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row))
    _console.print(drawn)


def shortened(text: str, most: int = 60) -> str:
    """At most so many characters, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def median(values: Sequence[float]) -> float:
    """The median, 0 of nothing."""
    return statistics.median(values) if values else 0.0
