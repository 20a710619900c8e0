"""What a run of a mutant's test shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FAILED_TESTS = 1  # pytest's exit code; any other means that it did not come so far
# A program that cannot run fails every test, which shows nothing of any.
_NO_PROGRAM = frozenset({"SyntaxError", "IndentationError", "NameError", "UnboundLocalError", "ImportError"})


class Verdict(StrEnum):
    """`CAUGHT`: the test failed, for what it asks. `SURVIVED`: it passed. `NOTHING`: it shows nothing."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    NOTHING = "NOTHING SHOWN"


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a test, as pytest reports it: setup, call or teardown. `error`: the exception's type, or empty."""

    test: str
    phase: str
    outcome: str
    error: str = ""
    words: str = ""


def judge(test: str, exit_code: int, phases: Sequence[Phase]) -> tuple[Verdict, str]:
    """The verdict, and why; the test's own body must have failed, not what stands around it."""
    calls = [one for one in phases if one.test == test and one.phase == "call"]
    if not calls:
        said = next((f"{one.phase}: {one.error}: {one.words}" for one in phases if one.outcome != "passed"), "not run")
        return Verdict.NOTHING, f"{said} (pytest ended with {exit_code})"
    (call,) = calls
    if call.outcome == "passed":
        return Verdict.SURVIVED, ""
    if call.outcome != "failed" or exit_code != FAILED_TESTS:
        return Verdict.NOTHING, f"{call.outcome}: {call.words} (pytest ended with {exit_code})"
    if call.error in _NO_PROGRAM or call.words.startswith("Timeout"):
        return Verdict.NOTHING, f"{call.error}: {call.words}"
    return Verdict.CAUGHT, f"{call.error}: {call.words}"


def unfit(tests: Sequence[str], phases: Sequence[Phase]) -> list[str]:
    """Those that do not pass as the code stands: a test that is red anyway catches nothing."""
    bad = {one.test for one in phases if one.outcome != "passed"}
    ran = {one.test for one in phases if one.phase == "call"}
    return [test for test in tests if test in bad or test not in ran]
