"""A plugin of pytest for a run in a copy of the tree: writes down each phase of each test, a line of JSON each.

`python -m pytest -p tests.mutants.report`, with the file's name in OUTBOX_MUTANT_REPORT.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest

import outbox

FILE = "OUTBOX_MUTANT_REPORT"


def pytest_configure() -> None:
    """Refuse to test another tree's code: then no mutant would be caught."""
    if not Path(outbox.__file__).is_relative_to(Path.cwd()):
        raise pytest.UsageError(f"outbox is imported from {outbox.__file__}, not from {Path.cwd()}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """One line for each phase."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    line = {
        "test": item.nodeid,
        "phase": report.when,
        "outcome": report.outcome,
        "error": type(error).__name__ if error is not None else "",
        "words": " ".join(str(error).split())[:200] if error is not None else "",
    }
    with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return report
