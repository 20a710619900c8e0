"""The seeds of the run, and the table at its end."""

from __future__ import annotations

import os
import random

import pytest

from tests.chaos.judge import Verdict, table

VERDICTS: list[Verdict] = []


def seeds() -> list[int]:
    """OUTBOX_CHAOS_SEED repeats one; else so many as OUTBOX_CHAOS_SEEDS says (3), from one that is drawn."""
    if chosen := os.environ.get("OUTBOX_CHAOS_SEED"):
        return [int(chosen)]
    first = random.SystemRandom().randrange(10**6)
    return list(range(first, first + int(os.environ.get("OUTBOX_CHAOS_SEEDS") or 3)))


@pytest.fixture
def verdicts() -> list[Verdict]:
    """Where each seed puts its own."""
    return VERDICTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table; OUTBOX_CHAOS_SEED=n repeats a row."""
    if VERDICTS:
        terminalreporter.section("chaos: OUTBOX_CHAOS_SEED=n repeats a seed")
        for line in table(VERDICTS):
            terminalreporter.line(line)
