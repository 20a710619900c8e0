"""docs/status.md is honest: what counts as shown names a test or a command that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\|\s*(?P<number>\d\.\d)\s*\|(?P<line>[^|]+)\|\s*(?P<shown>[^|]*?)\s*\|\s*(?P<figure>[^|]+?)\s*\|$", re.MULTILINE
)
ROWS = {row["number"]: row for row in ROW.finditer((ROOT / "docs" / "status.md").read_text("utf-8"))}
LINES = {"1": 4, "2": 5, "3": 7, "4": 3, "5": 6, "6": 2}


def test_every_line_of_every_issue_has_its_row() -> None:
    assert list(ROWS) == [f"{issue}.{line}" for issue, lines in LINES.items() for line in range(1, lines + 1)]


@pytest.mark.parametrize("number", ROWS)
def test_what_counts_as_shown_names_what_shows_it(number: str) -> None:
    row = ROWS[number]
    if row["figure"] == "open":
        return
    named = re.findall(r"`([^`]+)`", row["shown"])
    assert named, f"row {number} has a figure and no command"
    for command in named:
        assert _exists(command), f"row {number} names {command}, which does not exist"


def _exists(command: str) -> bool:
    if command.startswith("make "):
        return re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE) is not None
    path, _, function = command.partition("::")
    file = ROOT / path
    return file.exists() and (not function or f"def {function}(" in file.read_text("utf-8"))
