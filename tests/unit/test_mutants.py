"""The table of mutants is not stale, and what their runs show is judged strictly. `make mutants` runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from tests.mutants.table import PROMISES, ROOT, Mutant, faults, load
from tests.mutants.verdict import Phase, Verdict, judge, unfit

MUTANTS = load()
LEAST = 30
GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
TEST = "tests/unit/test_x.py::test_it"
FAILED = Phase(TEST, "call", "failed", "AssertionError", "assert 1 == 2")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_each_mutant_can_be_applied_and_names_a_test(mutant: Mutant) -> None:
    assert list(faults(mutant)) == []


def test_there_are_enough_for_every_promise_but_the_one_that_postgres_keeps() -> None:
    assert len(MUTANTS) >= LEAST
    assert [name for name, count in Counter(one.name for one in MUTANTS).items() if count > 1] == []
    assert {each for one in MUTANTS for each in one.breaks} == set(PROMISES) - {"2"}


def test_pytest_finds_every_test_of_the_table() -> None:
    tests = sorted({one.test for one in MUTANTS})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]


def test_what_is_wrong_with_an_entry_is_said() -> None:
    good = MUTANTS[0]
    assert "stands 0 times" in next(faults(replace(good, old="nowhere to be found")))
    assert "there is no test" in next(faults(replace(good, test="tests/unit/test_mutants.py::test_none[x]")))
    assert "no promise 11" in next(faults(replace(good, breaks=("11",))))
    assert "breaks no promise" in next(faults(replace(good, breaks=())))
    with pytest.raises(SyntaxError):
        list(faults(replace(good, new="map(")))


def test_the_guarantees_name_the_mutants_of_each_promise() -> None:
    for promise in PROMISES:
        names = [one.name for one in MUTANTS if promise in one.breaks]
        expected = f"Mutants: {'; '.join(names) or 'none'}."
        after = GUARANTEES.partition(f"<!-- mutants {promise} -->\n")[2]
        assert " ".join(after.partition("\n\n")[0].split()) == expected, f"docs/guarantees.md, at {promise}"


def test_the_guarantees_name_tests_that_are_there() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", GUARANTEES))
    assert len(named) > LEAST
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("exit_code", "phases", "verdict"),
    [
        (1, [FAILED], Verdict.CAUGHT),
        (0, [replace(FAILED, outcome="passed", error="", words="")], Verdict.SURVIVED),
        (1, [replace(FAILED, outcome="passed"), replace(FAILED, phase="teardown")], Verdict.SURVIVED),
        (1, [replace(FAILED, phase="setup")], Verdict.NOTHING),
        (1, [replace(FAILED, test="tests/unit/test_x.py::test_another")], Verdict.NOTHING),
        (0, [replace(FAILED, outcome="skipped", error="Skipped")], Verdict.NOTHING),
        (2, [FAILED], Verdict.NOTHING),
        (2, [], Verdict.NOTHING),
        (4, [], Verdict.NOTHING),
        (1, [replace(FAILED, error="SyntaxError")], Verdict.NOTHING),
        (1, [replace(FAILED, error="NameError")], Verdict.NOTHING),
        (1, [replace(FAILED, error="Failed", words="Timeout (>150.0s) from pytest-timeout.")], Verdict.NOTHING),
        (1, [replace(FAILED, error="Failed", words="DID NOT RAISE <class 'SolrBusy'>")], Verdict.CAUGHT),
    ],
)
def test_only_a_failed_test_catches_a_mutant(exit_code: int, phases: list[Phase], verdict: Verdict) -> None:
    assert judge(TEST, exit_code, phases)[0] is verdict


def test_a_test_that_does_not_pass_without_a_mutant_is_unfit() -> None:
    passed = replace(FAILED, outcome="passed")
    torn = replace(passed, test="torn")
    phases = [passed, torn, replace(torn, phase="teardown", outcome="failed"), replace(passed, test="s", phase="setup")]
    assert unfit([TEST, "torn", "s", "never ran"], phases) == ["torn", "s", "never ran"]
